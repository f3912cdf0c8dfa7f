"""The made-up catalogue."""

import numpy as np

from eew.model.records import Hazard
from eew.shelter.synthetic import synthetic_shelters

LAT, LON, PEOPLE = [38.27, 35.0, -17.7], [140.87, 139.0, 179.99], [1_000_000, 900, 30_000]


def test_larger_places_have_more_shelters() -> None:
    """One for each 20 000 people begun, at least one, at most as many as allowed."""
    shelters = synthetic_shelters(LAT, LON, PEOPLE, seed=1, max_per_place=40)
    assert len(shelters) == 40 + 1 + 2


def test_shelters_lie_around_their_places() -> None:
    """The many shelters of a city have their middle near its centre, and longitudes wrap at the date line."""
    shelters = synthetic_shelters(LAT, LON, PEOPLE, seed=1)
    city = slice(0, 50)
    assert abs(shelters.lat_deg[city].mean() - LAT[0]) < 0.05
    assert abs(shelters.lon_deg[city].mean() - LON[0]) < 0.05
    many = synthetic_shelters([-17.7] * 500, [179.999] * 500, [30_000] * 500, seed=2)
    assert (np.abs(many.lon_deg) <= 180).all()
    assert (many.lon_deg < 0).any()


def test_all_are_for_earthquakes_and_a_share_for_tsunamis() -> None:
    """The share is drawn by lot: 40 % within three standard deviations."""
    n = 10_000
    shelters = synthetic_shelters([35.0] * n, [139.0] * n, [1000] * n, seed=3)
    assert (shelters.hazards & Hazard.EARTHQUAKE).all()
    n_tsunami = np.count_nonzero(shelters.hazards & Hazard.TSUNAMI)
    assert abs(n_tsunami - 0.4 * n) < 3 * np.sqrt(n * 0.4 * 0.6)


def test_seed_decides_everything() -> None:
    """The same seed makes the same shelters, another seed others."""
    first, again, other = (synthetic_shelters(LAT, LON, PEOPLE, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.lat_deg, again.lat_deg)
    np.testing.assert_array_equal(first.lon_deg, again.lon_deg)
    np.testing.assert_array_equal(first.hazards, again.hazards)
    assert (first.lat_deg != other.lat_deg).any()


def test_no_one_can_take_them_for_real() -> None:
    """Title and each name say it, and ids and names are each shelter's own."""
    shelters = synthetic_shelters(LAT, LON, PEOPLE, seed=1)
    assert shelters.is_synthetic
    assert "ynthetic" in shelters.title
    assert shelters.name[41] == "Synthetic shelter 00042 (demo)"
    assert len(set(shelters.id)) == len(set(shelters.name)) == len(shelters)
