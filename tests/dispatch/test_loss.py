"""That a run lost something is said, with how much."""

import pytest

from eew.dispatch.loss import say_lost


def test_what_was_lost_is_one_line_with_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Only of the faults that there were."""
    assert say_lost("replay", 12_345, {"lost": 1234, "unreadable": 0, "failed": 5})
    assert capsys.readouterr().err == "eew replay: of 12,345 alerts expected: lost 1,234, failed 5\n"


def test_where_nothing_was_lost_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is it a loss."""
    assert not say_lost("bench", 5, {"lost": 0})
    assert capsys.readouterr().err == ""
