"""The run summary as a file: what the type says, the schema says, and what is read is written again as it was."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eew.contract.run_summary import OutcomeCounts, RunSummary, summary_json
from eew.contract.schemas.schema import schemas

SchemaErrors = Callable[[dict[str, Any], object], list[str]]

#: A real run's, made before there was a type.
TEXT = (Path(__file__).parent / "schemas" / "run-summary.json").read_text(encoding="utf-8")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "run-summary.md").read_text(encoding="utf-8")


def test_what_is_read_is_written_as_it_was() -> None:
    """Byte for byte: the members, their order and their numbers."""
    assert summary_json(msgspec.json.decode(TEXT, type=RunSummary)) == TEXT


def test_a_real_run_holds_to_the_schema(schema_errors: SchemaErrors) -> None:
    """As a validator of others sees it."""
    assert schema_errors(schemas()["run-summary"], json.loads(TEXT)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("mode",), "satellite"),
        (("speed",), "fast"),
        (("qos",), 2),
        (("conservation", "sent"), -1),
        (("delivery", "expected"), 1.5),
        (("latency_ms", "report_to_device", "p99"), "12 ms"),
        (("reports", 0, "kind"), "gone"),
        (("stopped",), {"by": "SIGINT"}),
        (("settings", "devices"), [1]),
    ],
)
def test_what_is_no_summary_is_refused(path: tuple[str | int, ...], value: object, schema_errors: SchemaErrors) -> None:
    """By the schema and by the type alike."""
    wrong = json.loads(TEXT)
    part = wrong
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    assert schema_errors(schemas()["run-summary"], wrong)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, RunSummary)


def test_what_was_not_counted_is_absent() -> None:
    """Persons notified at an unknown time stand there only where there are any; and all are added up."""
    counts = {"in_time": 4, "late_by_physics": 3, "late_by_dispatch": 2, "not_told": 1}
    assert msgspec.to_builtins(OutcomeCounts(**counts)) == counts
    counts |= {"told_at_unknown_time": 5}
    assert msgspec.to_builtins(OutcomeCounts(**counts)) == counts
    assert OutcomeCounts(**counts).total == 15


def test_the_page_has_every_member() -> None:
    """The topmost in the order in which they stand in the file."""
    schema = schemas()["run-summary"]
    rows = [line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| `")]
    assert [row.strip("`") for row in rows if "." not in row] == list(schema["properties"])
    words = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall("`[^`]+`", PAGE))))
    for title, part in schema["$defs"].items():
        assert set(part.get("properties", {})) <= words, title
