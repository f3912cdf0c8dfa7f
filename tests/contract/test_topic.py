"""Topics as the contract names them, matched by paho-mqtt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from eew.contract import topic
from eew.physics import cells


def digits_by_hand(cell: int, level: int) -> str:
    """Return base 4 digits, the definition of a quadkey."""
    digits = ""
    for _ in range(level):
        cell, digit = divmod(cell, 4)
        digits = str(digit) + digits
    return digits


def test_topics_are_those_of_the_contract() -> None:
    """Each as the table of design and docs writes it."""
    assert topic.reports("jma") == "eew/v1/reports/jma"
    assert topic.event("20110311144640") == "eew/v1/events/20110311144640"
    assert topic.cap("20110311144640") == "eew/v1/cap/20110311144640"
    assert topic.info("jp/ja") == "eew/v1/info/jp/ja"
    assert topic.status("eew-1") == "eew/v1/status/eew-1"
    assert topic.receipts("1321132131") == "eew/v1/receipts/1321132131"
    assert topic.cell_alert("132") == "eew/v1/alerts/cell/1/3/2"
    assert topic.device_alert("1321132131", "d1") == "eew/v1/alerts/device/1321132131/d1"


def test_a_group_is_the_first_digits_of_a_cell() -> None:
    """Ten of fifteen; the published example tile 213 of level 3 with zeros behind it [OSM]."""
    assert topic.group_of(int("213", 4) << 24) == "2130000000"
    assert topic.group_of(int("213012301230123", 4)) == "2130123012"


@given(st.integers(1, 16), st.data())
def test_cell_digits_are_the_quadkey(level: int, data: st.DataObject) -> None:
    """A whole column at once, at any level, as one would count by hand."""
    cell = data.draw(st.lists(st.integers(0, 4**level - 1), min_size=1, max_size=5))
    digits = cells.digits(np.array(cell, dtype=np.uint32), level)
    assert digits.dtype == np.uint8
    assert [row.tobytes().decode() for row in digits] == [digits_by_hand(each, level) for each in cell]


@given(st.text("0123", max_size=11), st.text("0123", min_size=12, max_size=12))
def test_a_region_filter_takes_just_the_cells_inside(region: str, cell: str) -> None:
    """As an MQTT client understands wildcards; no digits are the whole world."""
    assert topic_matches_sub(topic.region_filter(region), topic.cell_alert(cell)) == cell.startswith(region)
    assert topic_matches_sub(topic.region_filter(region), topic.cell_alert(region + cell))


@pytest.mark.parametrize(("group", "matches"), [("1321132131", True), ("1321132130", False), ("132113213", False)])
def test_a_group_filter_takes_just_its_devices(group: str, matches: bool) -> None:
    """And nothing of the neighbours."""
    assert topic_matches_sub(topic.group_filter(group), topic.device_alert("1321132131", "d000000001")) == matches
