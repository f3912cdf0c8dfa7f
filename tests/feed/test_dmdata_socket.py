"""Frames of DMDATA's WebSocket, and what is packed in them."""

import base64
import contextlib
import gzip
import io
import json
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eew.feed import dmdata_socket
from eew.feed.formats import dmdata as form
from eew.feed.formats import jma_xml
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport

REPORT = load_scenario(scenario_path("bungo-2024")).reports[5]
BODY = form.render(REPORT)
START = {"type": "start", "socketId": 1, "classifications": ["eew.forecast"], "time": "2025-01-25T23:00:00.000Z"}
PING = b'{"type": "ping", "pingId": "abc123"}'


def zipped(*bodies: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for number, body in enumerate(bodies):
            file.writestr(f"{number}.json", body)
    return archive.getvalue()


def frame(packed: bytes = gzip.compress(BODY), **changes: Any) -> bytes:
    """Return a frame with a telegram, packed and in base64."""
    head = {"type": "VXSE45", "author": "JPOS", "time": "2025-01-25T23:12:00.000Z", "test": False}
    members = {
        "type": "data",
        "version": "2.0",
        "id": "44a7",
        "classification": "eew.forecast",
        "head": head | changes.pop("head", {}),
        "format": "json",
        "compression": "gzip",
        "encoding": "base64",
        "body": base64.b64encode(packed).decode(),
    }
    return json.dumps(members | changes).encode()


def expected() -> EventReport:
    (report,) = form.parse(BODY)
    assert isinstance(report, EventReport)
    return report


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(), id="gzip"),
        pytest.param(frame(zipped(BODY), compression="zip"), id="zip"),
        pytest.param(frame(zipped(BODY, method=zipfile.ZIP_STORED), compression="zip"), id="stored in zip"),
        pytest.param(frame(BODY, compression=None), id="base64 alone"),
        pytest.param(frame(compression=None, encoding="utf-8", body=BODY.decode()), id="text"),
    ],
)
def test_a_telegram_is_unpacked_and_read(data: bytes) -> None:
    """However it is packed."""
    assert form.parse(data) == (expected(),)


def test_a_telegram_in_xml_is_read_as_jmas() -> None:
    """The body is what its office wrote."""
    data = jma_xml.render(REPORT)
    assert form.parse(frame(gzip.compress(data), format="xml")) == jma_xml.parse(data)


def test_the_recorded_frames_are_read() -> None:
    """A forecast of 2025 off Fukushima, packed as it came."""
    folder = Path(__file__).parents[3] / "shared" / "cases" / "dmdata-websocket"
    if not folder.is_dir():
        pytest.skip("the recorded frames are not here")
    (report,) = form.parse((folder / "envelope.json").read_bytes())
    assert isinstance(report, EventReport)
    assert (report.source, report.report_no, report.lat_deg is not None) == ("jma", 1, True)
    assert form.answer((folder / "ping.json").read_bytes()) == '{"type": "pong", "pingId": "abc123"}'
    for name in ("start", "ping"):
        assert form.parse((folder / f"{name}.json").read_bytes()) == (Heartbeat("dmdata"),)


def test_frames_beside_telegrams_are_signs_of_life_or_said() -> None:
    """What the service complains of is shown."""
    for data in (json.dumps(START).encode(), PING, b'{"type":"pong"}'):
        assert form.parse(data) == (Heartbeat("dmdata"),)
    error = b'{"type":"error","error":"The system is going down.","code":4503,"close":true}'
    assert form.parse(error) == (Ignored("the service says: The system is going down. (code 4503)"),)
    assert dmdata_socket.error_of(error) == "the service says: The system is going down. (code 4503)"
    assert dmdata_socket.error_of(PING) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"head": {"type": "VXSE51"}, "body": "%"}, "a telegram of another kind: VXSE51"),
        ({"format": "a/n", "body": "%"}, "a telegram in another form than JSON and XML: a/n"),
        ({"format": None}, "a telegram in another form than JSON and XML: None"),
    ],
)
def test_a_telegram_of_another_kind_is_ignored_unread(changes: dict[str, Any], reason: str) -> None:
    """With its reason, and without a look at its body."""
    assert form.parse(frame(**changes)) == (Ignored(reason),)


