"""``eew feed`` as a user runs it: scenarios played as agencies' feeds, and listened to."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from eew.cli import feed, feed_listen
from eew.cli.main import COMMANDS, main
from eew.feed.formats.native import decode_report, encode_report
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.records import AreaAnswer, EventReport, IssueBasis, ReportKind, Severity
from eew.mqtt.embedded import EmbeddedBroker

_RUN = "import sys; from eew.cli import main as m; m.COMMANDS.setdefault('feed', 'feeds'); sys.exit(m.main())"
REPORTS = load_scenario(scenario_path("bungo-2024")).reports


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "feed", "feeds")


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _RUN, "feed", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode().rstrip("\n")
    if not line:
        raise AssertionError((await process.communicate())[1].decode())
    return line


def core(report: EventReport) -> tuple[object, ...]:
    """Return what a telegram says of a report, to its resolution of seconds."""
    origin_at = None if report.origin_at is None else report.origin_at.replace(microsecond=0)
    issued_at = report.issued_at.replace(microsecond=0)
    place = (report.lat_deg, report.lon_deg, report.depth_km)
    return report.event_id, report.report_no, report.kind, issued_at, origin_at, *place, report.magnitude


async def test_a_scenario_served_over_a_websocket_is_listened_to_unchanged() -> None:
    """All reports and the cancel, in JMA's XML; the server ends when it has been read."""
    async with running("serve", "bungo-2024", "--as", "jma-xml", "--speed", "max") as server:
        url = await line_of(server)
        assert url.startswith("ws://127.0.0.1:")
        words = ("listen", url, "--format", "jma-xml", "--json", "--count", str(len(REPORTS)))
        async with running(*words) as listener:
            out, err = await listener.communicate()
            assert listener.returncode == 0, err.decode()
        assert await server.wait() == 0
    assert [core(decode_report(line)) for line in out.splitlines()] == [core(report) for report in REPORTS]
    assert f"received {len(REPORTS)}, parsed {len(REPORTS)}" in err.decode()


async def test_a_scenario_served_as_cap_is_listened_to(tmp_path: Path) -> None:
    """Over a WebSocket, areas without a hypocentre too: told in one line, exit 0."""
    areas = (
        AreaAnswer(code="MX-CMX", name="Ciudad de México", severity=Severity.SEVERE, circles=((19.4, -99.1, 30.0),)),
    )
    nowhere = {"event_id": "e2", "origin_at": None, "lat_deg": None, "lon_deg": None, "magnitude": None}
    reports = (*REPORTS, msgspec.structs.replace(REPORTS[0], report_no=1, areas=areas, **nowhere))
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\n".join(map(encode_report, reports)))
    async with running("serve", str(path), "--as", "cap", "--speed", "max") as server:
        url = await line_of(server)
        words = ("listen", url, "--format", "cap", "--json", "--count", str(len(reports)))
        async with running(*words) as listener:
            out, err = await listener.communicate()
            assert listener.returncode == 0, err.decode()
        assert await server.wait() == 0
    got = [decode_report(line) for line in out.splitlines()]
    assert [(*core(each)[:4], each.origin_at, each.lat_deg, each.magnitude) for each in got] == [
        (*core(each)[:4], each.origin_at, each.lat_deg, each.magnitude) for each in reports
    ]
    assert got[-1].areas == areas


@pytest.mark.broker
async def test_a_scenario_served_over_mqtt_is_listened_to_unchanged(embedded_broker: EmbeddedBroker) -> None:
    """On the topic of its source, where the listener looks unless told otherwise."""
    url = str(embedded_broker.endpoint)
    async with running("listen", url, "--json", "--count", str(len(REPORTS))) as listener:
        assert listener.stderr is not None

        # It says nothing until something comes; the first report is published again until it does.
        async def serve() -> None:
            async with running(
                "serve", "bungo-2024", "--as", "native", "--over", "mqtt", "--broker", url, "--speed", "1000", "--loop"
            ) as server:
                assert (await line_of(server)) == f"{url}/eew/v1/reports/jma"
                await server.wait()

        serving = asyncio.create_task(serve())
        out, _ = await listener.communicate()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    got = {decode_report(line) for line in out.splitlines()}
    assert got == set(REPORTS)


async def test_a_scenario_served_over_http_ends_with_its_last_report() -> None:
    """Which is the one that is offered in the end; what was replaced before is not to be had."""
    async with running("serve", "bungo-2024", "--as", "native", "--over", "http", "--speed", "max") as server:
        url = await line_of(server)
        async with running("listen", url, "--json", "--count", "1", "--interval", "0.05") as listener:
            out, _ = await listener.communicate()
            assert listener.returncode == 0
        assert await server.wait() == 0
    assert decode_report(out) == REPORTS[-1]


