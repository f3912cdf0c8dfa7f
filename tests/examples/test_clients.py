"""Clients in several languages understand the same alerts: each example runs as its user would run it."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from eew.contract import topic
from eew.contract.message import CellAlert, Status, payload_of
from eew.contract.signature import SigningKey, core_of, in_base64url
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.records import AlertStatus, EventReport
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint
from eew.physics.quadkey import quadkey_at

pytestmark = [
    pytest.mark.broker,
    pytest.mark.long(120, reason="clients of other languages are fetched and started, then hear a whole replay"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
WITHIN_S = 60
#: Yokohama, where the false alarm of this test would be felt.
LAT_DEG, LON_DEG = 35.45, 139.63
PLACE = f"{LAT_DEG},{LON_DEG}"
STRANGER = SigningKey.from_seed(b"s" * 32)
#: Event, report and kind, in the order in which they are issued.
TOLD = [
    ("test-false-alarm", 1, "new"),
    ("test-false-alarm", 2, "update"),
    ("drill", 1, "new"),
    ("test-false-alarm", 3, "cancel"),
]
#: [EXERCISE] level EVENT NUMBER kind M0.0 place S in 0.0 s
SHOWN = re.compile(
    r"(?P<status>EXERCISE |TEST )?(?P<level>critical|active|passive|none|cancelled) (?P<event_id>[\w-]+)"
    r" (?P<report_no>\d+) (?P<kind>new|update|final|cancel)"
    r"(?: M(?P<magnitude>[\d.]+) (?P<place>\S+)(?: S in (?P<s_in_s>-?[\d.]+) s)?)?"
)


@dataclass
class Running:
    """An example that runs, and what it has printed."""

    name: str
    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def until(self, start: str) -> None:
        """Read on until a line begins so."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(WITHIN_S):
                while not any(line.startswith(start) for line in self.lines):
                    raw = await self.process.stdout.readline()
                    assert raw, f"{self.name} ended"
                    self.lines.append(raw.decode().rstrip("\n"))
        except (TimeoutError, AssertionError) as error:
            raise AssertionError(f"{self.name} did not say {start!r}:\n" + "\n".join(self.lines)) from error

    @property
    def shown(self) -> list[tuple[str, str, str, int, str]]:
        """What it showed: status, level, event, report, kind."""
        return [
            ((match["status"] or "").strip(), match["level"], match["event_id"], int(match["report_no"]), match["kind"])
            for line in self.lines
            if (match := SHOWN.fullmatch(line))
        ]

    @property
    def s_in_s(self) -> list[float]:
        """How soon it said that the S wave comes."""
        matches = [match for line in self.lines if (match := SHOWN.fullmatch(line))]
        return [float(match["s_in_s"]) for match in matches if match["s_in_s"]]

    def said(self, start: str) -> list[str]:
        return [line for line in self.lines if line.startswith(start)]


@pytest.fixture
async def run() -> AsyncIterator[Callable[..., Any]]:
    """Return what starts an example; all are ended with the test."""
    async with AsyncExitStack() as stack:

        async def start(name: str, *command: str | Path) -> Running:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            stack.push_async_callback(ended, process)
            return Running(name, process)

        yield start


async def ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.communicate()


def missing(*tools: str) -> str | None:
    """Return why an example cannot run; ``None`` where it can."""
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


def javascript_missing() -> str | None:
    """Return why the JavaScript example cannot run; what it needs is fetched once."""
    folder, npm = EXAMPLES / "javascript", shutil.which("npm")
    if npm is None or (reason := missing("node")):
        return "npm not installed" if npm is None else reason
    if (folder / "node_modules" / ".package-lock.json").exists():
        return None
    done = subprocess.run([npm, "ci"], cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    reason = f"npm ci failed: {done.stderr.strip().splitlines()[-1:]}"
    if done.returncode and "CI" in os.environ:
        # In CI the packages are to be had: there nothing is left out.
        pytest.fail(reason)
    return reason if done.returncode else None


def reports() -> list[EventReport]:
    """Return the shipped false alarm with its cancel brought forward, and an exercise before that."""
    new, update, cancel = load_scenario(scenario_path("false-alarm")).reports
    exercise = msgspec.structs.replace(
        update,
        event_id="drill",
        report_no=1,
        kind=new.kind,
        status=AlertStatus.EXERCISE,
        issued_at=update.issued_at + timedelta(seconds=2),
    )
    return [new, update, exercise, msgspec.structs.replace(cancel, issued_at=update.issued_at + timedelta(seconds=4))]


async def dispatch(folder: Path, endpoint: Endpoint) -> SigningKey:
    """Dispatch the reports with the real program, one every half second; return the key that signed them."""
    (folder / "reports.jsonl").write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in reports()))
    key = SigningKey.load_or_create(folder / "key.pem")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", "replay", "reports.jsonl", "--broker", str(endpoint), "--key", "key.pem"),
        *("--mode", "cell", "--devices", "3000", "--workers", "1", "--connections", "1", "--speed", "4"),
        *("--profile", "japan", "--region", "35.3,139.4,60"),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            out, _ = await process.communicate()
    finally:
        await ended(process)
    assert process.returncode == 0, out.decode()
    return key