def test_a_telegram_that_its_frame_calls_a_test_never_alerts() -> None:
    """Whatever its body says; an exercise stays one."""
    (report,) = form.parse(frame(head={"test": True}))
    assert isinstance(report, EventReport)
    assert report.status is AlertStatus.TEST
    drill = form.render(msgspec.structs.replace(REPORT, status=AlertStatus.EXERCISE))
    (report,) = form.parse(frame(gzip.compress(drill), head={"test": True}))
    assert isinstance(report, EventReport)
    assert report.status is AlertStatus.EXERCISE


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (PING, '{"type": "pong", "pingId": "abc123"}'),
        (b'{"type":"ping","pingId":7}', '{"type": "pong", "pingId": 7}'),
        (b'{"type":"ping"}', '{"type": "pong", "pingId": null}'),
        (b'{"type":"start"}', None),
        (b'{"type":"ping"', None),
        (b"[1]", None),
        (b"\xff", None),
        (b"[" * 3000, None),
        (b'{"type":"ping","pingId":"' + b"x" * 5000 + b'"}', None),
    ],
)
def test_only_a_ping_wants_an_answer(data: bytes, answer: str | None) -> None:
    """The pong names it; nothing that is sent breaks that."""
    assert form.answer(data) == answer


BOMB = b"0" * 50_000_000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(frame(gzip.compress(BOMB)), "at most 1000000 bytes", id="gzip bomb"),
        pytest.param(frame(zipped(BOMB), compression="zip"), "at most 1000000 bytes", id="zip bomb"),
        pytest.param(frame(gzip.compress(gzip.compress(BOMB))), r"JSON \(", id="packed twice"),
        pytest.param(frame(b"x" * 200_001), "at most 200000 bytes", id="long"),
        pytest.param(frame(b"x" * 300_000), "at most 266664 bytes|at most 200000 bytes", id="longer"),
        pytest.param(frame(gzip.compress(BODY)[:-40]), "gzip that is whole", id="cut off"),
        pytest.param(frame(b"hello"), r"gzip \(", id="no gzip"),
        pytest.param(frame(zlib.compress(BODY)), r"gzip \(", id="zlib"),
        pytest.param(frame(b"hello", compression="zip"), r"zip \(", id="no zip"),
        pytest.param(frame(zipped(), compression="zip"), "0 files instead of one", id="empty zip"),
        pytest.param(frame(zipped(BODY, BODY), compression="zip"), "2 files instead of one", id="two files"),
        pytest.param(
            frame(zipped(BODY, method=zipfile.ZIP_BZIP2), compression="zip"), "none of zip's own", id="bzip2 in zip"
        ),
        pytest.param(frame(compression="br"), "gzip, zip or null", id="another packing"),
        pytest.param(frame(encoding="hex"), "base64 or utf-8", id="another encoding"),
        pytest.param(frame(body="%%%"), r"base64 \(", id="no base64"),
        pytest.param(frame(body=None), "text", id="no body"),
        pytest.param(frame(head={"type": None}), "text", id="no type of telegram"),
        pytest.param(b'{"type":"hello"}', "eew-information, or a frame", id="another frame"),
    ],
)
def test_what_cannot_be_unpacked_within_bounds_is_refused(data: bytes, expected: str) -> None:
    """Soon, and with no more memory than a telegram may take."""
    begun_s = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(ReportDecodeError, match=expected):
            form.parse(data)
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most_bytes < 8_000_000
    assert time.process_time() - begun_s < 0.5


def test_any_damage_to_a_zip_is_refused() -> None:
    """Whatever its reader raises."""
    whole = zipped(BODY)
    for at in range(len(whole)):
        for byte in (0x00, 0xFF, whole[at] ^ 1):
            with contextlib.suppress(ReportDecodeError):
                form.parse(frame(whole[:at] + bytes([byte]) + whole[at + 1 :], compression="zip"))
