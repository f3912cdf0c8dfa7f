"""The README's table of figures is what a script makes of the newest results, and results tell nobody's machine."""

import copy
import json
import platform
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figure_rows import rows
from benchmarks.figures import block, main, with_block
from benchmarks.release import RESULTS, collect, newest
from eew.model.errors import InputError

README = Path(__file__).resolve().parent.parent / "README.md"

Document = dict[str, Any]


def bench(name: str, settings: Document, **figures: Any) -> Document:
    """Return a measurement as ``eew bench`` writes it."""
    head = {
        "bench": name,
        "efficiency": None,
        "delivery": {"expected": 1_000_000, "delivered": 1_000_000, "lost": 0, "duplicated": 0},
        "machine": {"cpus": 2, "system": "Linux", "processor": "x86_64"},
        "versions": {"eew": "0.1.0", "python": "3.11.7"},
        "commit": "0123456789abcdef",
        "seed": 1,
        "settings": settings,
    }
    return head | figures


def dispatch(**settings: Any) -> Document:
    plain = {"devices": 10**6, "mode": "device", "qos": 0, "subscriptions": "wildcard", "payload": "full"}
    return bench(
        "dispatch",
        plain | settings,
        efficiency=0.9123,
        alerts_a_second=273_690,
        ceiling_a_second=300_000,
        report_to_last_device_s=3.654,
        first_critical_ms=12.34,
        most_urgent_1pct_ms=182.7,
        cpu_us_an_alert=0.987,
    )


def late(critical: int, active: int) -> Document:
    return {"critical": critical, "active": active, "passive": 0}


def all_benches() -> list[Document]:
    """Return one small measurement of each kind, in no order."""
    orders = {
        100_000: {"optimal": late(0, 1), "random": late(0, 2)},
        2000: {"optimal": late(12, 9), "random": late(340, 1)},
    }
    return [
        bench(
            "kernels",
            {},
            kernels=[
                {"name": "a", "kernel": "order", "n": 10_000, "alerts_a_second": 9_000_000},
                {"name": "b", "kernel": "order", "n": 1_000_000, "alerts_a_second": 19_876_543},
            ],
        ),
        bench(
            "connections",
            {"connections": 18_000},
            connections_a_second=4217,
            bytes_a_connection={"broker": 36_864, "devices": None},
            latency_ms={"report_to_device": {"p50": 45.6, "p90": 90, "p99": 210.4, "p99_9": 300, "max": 1234.0}},
        ),
        bench(
            "year",
            {"year": "china-2020", "share": 1},
            reported={"n_events": 29, "n_alerts": 9_400_000},
            n_events=29,
            n_alerts=9_412_345,
            dispatch_s=63.14,
            worst_report_to_last_device_s=7.21,
        ),
        bench(
            "order",
            {"rates_hz": [2000, 100_000]},
            rows=[
                {"scenario": "luding-2022", "rate_hz": rate_hz, "order": name, "n_late_by_dispatch": n_late}
                for rate_hz, by_order in orders.items()
                for name, n_late in by_order.items()
            ],
        ),
        bench(
            "peers",
            {"devices": 10**6},
            publishing={
                "aiomqtt": {"version": "2.5", "alerts_a_second": 8123, "ratio": 33.7, "aim": 25},
                "gmqtt": None,
            },
            arrivals={"obspy.taup": {"version": "1.5", "devices_a_second": 211.0, "ratio": 712_345.0, "aim": None}},
        ),
        bench(
            "scale",
            {"mode": "cell"},
            sizes=[size(10**4, 0.02, 1, 2), size(10**7, 0.9876, 2**29, 2**29), size(10**8, 9.0, 2**32, 2**33)],
            exponent={"all_sizes": 0.3456, "largest_two": 0.96},
            registered={"total_s_share": 0.0042},
        ),
        bench(
            "scale",
            {"mode": "device"},
            sizes=[size(10**4, 0.1, None, None), size(10**6, 6.0, None, None)],
            exponent={"all_sizes": 0.9, "largest_two": 1.012},
            registered=None,
        ),
        dispatch(qos=1),
        dispatch(mode="cell"),
        dispatch(),
    ]


