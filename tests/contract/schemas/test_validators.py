"""The contract's files as the official tools see them: AsyncAPI's parser, and a second JSON Schema validator."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eew.contract.schemas.channels import CHANNELS
from eew.contract.schemas.schema import schemas

HERE = Path(__file__).resolve().parent
#: What the parser calls an error or a warning.
ERROR, WARNING = 0, 1

pytestmark = pytest.mark.long(240, reason="the first run fetches the packages of other languages")


@pytest.fixture(scope="module")
def verdict() -> dict[str, Any]:
    """Return what the tools say, or skip where they cannot be had; the packages are fetched once and kept."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    modules, mark = HERE / "node_modules", hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / ".lock-sha256"
    with (HERE / ".npmrc").open() as lock:
        # Two test processes, one folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != mark:
            fetched = subprocess.run([npm, "ci"], cwd=HERE, capture_output=True, text=True, check=False, timeout=200)
            if fetched.returncode:
                # In CI the packages are to be had: there nothing is left out.
                leave = pytest.fail if "CI" in os.environ else pytest.skip
                leave(f"npm ci failed: {fetched.stderr.strip().splitlines()[-1:]}")
            stamp.write_text(mark)
    done = subprocess.run(
        [node, "validate.mjs", HERE.parents[2] / "docs" / "asyncapi.yaml", HERE.parents[2] / "docs" / "schemas"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"SCARF_ANALYTICS": "false"},
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_the_asyncapi_parser_finds_nothing_wrong(verdict: dict[str, Any]) -> None:
    """Neither errors nor warnings, from the parser that the AsyncAPI CLI uses."""
    assert [each for each in verdict["diagnostics"] if each["severity"] in {ERROR, WARNING}] == []


def test_the_asyncapi_parser_finds_every_topic(verdict: dict[str, Any]) -> None:
    """A tool that reads the document offers each operation with its address and its messages."""
    found = {each["id"]: each for each in verdict["operations"]}
    assert found.keys() == {each.operation for each in CHANNELS}
    for each in CHANNELS:
        assert found[each.operation]["addresses"] == [each.address]
        assert found[each.operation]["action"] == each.action
        assert found[each.operation]["messages"] == [each.message, *(["cleared"] if each.is_cleared else [])]


def test_a_second_validator_takes_schemas_and_examples(verdict: dict[str, Any]) -> None:
    """Ajv in its strict mode: every keyword known, every example valid, and each message has one."""
    assert verdict["schemas"].keys() == {f"{name}.schema.json" for name in schemas()}
    for name, said in verdict["schemas"].items():
        assert said["errors"] == [], name
        assert said["examples"] > 0, name


@pytest.mark.parametrize("name", schemas())
def test_each_schema_is_one_and_takes_its_examples(name: str) -> None:
    """By the metaschema of draft 2020-12, and by a validator in Python."""
    schema = schemas()[name]
    draft = jsonschema.Draft202012Validator
    draft.check_schema(schema)
    validator = draft(schema, format_checker=draft.FORMAT_CHECKER)
    assert schema["examples"]
    for example in schema["examples"]:
        assert [error.message for error in validator.iter_errors(example)] == []


def test_the_lock_file_names_no_registry() -> None:
    """Packages are fetched from wherever the reader's npm fetches them; what they are is held by their hashes."""
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    for name, each in packages.items():
        assert "resolved" not in each, name
        assert each["integrity"].startswith("sha512-"), name
