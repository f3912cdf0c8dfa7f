"""The two names that others may build on stand where the README says."""

import numpy as np

from eew.estimate import TravelTimeTable, intensity_model


def test_arrivals_and_shaking_take_arrays() -> None:
    """Chengdu and Kangding in the Luding earthquake: 50 s and 7 s of warning from a report 8.2 s after origin [ICL]."""
    epicentral_km = np.array([221.0, 53.0])
    p_travel_s, s_travel_s = TravelTimeTable.load("ak135").travel_times(epicentral_km, 16.0)
    assert np.abs(s_travel_s - 8.2 - [50, 7]).max() < 1
    assert (p_travel_s < s_travel_s).all()
    shaking = intensity_model("icl").intensity(6.8, np.hypot(epicentral_km, 16.0), depth_km=16.0)
    # 2.941 + 1.363 M − 1.494 ln(R + 7) by hand.
    assert np.abs(shaking - [4.094, 6.035]).max() < 0.01
