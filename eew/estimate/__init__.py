"""2 What each device will feel, and when. ``TravelTimeTable`` and ``intensity_model`` are stable for others to use."""

from eew.estimate.intensity_models import intensity_model
from eew.physics.travel_time_table import TravelTimeTable

__all__ = ["TravelTimeTable", "intensity_model"]
