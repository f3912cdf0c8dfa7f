"""``eew replay`` as a user runs it: a process of its own, real brokers, real sockets."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiomqtt
import jsonschema
import pytest

from eew.contract.schemas.schema import schemas
from eew.devices.population import store
from eew.devices.population.population import make
from eew.model.region_name import parse_region
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint

pytestmark = pytest.mark.broker

WITHIN_S = 50


def replay(*words: str, folder: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eew", "replay", *words],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(folder / "home")},
    )


def reports_of(scenario: str, project: Path) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "eew", "scenarios", "show", scenario, "--json"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True, cwd=project)
    reports: list[dict[str, Any]] = json.loads(shown.stdout)["reports"]
    return reports


def summary_of(folder: Path) -> dict[str, Any]:
    """Return what a run wrote; whatever run it was, it holds to the schema that readers have."""
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    jsonschema.validate(summary, schemas()["run-summary"])
    return summary


@pytest.mark.parametrize("qos", ["0", "1"])
@pytest.mark.parametrize("mode", ["device", "cell"])
def test_everybody_is_told_and_relieved(mode: str, qos: str, tmp_path: Path) -> None:
    """A false alarm reaches all who feel it, and the cancel reaches exactly those."""
    done = replay(
        *("false-alarm", "--devices", "3000", "--speed", "max", "--mode", mode, "--qos", qos),
        *("--summary", "summary.json"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    summary = summary_of(tmp_path)
    counts, delivery = summary["conservation"], summary["delivery"]
    assert counts["selected"] == counts["sent"] > 0
    assert delivery["expected"] == delivery["delivered"] > 0
    assert delivery["lost"] == delivery["duplicated"] == delivery["unreadable"] == 0
    assert summary["outcome"]["not_told"] == summary["outcome"]["late_by_dispatch"] == 0
    reports = {line["kind"]: line for line in summary["reports"]}
    told = {"device": 3000, "cell": reports["new"]["n_sent"]}[mode]
    assert reports["cancel"]["n_sent"] == told
    assert "not a warning service" in done.stdout


@pytest.mark.parametrize("mode", ["device", "cell"])
def test_short_alerts_tell_everybody_as_well(mode: str, tmp_path: Path) -> None:
    """With ``--payload compact`` all of 500 are told and relieved, in an alert each or in one a cell."""
    done = replay(
        *("false-alarm", "--devices", "500", "--speed", "max", "--mode", mode, "--payload", "compact"),
        *("--summary", "summary.json"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    summary = summary_of(tmp_path)
    counts, delivery = summary["conservation"], summary["delivery"]
    assert counts["selected"] == counts["sent"] > 0
    assert delivery["expected"] == delivery["delivered"] == 1500
    assert delivery["lost"] == delivery["duplicated"] == delivery["unreadable"] == 0
    assert summary["outcome"]["not_told"] == 0


@pytest.mark.parametrize("payload", ["full", "compact"])
async def test_the_payload_is_the_one_asked_for(mosquitto_broker: Endpoint, payload: str, tmp_path: Path) -> None:
    """Who listens to the alerts sees a shelter, or its id."""
    words = ("false-alarm", "--devices", "50", "--speed", "max", "--payload", payload)
    async with aiomqtt.Client(mosquitto_broker.host, mosquitto_broker.port) as client:
        await client.subscribe("eew/v1/alerts/#")
        done = await asyncio.to_thread(replay, *words, "--broker", str(mosquitto_broker), folder=tmp_path)
        assert done.returncode == 0, done.stderr
        heard = []
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            heard.append(json.loads(message.payload))
            if len(heard) == 150:
                break
    assert {(each["shelter"] is None, "shelter_id" in each) for each in heard} == {(payload == "compact",) * 2}


@pytest.mark.long(60, reason="two replays, one after the other")
def test_the_same_seed_gives_the_same_counts(tmp_path: Path) -> None:
    """At full speed nothing is left to chance: what is selected and sent depends on the seed alone."""
    lines = []
    for name in ("first.json", "second.json"):
        words = ("tohoku-2011", "--devices", "2000", "--speed", "max", "--seed", "7", "--summary", name)
        assert replay(*words, folder=tmp_path).returncode == 0
        reports = json.loads((tmp_path / name).read_text())["reports"]
        lines.append([(line["n_selected_by_level"], line["n_selected"], line["n_sent"]) for line in reports])
    assert lines[0] == lines[1]
    assert sum(n_sent for _, _, n_sent in lines[0]) > 2000


@pytest.mark.parametrize("qos", ["0", "1"])
def test_a_foreign_broker_serves_as_well(mosquitto_broker: Endpoint, qos: str, tmp_path: Path) -> None:
    """mosquitto, spoken to in MQTT 5, delivers the same."""
    done = replay(
        *("false-alarm", "--devices", "3000", "--speed", "max", "--qos", qos, "--broker", str(mosquitto_broker)),
        *("--summary", "summary.json", "--fail-if", "lost>0", "--fail-if", "late > 0"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    summary = summary_of(tmp_path)
    assert [(each["measured"], each["is_broken"]) for each in summary["limits"]] == [(0, False)] * 2
    assert summary["broker"]["name"] == "mosquitto"
    # At QoS 1 its 20 unacknowledged packets are too few for MQTT 5.
    assert summary["broker"]["mqtt_version"] == ("5" if qos == "0" else "3.1.1")
    delivery = summary["delivery"]
    assert delivery["expected"] == delivery["delivered"] == 9000
    assert delivery["duplicated"] == 0


@pytest.mark.long(60, reason="two replays, one after the other")
def test_native_reports_come_from_a_file_or_from_standard_input(tmp_path: Path, project: Path) -> None:
    """Reports as JSON lines are played like a scenario, and a bad line in a running feed is skipped."""
    lines = "".join(json.dumps(report) + "\n" for report in reports_of("false-alarm", project))
    (tmp_path / "reports.jsonl").write_text(lines)
    words = ("--devices", "1000", "--speed", "max", "--summary", "summary.json", "--profile", "japan")
    done = replay("reports.jsonl", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(summary_of(tmp_path)["reports"]) == 3
    done = replay("-", "--region", "35.3,139.4,150", *words, folder=tmp_path, text="not json\n" + lines)
    assert done.returncode == 0
    summary = summary_of(tmp_path)
    assert len(summary["reports"]) == 3
    assert "Traceback" not in done.stderr
    assert "report.refused" in done.stderr
    assert summary["feed"] == {"played": 3, "refused": {"": 1}, "unknown_members": {}}
    assert "refused    1 line that is no report, by the member that was wrong: the whole 1" in done.stdout


def test_members_that_nobody_knows_are_told(tmp_path: Path, project: Path) -> None:
    """Of a file as of standard input: a slip of the hand may be one of them."""
    line = json.dumps(reports_of("false-alarm", project)[0] | {"latitude": 35.0, "\x1b[31m": 1})
    (tmp_path / "reports.jsonl").write_text(line + "\n")
    words = ("--region", "35.3,139.4,150", "--devices", "200", "--speed", "max", "--summary", "summary.json")
    for given, text in (("reports.jsonl", None), ("-", line)):
        done = replay(given, *words, folder=tmp_path, text=text)
        assert done.returncode == 0, done.stderr
        assert summary_of(tmp_path)["feed"]["unknown_members"] == {"latitude": 1, "\N{REPLACEMENT CHARACTER}[31m": 1}
        assert "unknown    members that nobody knows, ignored: " in done.stdout
        assert "latitude 1" in done.stdout
        assert "'latitude' (lat_deg?)" in done.stderr


def test_an_exercise_is_marked_in_every_line_about_a_report(tmp_path: Path, project: Path) -> None:
    """While it is played, also where it is not acted on, and in the tables at the end."""
    first, *others = (json.dumps(report) + "\n" for report in reports_of("drill", project))
    path = tmp_path / "drill.jsonl"
    path.write_text("".join([first, first, *others]))
    done = replay("drill.jsonl", "--devices", "300", "--speed", "max", "--region", "japan", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    live = [line for line in lines if re.search(r"report \d+ (new|update|final)", line)]
    table = [line for line in lines if re.match(r" *\d+ +(new|update|final) ", line)]
    assert "duplicate" in " ".join(live)
    assert len(live) == len(others) + 2
    assert len(table) == len(others) + 1
    told = [*live, *table, *(line for line in lines if "who was notified" in line)]
    assert [line for line in told if "EXERCISE" not in line] == []


def test_a_population_out_of_reach_is_told_with_its_distance(tmp_path: Path) -> None:
    """Nothing has failed, so the exit code is 0."""
    words = ("--region", "-33.4,-70.6,50", "--devices", "100", "--speed", "max", "--summary", "summary.json")
    done = replay("false-alarm", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = summary_of(tmp_path)["out_of_reach"]
    assert 0 < found["felt_radius_km"] < 2000
    assert 15000 < found["nearest_device_km"] < 20038
    assert "nobody     lives within reach: the strongest, report " in done.stdout
    assert f"the nearest device is {found['nearest_device_km']:,.0f} km away" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_a_full_disk_is_named_and_the_run_is_told_all_the_same(tmp_path: Path) -> None:
    """The figures stand on the screen and in the run's own folder."""
    done = replay("false-alarm", "--devices", "100", "--speed", "max", "--summary", "/dev/full", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "eew replay: /dev/full: 'No space left on device': expected a readable and writable path\n"
    assert "alerts     selected 300" in done.stdout
    assert len(list(tmp_path.glob("runs/*/summary.json"))) == 1


def test_a_disk_that_is_too_small_for_the_devices_is_one_line(tmp_path: Path) -> None:
    """As is a file that may not grow that far; what was written of it is gone."""
    done = limited(2000, "false-alarm", "--devices", "1000", folder=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"eew replay: .*/runs/.*/population: 'File too large': expected a .*\n", done.stderr)
    assert not (tmp_path / "runs").exists()


def test_a_disk_that_fills_up_while_devices_receive_is_a_line_a_worker(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Nothing is silently cut short, and what could not be written down counts as lost."""
    population = tmp_path / "population"
    store.save(make(parse_region("35.3,139.4,150"), 1000, 1), population)
    words = ("--population", str(population), "--broker", str(embedded_broker.endpoint), "--speed", "max")
    done = limited(8000, "false-alarm", *words, folder=tmp_path)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("eew: a swarm worker: ")]
    assert sorted(re.findall(r"receipts-\d.bin: File too large", "".join(lines))) == [
        *("receipts-0.bin: File too large", "receipts-1.bin: File too large")
    ]
    assert "Traceback" not in done.stderr
    assert re.fullmatch(r"eew replay: of 3,000 alerts expected: lost [1-9][\d,]*", done.stderr.splitlines()[-1])
    assert not list(tmp_path.glob("runs/*/work-*"))


def limited(n_bytes: int, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Replay where no file may have more bytes."""
    code = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({n_bytes}, {n_bytes})); "
    return subprocess.run(
        [sys.executable, "-c", code + "from eew.cli.main import main; sys.exit(main())", "replay", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(folder / "home")},
    )


def test_no_warning_time_is_made_up_where_nobody_knows_when_a_report_was_issued(tmp_path: Path) -> None:
    """Not "0.0 s after origin", which would give everybody the whole S wave's travel time as warning."""
    report = {
        "event_id": "e1",
        "source": "cenc",
        "report_no": 1,
        "kind": "new",
        "status": "test",
        "issued_at": "2026-07-18T05:47:20Z",
        "issue_basis": "unknown",
        "origin_at": "2026-07-18T05:47:20Z",
        "lat_deg": 38.747,
        "lon_deg": 75.088,
        "depth_km": 5,
        "magnitude": 6.8,
    }
    (tmp_path / "cenc.jsonl").write_text(json.dumps(report))
    done = replay(
        *("cenc.jsonl", "--devices", "1000", "--speed", "max", "--profile", "china", "--summary", "summary.json"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    summary = summary_of(tmp_path)
    (line,) = summary["reports"]
    assert (line["issued_s"], line["issue_basis"]) == (None, "unknown")
    n_told = line["n_selected"]
    assert n_told > 0
    assert summary["warning_s"]["p50"] is None
    assert summary["outcome"] == {
        "in_time": 0,
        "late_by_physics": 0,
        "late_by_dispatch": 0,
        "not_told": 0,
        "told_at_unknown_time": n_told,
    }
    assert "issue time unknown" in done.stdout
    assert "s after origin" not in done.stdout
    assert "notified, by a report of unknown issue time" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nosuch",), "scenario: 'nosuch'"),
        (("tohoku-2011", "--qos", "2"), "--qos: '2'"),
        (("tohoku-2011", "--speed", "0"), "--speed: '0'"),
        (("tohoku-2011", "--mode", "post"), "--mode: 'post'"),
        (("tohoku-2011", "--payload", "short"), "--payload: 'short'"),
        (("tohoku-2011", "--region", "atlantis"), "--region: 'atlantis'"),
        (("tohoku-2011", "--travel-times", "none.csv"), "none.csv"),
        (("tohoku-2011", "--profile", "mars"), "mars"),
        (("tohoku-2011", "--population", "nowhere"), "nowhere"),
        (("tohoku-2011", "--shelters", "nowhere"), "nowhere"),
        (("tohoku-2011", "--broker", "http://x"), "--broker: 'http://x'"),
        (("tohoku-2011", "--config", "none.toml"), "none.toml"),
        (("tohoku-2011", "--key", "nokey"), "eew key new nokey"),
        (("tohoku-2011", "--summary", "nowhere/summary.json"), "nowhere/summary.json: --summary: expected a file in a"),
        (("tohoku-2011", "--summary", "."), "--summary: 'a folder': expected a file"),
        (("tohoku-2011", "--runs", "/dev/null/runs"), "/dev/null/runs: --runs: '/dev/null is none': expected a folder"),
        (("tohoku-2011", "--no-such-option"), "--no-such-option"),
        (("-",), "--region"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_ends_with_one_line(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Exit 2, one line that names the place and what was expected, and nothing left behind."""
    done = replay(*words, folder=tmp_path, text="")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] in ([], ["home"])


def test_no_broker_is_exit_3_with_its_address(tmp_path: Path) -> None:
    """A broker that does not answer at the start ends the run with its address."""
    done = replay(
        *("false-alarm", "--devices", "1000", "--broker", "mqtt://127.0.0.1:9", "--reconnect-s", "0.2"), folder=tmp_path
    )
    assert done.returncode == 3
    waiting, given_up = done.stderr.splitlines()
    assert waiting == "broker.waiting mqtt://127.0.0.1:9: connection refused; trying for 0.2 s"
    assert given_up.startswith("eew replay: broker mqtt://127.0.0.1:9: not ready within 0.2 s")


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    """An interrupt in the middle ends the run, with its processes and what it worked with; what was done is told."""
    with subprocess.Popen(
        [sys.executable, "-m", "eew", "replay", "tohoku-2011", "--devices", "1000", "--speed", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path / "home")},
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("report 1 "):
                break
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=WITHIN_S)
    assert running.returncode == 130
    assert errors == "eew replay: interrupted\n"
    assert not list(tmp_path.glob("runs/*/work-*"))


def test_the_summary_says_what_the_contract_promises(tmp_path: Path) -> None:
    """Every member that the design names is in the summary, with its type."""
    words = ("drill", "--devices", "500", "--speed", "max", "--summary", "summary.json", "--fail-if", "max>1us")
    done = replay(*words, folder=tmp_path)
    assert done.returncode == 1
    assert "eew replay: --fail-if 'max>1us': max was " in done.stderr
    count = {"type": "integer", "minimum": 0}
    number = {"type": ["number", "null"]}

    def members(kind: object, *names: str) -> dict[str, Any]:
        return {"type": "object", "required": list(names), "properties": dict.fromkeys(names, kind)}

    percentiles = members(number, "p50", "p90", "p99", "p99_9", "max")
    latency = members(percentiles, "report_to_sent", "sent_to_device", "report_to_device")
    latency["required"].append("by_level")
    schema = {
        "type": "object",
        "required": [
            *("scenario", "seed", "mode", "qos", "speed", "broker", "settings", "machine"),
            *("n_devices", "n_devices_by_kind"),
            *("reports", "conservation", "delivery", "latency_ms", "alerts_a_second", "warning_s", "outcome", "limits"),
        ],
        "properties": {
            "broker": members({"type": "string"}, "name", "version", "url", "mqtt_version"),
            "reports": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "required": [
                        *("report_no", "kind", "issued_s", "magnitude", "n_selected", "n_sent"),
                        *("radius_km_by_level", "decide_ms", "first_sent_ms", "last_sent_ms"),
                    ]
                },
            },
            "conservation": members(count, "selected", "sent", "superseded", "expired", "failed"),
            "delivery": members(count, "expected", "delivered", "lost", "duplicated"),
            "latency_ms": latency,
            "warning_s": {"required": ["p5", "p50", "p95", "by_level"]},
            "outcome": members(count, "in_time", "late_by_physics", "late_by_dispatch", "not_told"),
        },
    }
    jsonschema.validate(summary_of(tmp_path), schema)