async def test_a_scenario_served_into_a_folder_is_read_as_files_and_as_a_folder(tmp_path: Path) -> None:
    """The same either way; what is no telegram is told with its reason, and is exit 1 where it is a file."""
    folder = tmp_path / "feed"
    words = ("--as", "jma-xml", "--over", "folder", "--dir", str(folder), "--speed", "max", "--misbehave", "garbage")
    async with running("serve", "bungo-2024", *words, "--every", "20") as server:
        assert await line_of(server) == f"dir:{folder}"
        assert await server.wait() == 0
    files = sorted(map(str, folder.iterdir()))
    assert len(files) == len(REPORTS) + 1
    async with running("listen", *files, "--format", "jma-xml", "--json") as listener:
        out, err = await listener.communicate()
        assert listener.returncode == 1
    assert [core(decode_report(line)) for line in out.splitlines()] == [core(report) for report in REPORTS]
    assert err.decode().count("rejected: ") == 1
    assert f"{len(files)} files (over): received {len(files)}" in err.decode()
    async with running(
        "listen", str(folder), "--format", "jma-xml", "--json", "--count", str(len(REPORTS))
    ) as listener:
        again, _ = await listener.communicate()
        assert listener.returncode == 0
    assert again == out


def test_files_are_one_feed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What one says of an earthquake is known in the next; one that is too long, or came before, costs no other."""
    listed = {"type": "earthquake", "mag": 6, "time": 1704093009476, "updated": 1704093409000}
    paths: list[str] = []
    for name, ids in (("ak1", ",ak1,"), ("us1", ",us1,ak1,"), ("us1", ",us1,ak1,")):
        paths.append(str(tmp_path / f"{len(paths)}.json"))
        feature = {"type": "Feature", "id": name, "properties": listed | {"ids": ids}}
        document = feature | {"geometry": {"type": "Point", "coordinates": [137.3, 37.5, 10]}}
        Path(paths[-1]).write_text(json.dumps(document))
    long = tmp_path / "long.json"
    long.write_bytes(b" " * 4_000_001)
    assert main(["feed", "listen", paths[0], str(long), *paths[1:], "--format", "usgs", "--json"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["event_id"] for line in out.splitlines()] == ["ak1"]
    assert f"rejected: {long}: size: 4000000: expected at most 1000000 bytes" in err
    assert "4 files (over): received 4, parsed 1, heartbeats 0, ignored 0, rejected 1, late 0, duplicate 2" in err


def test_an_exercise_is_marked_in_every_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of who serves it and who listens, also where it came before."""
    words = ["serve", "drill", "--as", "native", "--over", "folder", "--dir", str(tmp_path), "--speed", "max"]
    assert main(["feed", *words]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "drill-" in line]
    files = sorted(tmp_path.iterdir())
    again = tmp_path / "again.jsonl"
    # Of other bytes, or it is only counted.
    again.write_bytes(b" " + files[0].read_bytes())
    assert main(["feed", "listen", *map(str, [*files, again]), "--format", "native"]) == 0
    out, err = capsys.readouterr()
    told += [line for line in (out + err).splitlines() if " drill-" in line]
    assert len(told) == 2 * len(files) + 1
    assert [line for line in told if "EXERCISE" not in line] == []


async def test_ctrl_c_prints_the_counters_and_is_130() -> None:
    """Of the listener and of the server."""
    async with running("serve", "bungo-2024", "--as", "native", "--speed", "0.001") as server:
        url = await line_of(server)
        async with running("listen", url) as listener:
            first = await line_of(listener)
            listener.send_signal(signal.SIGINT)
            _, err = await listener.communicate()
            assert listener.returncode == 130
        server.send_signal(signal.SIGINT)
        assert await server.wait() == 130
    assert "jma 20240417231454 report 1 new" in first
    assert "(listening): received 1, parsed 1" in err.decode()


async def test_a_url_that_is_not_reached_in_time_is_exit_3() -> None:
    """Saying why."""
    async with running("listen", "ws://127.0.0.1:9/", "--within", "0.1") as listener:
        out, err = await listener.communicate()
    assert (listener.returncode, out) == (3, b"")
    assert "ws://127.0.0.1:9/ was not reached within 0.1 s: cannot connect" in err.decode()


