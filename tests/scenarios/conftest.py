"""That goldens can be written anew."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the goldens be written: ``pytest tests/scenarios --update-goldens``, and look at the difference."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/scenarios/goldens anew")
