"""``eew cap`` as a user meets it."""

import asyncio
import io
import socket
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import aiomqtt
import pytest

from eew.cli.main import main
from eew.contract import topic
from eew.feed.formats.native import encode_report
from eew.feed.scenario import load_scenario
from eew.mqtt.embedded import EmbeddedBroker

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def identifier(document: str) -> str | None:
    return ET.fromstring(document).findtext(f"{CAP}identifier")  # noqa: S314 - a document of our own


def test_the_newest_message_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """One XML document on standard output; which one of how many is said beside it."""
    assert main(["cap", "false-alarm"]) == 0
    captured = capsys.readouterr()
    assert identifier(captured.out) == "test-false-alarm-3-cancel"
    assert captured.err == "eew cap: test-false-alarm-3-cancel, Cancel, message 3 of 3; all of them: --out DIR\n"


def test_another_report_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    """``--report`` takes its number; one that says nothing is refused with those that do."""
    assert main(["cap", "false-alarm", "--report", "1"]) == 0
    assert identifier(capsys.readouterr().out) == "test-false-alarm-1"
    assert main(["cap", "false-alarm", "--report", "9"]) == 2
    assert capsys.readouterr().err == "eew cap: --report: '9': expected a report that says something: 1, 2, 3\n"


def test_reports_from_a_file_and_from_standard_input(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Native reports are as good as a scenario."""
    scenario = load_scenario(project / "scenarios/false-alarm.toml")
    lines = b"".join(encode_report(report) + b"\n" for report in scenario.reports)
    path = tmp_path / "reports.jsonl"
    path.write_bytes(lines)
    printed = []
    for event in (str(path), "-"):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
        assert main(["cap", event, "--profile", "japan"]) == 0
        printed.append(capsys.readouterr().out)
    assert main(["cap", "false-alarm"]) == 0
    assert printed == [capsys.readouterr().out] * 2


def test_who_tells_nobody_prints_nothing(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cancel of what was never said is no message; that is said, and no fault."""
    cancel = load_scenario(project / "scenarios/false-alarm.toml").reports[-1]
    path = tmp_path / "reports.jsonl"
    path.write_bytes(encode_report(cancel) + b"\n")
    assert main(["cap", str(path), "--atom", str(tmp_path / "feed.xml")]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "notify nobody" in captured.err
    assert not (tmp_path / "feed.xml").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere"],
        ["false-alarm", "--report", "0"],
        ["false-alarm", "--profile", "atlantis"],
        ["e", "--broker", "mqtt://127.0.0.1:1", "--out", "x"],
        ["a/#", "--broker", "mqtt://127.0.0.1:1"],
    ],
)
def test_bad_input_is_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line on the error stream."""
    assert main(["cap", *words]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_no_broker_is_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    assert main(["cap", "e", "--broker", f"mqtt://127.0.0.1:{free_port}"]) == 3
    assert capsys.readouterr().err.startswith(f"eew cap: broker mqtt://127.0.0.1:{free_port}")


@pytest.mark.broker
async def test_what_stands_at_a_broker_is_printed(
    embedded_broker: EmbeddedBroker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retained message of an event, byte for byte; of an unknown event nothing, exit 2."""
    monkeypatch.setattr("eew.cli.cap._WITHIN_S", 1.0)
    endpoint = embedded_broker.endpoint
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        await client.publish(topic.cap("quake-1"), "<alert>地震</alert>".encode(), qos=1, retain=True)
    assert await asyncio.to_thread(main, ["cap", "quake-1", "--broker", str(endpoint)]) == 0
    assert capsys.readouterr().out == "<alert>地震</alert>"
    assert await asyncio.to_thread(main, ["cap", "quake-2", "--broker", str(endpoint)]) == 2
    assert "expected an event that stands at" in capsys.readouterr().err