def test_how_far_the_runs_lie_apart_stands_beside_the_ratio() -> None:
    """In what was measured before 0.2.0 it was not written down, and nothing is said of it."""
    spread = {"least": 0.9, "most": 0.93, "interval_95": [0.88, 0.95], "n_runs": 3, "is_distinguishable_from_1": True}
    told = dispatch() | {"efficiency_spread": spread}
    unclear = dispatch() | {"efficiency_spread": spread | {"n_runs": 1, "is_distinguishable_from_1": False}}
    assert rows([dispatch()])[0].measured.startswith("efficiency 0.912: 274 000")
    assert rows([told])[0].measured.startswith("efficiency 0.912 (0.9 to 0.93 in 3 runs): 274 000")
    assert rows([unclear])[0].measured.startswith("efficiency 0.912 (one run, too few to tell it from 1): 274 000")


def size(n: int, total_s: float, dispatcher_bytes: int | None, swarm_bytes: int | None) -> Document:
    held = {"dispatcher_bytes": dispatcher_bytes, "swarm_bytes": swarm_bytes, "with_summary_bytes": 2**22}
    return {"n_devices": n, "total_s": total_s} | held


EXPECTED = """
| 10⁶ devices, device mode, QoS 0, wildcards \
| efficiency ≥ 0.85, aim 0.95; ≤ 4 s where the ceiling is 300 000 a second \
| efficiency 0.912: 274 000 of 300 000 alerts a second; last device 3.65 s after the report \
(at this ceiling ≤ 4.00 s); lost 0 |
| 10⁶ devices, device mode, QoS 1, wildcards | efficiency ≥ 0.85 \
| efficiency 0.912: 274 000 of 300 000 alerts a second; last device 3.65 s after the report; lost 0 |
| 10⁶ devices, cell mode, QoS 0 | – \
| efficiency 0.912: 274 000 of 300 000 alerts a second; last device 3.65 s after the report; lost 0 |
| first critical alert on its device: 10⁶ devices, device mode, QoS 0, wildcards | ≤ 50 ms | 12.3 ms |
| the 1 % most urgent on their devices: 10⁶ devices, device mode, QoS 0, wildcards | within 10 % of the total time \
| 183 ms, 5.00 % of the total |
| dispatcher's own processor time an alert: 10⁶ devices, device mode, QoS 0, wildcards | ≤ 1.2 µs | 0.987 µs |
| 10⁷ devices, cell mode | report to last device ≤ 2 s; dispatcher and swarm ≤ 2 GiB \
| 988 ms, 1.00 GiB, with the summary 4.00 MiB |
| 10⁸ devices, cell mode | ≤ 12 × the time of 10⁷; ≤ 16 GiB \
| 9.00 s, 12.0 GiB, with the summary 4.00 MiB; 9.11 × the time of 10⁷ |
| growth of time with affected devices, cell mode, 10⁴ → 10⁸ | exponent ≤ 1.05 \
| 0.346; 0.960 between the largest two sizes |
| a device that is only registered costs, of an affected one, cell mode | < 1 % | 0.420 % |
| growth of time with affected devices, device mode, 10⁴ → 10⁶ | exponent ≤ 1.05 \
| 0.900; 1.01 between the largest two sizes |
| the same alerts in a loop of aiomqtt 2.5 | ≥ 25 × | 33.7 × as fast; 8 120 alerts a second there |
| P and S arrivals against obspy.taup 1.5 | – | 712 000 × as fast; 211 devices a second there |
| critical alerts late because of the dispatch, luding-2022 at 2 000 a second \
| no order has fewer critical, then active ones | optimal 12, random 340; better orders at 2 rates: none |
| the year china-2020 | 29 events, ≥ 9 400 000 alerts, lost 0 \
| 29 events, 9 412 345 alerts, lost 0; 63.1 s in all, worst report to last device 7.21 s |
| 18 000 devices, each with a connection of its own | – \
| 4 220 connect a second; report to device half within 45.6 ms, \
99 % within 210 ms, the last 1.23 s; a connection holds broker 36.0 KiB; lost 0 |
| one process: order; 10⁶ at once | – | 19 900 000 a second |
"""