def own_topic() -> str:
    return topic.cell_alert(quadkey_at(LAT_DEG, LON_DEG, topic.CELL_LEVEL))


@asynccontextmanager
async def connected(endpoint: Endpoint) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        yield client


async def announce(client: aiomqtt.Client, key: SigningKey) -> None:
    """Let a dispatcher be known before the real one comes, so that every example listens from the first report on."""
    status = Status(
        dispatcher_id="announced",
        version="0",
        state="starting",
        at=datetime.now(UTC),
        n_reports=0,
        last_dispatch_at=None,
        clock=None,
        keys={key.key_id: in_base64url(key.public_bytes)},
    )
    await client.publish(topic.status("announced"), payload_of(status), qos=1, retain=True)


async def taken(client: aiomqtt.Client, n: int) -> list[bytes]:
    """Return what came on the own cell's topic."""
    payloads: list[bytes] = []
    async with asyncio.timeout(WITHIN_S):
        while len(payloads) < n:
            payload = (await anext(client.messages)).payload
            assert isinstance(payload, bytes)
            payloads.append(payload)
    return payloads


def unwanted(update: bytes, cancel: bytes, key: SigningKey) -> list[bytes]:
    """Return what nobody may show: a duplicate, older ones, an expired one, a changed one, a stranger's."""
    alert = msgspec.json.decode(update, type=CellAlert)
    changed = json.loads(update) | {"report_no": 9, "magnitude": 9.1}

    def signed(by: SigningKey, **changes: Any) -> bytes:
        unsigned = msgspec.structs.replace(alert, key_id=by.key_id, **changes)
        return payload_of(msgspec.structs.replace(unsigned, signature=by.sign(core_of(unsigned))))

    status = {"keys": {STRANGER.key_id: in_base64url(STRANGER.public_bytes)}, "clock": None}
    return [
        cancel,
        update,
        signed(key, report_no=1),
        signed(key, event_id="long-ago", expires_at=alert.issued_at - timedelta(days=1)),
        json.dumps(changed).encode(),
        # To a reader of lines this would be two messages, and the second would let the stranger in.
        b'{"v":1}\neew/v1/status/smuggled ' + json.dumps(status).encode(),
        signed(STRANGER, event_id="stranger"),
    ]


def as_shown(payload: bytes) -> tuple[str, str, str, int, str]:
    """Return what a client has to show of a cell alert."""
    alert = json.loads(payload)
    status = "" if alert["status"] == "actual" else alert["status"].upper()
    level = "cancelled" if alert["kind"] == "cancel" else alert["level"]
    return status, level, alert["event_id"], alert["report_no"], alert["kind"]


