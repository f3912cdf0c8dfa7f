"""Fixtures that every test may use."""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from eew.clock import ManualClock

hypothesis.settings.register_profile("eew", deadline=None, print_blob=True)
hypothesis.settings.load_profile("eew")

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def project() -> Path:
    """Return the project's top folder."""
    return PROJECT


@pytest.fixture
def reference_data() -> Path:
    """Return the folder of real data, or skip where it is absent."""
    folder = Path(os.environ.get("EEW_REFERENCE_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder} (set EEW_REFERENCE_DATA)")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a seeded source of random numbers."""
    return np.random.default_rng(20110311)


@pytest.fixture
def manual_clock() -> ManualClock:
    """Return a clock that moves only when told."""
    return ManualClock()