def test_native_files_are_read_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad line is told with its number, and the others are read."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\n".join([encode_report(REPORTS[0]), b"{}", encode_report(REPORTS[1])]))
    assert main(["feed", "listen", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out.count("\n") == 2
    assert f"rejected: {path}:2: " in err


def test_members_that_nobody_knows_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the hand in a report of ours may be one of them; all are counted."""
    path = tmp_path / "reports.jsonl"
    members = [json.loads(encode_report(report)) for report in REPORTS[:2]]
    path.write_text("".join(json.dumps(each | {"latitude": 33.0}) + "\n" for each in members))
    assert main(["feed", "listen", str(path)]) == 0
    errors = capsys.readouterr().err
    assert "  members that nobody knows, ignored: latitude 2\n" in errors


def test_a_stored_report_without_a_time_of_issue_says_that_it_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CENC's relay writes the origin time there; what is received says when."""
    path = tmp_path / "cenc.json"
    path.write_text(
        '{"EventID":"202607181347.0001","ReportTime":"2026-07-18 13:47:20","ReportNum":1,"Magnitude":4.8,'
        '"OriginTime":"2026-07-18 13:47:20","Latitude":38.747,"Longitude":75.088}'
    )
    assert main(["feed", "listen", "--format", "wolfx-cenc", str(path)]) == 0
    assert capsys.readouterr().out.startswith("(issue time unknown) cenc 202607181347_x2E0001 report 1 new ")
    assert main(["feed", "listen", "--json", "--format", "wolfx-cenc", str(path)]) == 0
    report = decode_report(capsys.readouterr().out.encode())
    assert report.issue_basis is IssueBasis.UNKNOWN
    received = msgspec.structs.replace(report, issue_basis=IssueBasis.RECEIVED)
    assert feed_listen._line(received).startswith("2026-07-18T05:47:20.0Z (received) cenc ")


def test_what_a_person_reads_of_a_report_has_no_control_characters() -> None:
    """And says of an exercise that it is one."""
    text = json.loads(encode_report(REPORTS[5])) | {"place": "a\x1b[2J", "status": "exercise"}
    line = feed_listen._line(decode_report(json.dumps(text).encode()))
    assert line.isprintable()
    assert " EXERCISE " in line


def test_a_format_without_cancels_leaves_them_out_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is played."""
    assert REPORTS[-1].kind is ReportKind.CANCEL
    words = ["--as", "wolfx-sc", "--over", "folder", "--dir", str(tmp_path), "--speed", "max"]
    assert main(["feed", "serve", "bungo-2024", *words]) == 0
    assert capsys.readouterr().err.startswith(f"left out: report {REPORTS[-1].report_no} of ")
    assert len(list(tmp_path.iterdir())) == len(REPORTS) - 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["listen", "ftp://x"], "URL"),
        (["listen", "-", "--format", "morse"], "--format"),
        (["listen", "-", "--count", "0"], "--count"),
        (["listen", "-", "--count", "1.5"], "--count"),
        (["listen", "-", "--for", "-1"], "--for"),
        (["listen", "-", "--interval", "0"], "--interval"),
        (["serve", "bungo-2024", "--as", "morse"], "--as"),
        (["serve", "atlantis", "--as", "native"], "scenario"),
        (["serve", "bungo-2024", "--as", "native", "--over", "folder"], "--dir"),
        (["serve", "bungo-2024", "--as", "native", "--dir", "x"], "--dir"),
        (["serve", "bungo-2024", "--as", "native", "--broker", "mqtt://h"], "--broker"),
        (["serve", "bungo-2024", "--as", "native", "--over", "mqtt", "--broker", "http://h"], "--broker"),
        (["serve", "bungo-2024", "--as", "native", "--over", "mqtt", "--broker", "mqtt://h/a/+"], "--broker"),
        (["serve", "bungo-2024", "--as", "native", "--over", "mqtt", "--misbehave", "drop"], "--misbehave"),
        (["serve", "bungo-2024", "--as", "native", "--misbehave", "explode"], "--misbehave"),
        (["serve", "bungo-2024", "--as", "native", "--speed", "0"], "--speed"),
        (["serve", "bungo-2024", "--as", "native", "--speed", "max", "--loop"], "--speed"),
        (["serve", "bungo-2024", "--as", "native", "--port", "70000"], "--port"),
        (["serve", "bungo-2024", "--as", "native", "--every", "0"], "--every"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the option and the value."""
    assert main(["feed", *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert named in err


def test_each_act_has_its_help() -> None:
    """And its options."""
    parser = argparse.ArgumentParser()
    feed.configure(parser)
    assert set(feed.ACTS) >= {"listen", "serve"}
    assert all(parser.parse_args([act, "x", *(["--as", "y"] if act == "serve" else [])]) for act in ("listen", "serve"))
