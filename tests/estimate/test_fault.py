"""Distance to a finite fault against dense sampling and cases worked out by hand."""

import math
import warnings
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from eew.estimate.fault import fault_distance_km, vertex_ecef_km
from eew.model.errors import ModelRangeError
from eew.model.records import Vertex
from eew.physics.geodesy import FloatArray, ecef_km

#: Bending of the Earth over a degree or so: hand cases on a flat map hold to this share.
CURVATURE = 0.01

#: A vertical plane, from the surface to 20 km, half a degree along the equator.
VERTICAL: tuple[Vertex, ...] = ((0.0, 10.0, 0.0), (0.0, 10.5, 0.0), (0.0, 10.5, 20.0), (0.0, 10.0, 20.0))
#: A plane dipping to the west under Japan, as for a great subduction earthquake.
DIPPING: tuple[Vertex, ...] = ((36.0, 143.0, 8.0), (40.0, 144.3, 8.0), (40.0, 142.0, 50.0), (36.0, 140.9, 50.0))


def geodetic_ecef_km(vertices: tuple[Vertex, ...]) -> npt.NDArray[np.float64]:
    """Coordinates by pyproj, shape ``(n, 3)``."""
    to_ecef = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    lat_deg, lon_deg, depth_km = np.array(vertices).T
    return np.stack(to_ecef.transform(lon_deg, lat_deg, -1000 * depth_km), axis=1) / 1000


def sampled_distance_km(place_km: FloatArray, corners_km: npt.NDArray[np.float64], n: int = 400) -> float:
    """Distance to the nearest of very many points of the fan of a ring."""
    weights = np.linspace(0, 1, n)
    along, across = (grid.ravel() for grid in np.meshgrid(weights, weights))
    is_in = along + across <= 1 + 1e-12
    best = math.inf
    for second, third in pairwise(corners_km[1:]):
        points = (
            corners_km[0]
            + along[is_in, np.newaxis] * (second - corners_km[0])
            + across[is_in, np.newaxis] * (third - corners_km[0])
        )
        best = min(best, float(np.linalg.norm(points - place_km, axis=1).min()))
    return best


def test_vertices_lie_below_the_ellipsoid() -> None:
    """Earth-centred coordinates of vertices agree with pyproj to a centimetre."""
    assert vertex_ecef_km(DIPPING) == pytest.approx(geodetic_ecef_km(DIPPING), abs=1e-5)


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "expected_km"),
    [
        (0.0, 10.25, 0.0),  # on its upper edge, which sags 60 m below the surface here
        (0.3, 10.25, 0.3 * 110.574),  # beside it: along the meridian
        (0.0, 10.8, 0.3 * 111.320),  # off its end: along the equator
        (0.4, 10.9, math.hypot(0.4 * 110.574, 0.4 * 111.320)),  # off its corner
    ],
)
def test_a_vertical_plane_at_the_surface_is_its_upper_edge(lat_deg: float, lon_deg: float, expected_km: float) -> None:
    """For places on the surface the rest of a vertical plane is further away."""
    found = fault_distance_km(ecef_km([lat_deg], [lon_deg]), [VERTICAL])
    assert found == pytest.approx([expected_km], rel=CURVATURE, abs=0.07)


def test_above_a_flat_plane_the_distance_is_its_depth() -> None:
    """Over a horizontal plane only the depth counts."""
    flat: tuple[Vertex, ...] = ((34.9, 134.9, 12.0), (34.9, 135.1, 12.0), (35.1, 135.1, 12.0), (35.1, 134.9, 12.0))
    found = fault_distance_km(ecef_km([35.0, 35.05], [135.0, 134.95]), [flat])
    assert found == pytest.approx([12.0, 12.0], abs=0.05)


