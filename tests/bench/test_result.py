"""What every measurement's JSON begins with."""

import json
from pathlib import Path
from typing import Any

import pytest

from eew.bench.ratio import Ratio
from eew.bench.result import DeliveryTally, document, medians, write
from eew.model.errors import InputError


def test_medians_are_taken_number_by_number() -> None:
    """Also inside of figures; what any run lacks is not known."""
    runs = [
        {"a": 3, "b": {"p50": 1.0, "max": None}},
        {"a": 1, "b": {"p50": 5.0, "max": 2.0}},
        {"a": 2, "b": {"p50": 2.0, "max": 3.0}},
    ]
    assert medians(runs) == {"a": 2, "b": {"p50": 2.0, "max": None}}


def test_deliveries_add_up_and_a_loss_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Over all runs."""
    whole = {"expected": 5, "delivered": 5, "lost": 0, "duplicated": 1, "refused": {}}
    part = {"expected": 5, "delivered": 3, "lost": 2, "duplicated": 0}
    assert not DeliveryTally([whole, whole]).say_lost()
    assert capsys.readouterr().err == ""
    both = DeliveryTally([whole, part])
    assert both == {"expected": 10, "delivered": 8, "lost": 2, "duplicated": 1}
    assert both.say_lost()
    assert capsys.readouterr().err == "eew bench: of 10 alerts expected: lost 2\n"
    assert str(both) == "delivery   expected 10 = delivered 8 + lost 2; duplicated 1"


def test_a_document_says_what_it_was_measured_on(tmp_path: Path) -> None:
    """Efficiency, delivery and broker at the top, then machine, versions, commit, seed, settings and figures."""
    delivery = {"expected": 1, "delivered": 1, "lost": 0, "duplicated": 0}
    broker = {"name": "mosquitto", "version": "2.0.11", "url": "mqtt://127.0.0.1:1883", "mqtt_version": "5"}
    given: dict[str, Any] = {"delivery": delivery, "broker": broker, "seed": 7, "settings": {"devices": 1}}
    made = document("x", efficiency=0.123456, **given, figures={"y": 2})
    write(made, tmp_path / "x.json")
    written = json.loads((tmp_path / "x.json").read_text())
    names = ["bench", "efficiency", "efficiency_spread", "delivery", "broker"]
    assert list(written) == [*names, "machine", "versions", "commit", "seed", "settings", "y"]
    assert (written["broker"], written["efficiency_spread"]) == (broker, None)
    measured = document("x", efficiency=Ratio.of([0.5, 0.5, 0.6]), **given, figures={})
    assert measured["efficiency"] == 0.5
    assert (measured["efficiency_spread"]["least"], measured["efficiency_spread"]["most"]) == (0.5, 0.6)
    assert (written["efficiency"], written["delivery"], written["seed"]) == (0.1235, delivery, 7)
    write(made, None)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """As bad input: the path came from the command line."""
    with pytest.raises(InputError, match="a file that can be written"):
        write({}, tmp_path)