def written(folder: Path, documents: list[Document]) -> list[Path]:
    paths = []
    for number, document in enumerate(documents):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(document))
    return paths


def test_readme_shows_the_newest_results() -> None:
    """What stands between the markers is what the script makes; where there are no results, nothing."""
    text = README.read_text(encoding="utf-8")
    assert with_block(text, block(newest())) == text


def test_committed_results_are_of_their_release_and_tell_no_place() -> None:
    """A file's name is its release, and in it stands no path, address or name of a machine or person."""
    for path in RESULTS.glob("*"):
        text = path.read_text(encoding="utf-8")
        assert json.loads(text)["release"] + ".json" == path.name
        assert not re.search(r"://|@|\"(/|~)|/(home|root|Users|tmp|work)\b|\"(node|author_\w+|user|host\w*)\"", text)


def test_table_has_a_row_a_figure(tmp_path: Path) -> None:
    """Each kind of measurement becomes its rows, in the order of the issue whatever the order of the files."""
    results, left_out = collect(written(tmp_path, all_benches()), "0.1.0")
    assert left_out == []
    head, *table = block(results).strip().split("\n| ")
    assert head.startswith("Release 0.1.0: 2 cores, Linux, python 3.11.7, commit `0123456789`; ")
    assert ["| " + line.rstrip() for line in table[2:]] == EXPECTED.strip().split("\n")


@given(st.sets(st.integers(0, 8)))
def test_a_missing_measurement_leaves_its_rows_out(kept: set[int]) -> None:
    """What is left has the rows that it has among all, but for who is the plainest of the dispatches."""
    some = [document for number, document in enumerate(all_benches()) if number in kept and number != 8]
    everything = all_benches()[:8]
    whole = [row for row in rows(everything) if ": 10⁶ devices" not in row.figure]
    found = [row for row in rows(some) if ": 10⁶ devices" not in row.figure]
    assert found == [row for row in whole if row in found]
    assert bool(found) == bool(some)


def test_a_figure_that_is_missing_in_its_measurement_is_named() -> None:
    """A renamed figure does not silently take its row away."""
    renamed = dispatch()
    del renamed["first_critical_ms"]
    with pytest.raises(InputError, match="dispatch: 'first_critical_ms'"):
        rows([renamed])


def test_another_order_that_is_better_is_not_passed_over() -> None:
    """At whichever rate fewer critical alerts are late in another order, the row says so."""
    (order,) = (each for each in all_benches() if each["bench"] == "order")
    order["rows"][1]["n_late_by_dispatch"] = late(0, 0)
    (row,) = rows([order])
    assert row.measured == "optimal 12, random 340; better orders at 2 rates: 1"


def kernels_json() -> Document:
    """Return what pytest-benchmark writes, as far as it matters, with all that tells on whose machine."""
    return {
        "machine_info": {
            "node": "alices-laptop",
            "processor": "",
            "machine": "x86_64",
            "system": "Linux",
            "release": "6.1.0-alices-kernel",
            "python_version": "3.11.7",
            "cpu": {"brand_raw": "Some CPU 9000", "count": 2, "flags": ["fpu"], "hz_actual_friendly": "2.2 GHz"},
        },
        "commit_info": {"id": "0123456789abcdef", "author_time": "2020", "project": "alices-fork", "branch": "alice"},
        "benchmarks": [
            {
                "name": "test_sending_order[10]",
                "fullname": "/home/alice/eew/benchmarks/bench_order.py::test_sending_order[10]",
                "extra_info": {"kernel": "order", "n": 10, "alerts_a_second": 5},
                "stats": {"min": 1, "max": 3, "mean": 2.1, "stddev": 0.1, "median": 2, "rounds": 7, "q1": 1.5},
            }
        ],
        "datetime": "2020-01-01T00:00:00",
    }