@given(
    lat_deg=st.floats(33.0, 43.0),
    lon_deg=st.floats(136.0, 147.0),
    n_corners=st.integers(3, 4),
)
def test_equals_dense_sampling(lat_deg: float, lon_deg: float, n_corners: int) -> None:
    """The exact distance is that to the nearest of 80 000 points on the plane, which lie 1 km apart."""
    corners = DIPPING[:n_corners]
    expected_km = sampled_distance_km(ecef_km(lat_deg, lon_deg), geodetic_ecef_km(corners))
    found = fault_distance_km(ecef_km([lat_deg], [lon_deg]), [corners])[0]
    # Sampling can only miss the nearest point, by at most half a cell's diagonal across a distance of 8 km or more.
    assert expected_km - 0.1 <= found <= expected_km + 1e-6


def test_closed_rings_and_order_do_not_matter(rng: np.random.Generator) -> None:
    """Repeating a vertex, or turning the other way round from the first, is the same fault."""
    places_km = ecef_km(rng.uniform(34, 42, 50), rng.uniform(138, 147, 50))
    expected = fault_distance_km(places_km, [DIPPING])
    assert fault_distance_km(places_km, [(*DIPPING, DIPPING[0])]) == pytest.approx(expected)
    assert fault_distance_km(places_km, [(DIPPING[0], *DIPPING)]) == pytest.approx(expected)
    assert fault_distance_km(places_km, [(DIPPING[0], *DIPPING[:0:-1])]) == pytest.approx(expected)


def test_several_segments_are_the_nearest_of_them(rng: np.random.Generator) -> None:
    """A fault of pieces is as near as its nearest piece; an empty piece counts for nothing."""
    places_km = ecef_km(rng.uniform(-5, 42, 200), rng.uniform(5, 147, 200))
    each = [fault_distance_km(places_km, [segment]) for segment in (VERTICAL, DIPPING)]
    found = fault_distance_km(places_km, [VERTICAL, (), DIPPING])
    assert found == pytest.approx(np.minimum(*each), abs=1e-6)


def test_lines_points_and_flat_triangles_are_faults_too() -> None:
    """Two vertices are a line, one is a point, three in a row are a line: no warning, no NaN."""
    place_km = ecef_km([0.3], [10.25])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line = fault_distance_km(place_km, [VERTICAL[:2]])
        point = fault_distance_km(place_km, [((0.0, 10.25, 0.0),)])
        row = fault_distance_km(place_km, [((0.0, 10.0, 0.0), (0.0, 10.25, 0.0), (0.0, 10.5, 0.0))])
    assert [line[0], point[0], row[0]] == pytest.approx([0.3 * 110.574] * 3, rel=0.001)


def test_single_precision_costs_less_than_a_metre(rng: np.random.Generator) -> None:
    """Coordinates as devices keep them give the same distances, and are not changed."""
    lat_deg, lon_deg = rng.uniform(34, 42, 40_000), rng.uniform(138, 147, 40_000)
    single = ecef_km(lat_deg, lon_deg, np.float32)
    single.setflags(write=False)
    found = fault_distance_km(single, [DIPPING])
    assert found.shape == (40_000,)
    assert found == pytest.approx(fault_distance_km(ecef_km(lat_deg, lon_deg), [DIPPING]), abs=0.001)


def test_never_further_than_any_vertex(rng: np.random.Generator) -> None:
    """The fault is at least as near as each of its corners."""
    places_km = ecef_km(rng.uniform(30, 45, 500), rng.uniform(135, 150, 500))
    to_corners = np.linalg.norm(places_km.T[:, np.newaxis] - geodetic_ecef_km(DIPPING), axis=2)
    assert np.all(fault_distance_km(places_km, [DIPPING]) <= to_corners.min(axis=1) + 1e-6)


@pytest.mark.parametrize("segments", [(), ((),)], ids=["no segment", "an empty segment"])
def test_refuses_a_fault_without_vertices(segments: tuple[tuple[Vertex, ...], ...]) -> None:
    """Nothing has no distance."""
    with pytest.raises(ModelRangeError, match="fault"):
        fault_distance_km(ecef_km([0.0], [0.0]), segments)
