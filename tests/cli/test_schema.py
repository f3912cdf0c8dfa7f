"""``eew schema`` as an integrator meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from eew.cli.main import main

SchemaErrors = Callable[[dict[str, Any], object], list[str]]

NAMES = {"report", "device-alert", "cell-alert", "event", "info", "status", "receipt", "run-summary"}


def test_one_schema_is_printed_by_itself(capsys: pytest.CaptureFixture[str], schema_errors: SchemaErrors) -> None:
    """What is printed is a schema that a validator takes."""
    assert main(["schema", "device-alert"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "'event_id' is a required property" in schema_errors(schema, {"v": 1})


def test_all_schemas_are_one_object_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name every message and file of the contract is there."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == NAMES


def test_each_schema_becomes_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The folder is made; what was written is listed and is what would have been printed."""
    folder = tmp_path / "new" / "schemas"
    assert main(["schema", "--out", str(folder)]) == 0
    listed = capsys.readouterr().out.split()
    assert {Path(name) for name in listed} == {folder / f"{name}.schema.json" for name in NAMES}
    assert main(["schema", "status", "--out", str(tmp_path)]) == 0
    assert main(["schema", "status"]) == 0
    printed = capsys.readouterr().out.split("\n", 1)[1]
    assert (tmp_path / "status.schema.json").read_text(encoding="utf-8") == printed


def test_the_asyncapi_document_is_printed_or_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """As JSON, which every YAML reader takes as well."""
    assert main(["schema", "--asyncapi"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["asyncapi"] == "3.0.0"
    assert yaml.safe_load(printed) == json.loads(printed)
    assert main(["schema", "--asyncapi", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'asyncapi.json'}\n"
    assert (tmp_path / "asyncapi.json").read_text(encoding="utf-8") == printed


def test_the_asyncapi_document_of_one_message_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """There is none."""
    assert main(["schema", "status", "--asyncapi"]) == 2
    assert capsys.readouterr().err.startswith("eew schema: NAME: 'status': expected no NAME beside --asyncapi")


def test_an_unknown_name_is_exit_2_with_the_names_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what was asked for and what could have been."""
    assert main(["schema", "alert"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("eew schema: NAME: 'alert': expected one of report, device-alert")
    assert error.count("\n") == 1


def test_a_folder_that_cannot_be_is_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file stands in the way: its name is in the one line."""
    (tmp_path / "file").touch()
    assert main(["schema", "--out", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