def test_what_tells_a_machine_or_person_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the kernels' machine its processor, cores and system are kept; from benches paths, URLs and names go."""
    monkeypatch.setattr(platform, "node", lambda: "alices-laptop")
    monkeypatch.setenv("LOGNAME", "alice")
    told = dispatch(broker="mqtt://10.1.2.3:1883", population="/home/alice/people")
    told["machine"] |= {"node": "alices-laptop"}
    told["notes"] = {"by": "alice", "mail": "a@b.example", "where": ["on alices-laptop", "between P/S and S"]}
    paths = written(tmp_path, [kernels_json(), told])
    output = tmp_path / "results" / "0.1.0.json"
    assert main(["collect", *map(str, paths), "--release", "0.1.0", "-o", str(output)]) == 0
    text = output.read_text()
    assert "alice" not in text
    assert "10.1.2.3" not in text
    kernels, bench_ = json.loads(text)["benches"]
    assert kernels["machine"] == {"cpu": "Some CPU 9000", "cpus": 2, "system": "Linux", "processor": "x86_64"}
    assert kernels["kernels"][0]["median_s"] == 2
    assert kernels["commit"] == "0123456789abcdef"
    assert bench_["machine"] == {"cpus": 2, "system": "Linux", "processor": "x86_64"}
    assert bench_["notes"] == {"where": ["between P/S and S"]}
    assert bench_["settings"] == dispatch()["settings"]
    said = capsys.readouterr().out
    assert "left out" in said
    assert "dispatch.settings.broker" in said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"versions": {"eew": "0.2.0"}}, "versions.eew: '0.2.0': expected 0.1.0"),
        ({"machine": {"cpus": 64}, "seed": 2, "settings": {}}, "machine.cpus: 64: expected 2, as before"),
        ({}, "expected something else than in"),
    ],
    ids=["another version", "another machine", "the same twice"],
)
def test_what_does_not_belong_together_is_refused(changes: Document, expected: str, tmp_path: Path) -> None:
    """Figures of two machines or versions are no table, and of two of the same none is the right one."""
    with pytest.raises(InputError, match=re.escape(expected)):
        collect(written(tmp_path, [dispatch(), dispatch() | changes]), "0.1.0")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bench": "dispatch"}'])
def test_a_file_that_is_no_measurement_is_one_line_and_exit_2(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, and nothing is written."""
    (tmp_path / "odd.json").write_text(text)
    output = tmp_path / "0.1.0.json"
    assert main(["collect", str(tmp_path / "odd.json"), "--release", "0.1.0", "-o", str(output)]) == 2
    said = capsys.readouterr().err
    assert "odd.json" in said
    assert len(said.splitlines()) == 1
    assert not output.exists()


def test_newest_is_by_version_and_not_by_letters(tmp_path: Path) -> None:
    """0.10.0 comes after 0.9.0; a folder with none has no newest, and a file that is no version is refused."""
    assert newest(tmp_path) is None
    for release in ("0.10.0", "0.9.0", "0.1.12"):
        (tmp_path / f"{release}.json").write_text(json.dumps({"release": release}))
    assert newest(tmp_path) == {"release": "0.10.0"}
    (tmp_path / "latest.json").write_text("{}")
    with pytest.raises(InputError, match="a version like"):
        newest(tmp_path)


def test_only_what_stands_between_the_markers_changes() -> None:
    """The markers must stand there once, each on its own line."""
    readme = "a\n<!-- figures -->\nold \\1 text\n<!-- /figures -->\nb\n"
    assert with_block(readme, "") == "a\n<!-- figures -->\n<!-- /figures -->\nb\n"
    assert with_block(with_block(readme, ""), "old \\1 text\n") == readme
    for wrong in ("a\nb\n", readme + readme, readme.replace("/", "")):
        with pytest.raises(InputError, match="on lines of their own"):
            with_block(wrong, "")


def test_results_are_not_changed_by_making_a_table() -> None:
    """The same results make the same table again."""
    benches = all_benches()
    before = copy.deepcopy(benches)
    assert rows(benches) == rows(benches)
    assert benches == before