async def test_every_client_understands_the_same(
    tmp_path: Path, run: Callable[..., Any], subtests: pytest.Subtests
) -> None:
    """Told the same, each shows the same, once and in order; what is forged, late or a duplicate is shown by none."""
    key = SigningKey.load_or_create(tmp_path / "key.pem")
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(EmbeddedBroker(websocket_port=0))
        url, websocket_url = str(broker.endpoint), str(broker.websocket_url)
        client = await stack.enter_async_context(connected(broker.endpoint))
        await announce(client, key)
        await client.subscribe(own_topic())

        node, python, script = shutil.which("node"), sys.executable, EXAMPLES / "javascript" / "subscribe.mjs"
        no_node, no_shell = javascript_missing(), missing("mosquitto_sub", "jq", "openssl")
        commands: dict[str, tuple[str | None, tuple[Any, ...]]] = {
            "aiomqtt": (None, (python, EXAMPLES / "python_aiomqtt.py", url, PLACE)),
            "paho": (None, (python, EXAMPLES / "python_paho.py", url, PLACE)),
            "plain Python": (None, (python, EXAMPLES / "python_plain.py", url, PLACE)),
            "JavaScript over TCP": (no_node, (node, script, url, PLACE)),
            "JavaScript over WebSocket": (no_node, (node, script, websocket_url, PLACE)),
            "mosquitto_sub": (no_shell, (EXAMPLES / "mosquitto_sub.sh", url, PLACE)),
            "plain Python, no place": (None, (python, EXAMPLES / "python_plain.py", url)),
            "JavaScript, no place": (no_node, (node, script, url)),
            "mosquitto_sub, no place": (no_shell, (EXAMPLES / "mosquitto_sub.sh", url)),
        }
        clients = [await run(name, *command) for name, (reason, command) in commands.items() if reason is None]
        for each in clients:
            await each.until("listening")

        await dispatch(tmp_path, broker.endpoint)
        genuine = await taken(client, len(reports()))
        for each in clients:
            await each.until("TEST cancelled")
        placed = [each for each in clients if "no place" not in each.name]
        for payload in unwanted(genuine[1], genuine[-1], key):
            await client.publish(own_topic(), payload, qos=1)
        for each in placed:
            await each.until("refused stranger")

    for reason in {reason for reason, _ in commands.values() if reason}:
        with subtests.test(msg=reason):
            pytest.skip(reason)
    expected = [as_shown(each) for each in genuine]
    assert [each[2:] for each in expected] == TOLD
    for each in clients:
        with subtests.test(msg=each.name):
            if each in placed:
                assert each.shown == expected
                # Years off where the replay's clock is not followed; how much later we look is the machine's affair.
                assert len(each.s_in_s) == 3
                assert all(-60 < s_in_s < 20 for s_in_s in each.s_in_s)
                assert [line.split()[1] for line in each.said("refused")] == ["test-false-alarm", "stranger"]
                assert len(each.said("unreadable")) == 1
            else:
                # An event's level is the loudest that anybody is told, and not this place's.
                assert [(status, *told) for status, _, *told in each.shown] == [
                    (status, *told) for status, _, *told in expected
                ]
                assert each.said("refused") == each.said("unreadable") == []


async def test_another_broker_makes_no_difference(
    tmp_path: Path, run: Callable[..., Any], mosquitto_broker: Endpoint
) -> None:
    """Over mosquitto the same alerts arrive and verify."""
    key = SigningKey.load_or_create(tmp_path / "key.pem")
    async with connected(mosquitto_broker) as client:
        await announce(client, key)
        await client.subscribe(own_topic())
        paho = await run("paho", sys.executable, EXAMPLES / "python_paho.py", str(mosquitto_broker), PLACE)
        await paho.until("listening")
        await dispatch(tmp_path, mosquitto_broker)
        genuine = await taken(client, len(reports()))
        await paho.until("TEST cancelled")
    assert paho.shown == [as_shown(each) for each in genuine]
    assert [each[2:] for each in paho.shown] == TOLD
    assert paho.said("refused") == paho.said("unreadable") == []


@pytest.mark.parametrize("name", ["python_aiomqtt.py", "python_paho.py", "python_plain.py", "mosquitto_sub.sh"])
@pytest.mark.parametrize(
    ("url", "place", "is_usage"),
    [("http://127.0.0.1", PLACE, True), ("mqtt://127.0.0.1:1", "Sendai", True), ("mqtt://127.0.0.1:1", PLACE, False)],
    ids=["no MQTT", "no place", "nobody there"],
)
def test_a_failure_is_one_line(name: str, url: str, place: str, is_usage: bool) -> None:
    """A newcomer's first mistakes show no traceback."""
    if name.endswith(".sh") and (reason := missing("mosquitto_sub", "jq", "openssl")):
        pytest.skip(reason)
    interpreter = [sys.executable] if name.endswith(".py") else []
    done = subprocess.run([*interpreter, EXAMPLES / name, url, place], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert ("usage: " in done.stderr) == is_usage


def test_the_docs_show_every_client_there_is() -> None:
    """Each file is shown with its command, and no file that is not there."""
    page = (EXAMPLES.parent / "docs" / "clients.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^ *(?:python |node )?examples/(\S+)", page, re.MULTILINE))
    assert all((EXAMPLES / name).is_file() for name in shown)
    here = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("python_*.py")}
    assert shown == here | {"javascript/subscribe.mjs", "mosquitto_sub.sh"}
