"""Which connection a device hangs on."""

from collections import Counter as Tally

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.contract import topic
from eew.devices.swarm.layout import Mode, RowRange, Subscriptions, populated_cells, row_ranges, topic_filters
from eew.model.records import Devices
from eew.physics import cells


def population(seed: int, n: int, spread_deg: float) -> Devices:
    """Return devices in some towns, the same place for several of them at times."""
    rng = np.random.default_rng(seed)
    town = rng.uniform((-60, -180), (70, 180), (4, 2))
    place = town[rng.integers(0, 4, n)] + rng.normal(0, spread_deg, (n, 2))
    lat, lon = place[:, 0], (place[:, 1] + 180) % 360 - 180
    cell = cells.cell_at(lat, lon)
    order = np.argsort(cell, kind="stable")
    return Devices(
        id=np.array([f"d{i:09d}" for i in range(n)], dtype=np.bytes_),
        lat_deg=lat[order].astype(np.float32),
        lon_deg=lon[order].astype(np.float32),
        cell=cell[order],
        kind=np.zeros(n, dtype=np.uint8),
        region="towns",
        seed=seed,
    )


populations = st.builds(
    population, st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([0.0, 0.001, 0.05, 1.0, 10.0])
)


def digits(device_cell: int, level: int) -> str:
    """Return the first digits of a cell, written in base four."""
    text = np.base_repr(device_cell, 4).rjust(15, "0")
    return text[:level]


def matches(topic_filter: str, name: str) -> bool:
    """Return whether an MQTT filter takes a topic [MQTT 3.1.1, 4.7]."""
    wanted, parts = topic_filter.split("/"), name.split("/")
    for i, part in enumerate(wanted):
        if part == "#":
            return True
        if i >= len(parts) or part not in {"+", parts[i]}:
            return False
    return len(wanted) == len(parts)


def topic_of(devices: Devices, row: int, mode: Mode) -> str:
    """Return the topic of the alerts for a device, from the contract."""
    cell = int(devices.cell[row])
    if mode == "cell":
        return f"eew/v1/alerts/cell/{'/'.join(digits(cell, topic.CELL_LEVEL))}"
    return f"eew/v1/alerts/device/{digits(cell, topic.GROUP_LEVEL)}/{devices.id[row].decode()}"


@given(populations, st.integers(1, 80))
def test_ranges_are_the_population_once_and_split_no_group(devices: Devices, n_ranges: int) -> None:
    """Every row is in one range, no range is empty, and devices of one group hang together."""
    ranges = row_ranges(devices, n_ranges)
    assert 1 <= len(ranges) <= n_ranges
    assert [row for each in ranges for row in range(each.first, each.end)] == list(range(len(devices)))
    assert all(len(each) > 0 for each in ranges)
    groups = [{digits(int(cell), topic.GROUP_LEVEL) for cell in devices.cell[each.first : each.end]} for each in ranges]
    assert sum(map(len, groups)) == len(set().union(*groups))


def test_ranges_are_of_about_equal_size() -> None:
    """Where groups are small against a range, no range is much larger than another."""
    devices = population(1, 20_000, 10.0)
    sizes = [len(each) for each in row_ranges(devices, 10)]
    assert len(sizes) == 10
    assert max(sizes) - min(sizes) < 400


def test_more_ranges_than_groups_are_a_range_a_group() -> None:
    """Half a million connections wanted are no half a million times the number of groups in memory."""
    devices = population(1, 3000, 1.0)
    n_groups = len({digits(int(cell), topic.GROUP_LEVEL) for cell in devices.cell})
    assert len(row_ranges(devices, 640_000)) == n_groups


@pytest.mark.parametrize("subscriptions", ["wildcard", "each"])
@pytest.mark.parametrize("mode", ["device", "cell"])
@given(devices=populations, n_ranges=st.integers(1, 8))
def test_every_device_is_covered_by_one_connection(
    mode: Mode, subscriptions: Subscriptions, devices: Devices, n_ranges: int
) -> None:
    """The filters of its own connection take each device's topic exactly once, those of any other do not."""
    filters = [topic_filters(devices, each, mode, subscriptions) for each in row_ranges(devices, n_ranges)]
    for own, rows in enumerate(row_ranges(devices, n_ranges)):
        for row in range(rows.first, rows.end):
            name = topic_of(devices, row, mode)
            hits = [sum(matches(each, name) for each in one) for one in filters]
            assert hits == [int(i == own) for i in range(len(filters))]


@pytest.mark.parametrize("subscriptions", ["wildcard", "each"])
def test_a_device_on_a_connection_of_its_own_hears_only_its_own(subscriptions: Subscriptions) -> None:
    """Ten neighbours, ten connections: an alert reaches one of them, wildcards or not."""
    devices = population(7, 10, 0.0)
    filters = [topic_filters(devices, RowRange(row, row + 1), "device", subscriptions) for row in range(10)]
    for row in range(10):
        name = topic_of(devices, row, "device")
        assert [sum(matches(each, name) for each in one) for one in filters] == [int(i == row) for i in range(10)]


@given(populations, st.sampled_from([1, 6, topic.GROUP_LEVEL, topic.CELL_LEVEL, cells.DEVICE_LEVEL]))
def test_populated_cells_hold_each_device_once(devices: Devices, level: int) -> None:
    """Cells ascend, are never empty, and their rows are those of the devices in them."""
    table = populated_cells(devices, level)
    tally = Tally(digits(int(cell), level) for cell in devices.cell)
    found = {
        np.base_repr(int(cell), 4).rjust(level, "0"): int(end - first)
        for cell, first, end in zip(table.cell, table.first_row[:-1], table.first_row[1:], strict=True)
    }
    assert found == dict(tally)
    assert len(table) == len(tally)
    assert table.first_row[0] == 0
    for cell, first, end in zip(table.cell, table.first_row[:-1], table.first_row[1:], strict=True):
        name = np.base_repr(int(cell), 4).rjust(level, "0")
        assert {digits(int(each), level) for each in devices.cell[first:end]} == {name}
