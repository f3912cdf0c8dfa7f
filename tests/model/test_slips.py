"""Slips of the hand in documents that people write: each is told with its place, and none is a traceback."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from eew.dispatch.daemon import read_config
from eew.feed.scenario import load_scenario
from eew.feed.scenario_year import load_year
from eew.model.errors import InputError
from eew.model.region_profile_file import load_profile

VALUES = (
    *("3", '"x"', "[]", "{}", "[[]]", "{a=1}", "nan", "inf", "true", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"),
    *('[1,"a"]', '""', "-1", "1e400", "[{}]", "'''x'''", "\"it'''s\""),
)
LINES = (
    *("[population]", "[event]", "[[reports]]", "event = 3", "reports = [3]", '"" = 1', "a.b.c = 1", "[reports.x]"),
    *('population.region = "japan"', "[[feeds]]", "[levels]", "latitude = 33.2"),
)
DOCUMENTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "scenario": ("scenarios/drill.toml", load_scenario),
    "year": ("scenarios/china-2020/year.toml", load_year),
    "profile": ("eew/model/profiles/japan.toml", load_profile),
    "dispatch": ("examples/dispatch.toml", read_config),
}


def slipped(text: str, random: Random) -> str:
    """Return a text with up to four lines changed, gone or put in."""
    lines = text.splitlines()
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        key, equals, value = lines[at].partition("=")
        chance = random.random()
        if equals and chance < 0.4:
            lines[at] = f"{key}= {random.choice(VALUES)}"
        elif equals and chance < 0.6:
            lines[at] = f"{key.strip()}{random.choice(('x', '_km', '2', '.a'))} ={value}"
        elif chance < 0.8:
            del lines[at]
        else:
            lines.insert(at, random.choice(LINES))
    return "\n".join(lines)


@pytest.mark.parametrize("what", DOCUMENTS)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_slip_is_an_error_with_its_place(what: str, random: Random, project: Path, tmp_path: Path) -> None:
    """Every fault names the file and a line that it has; an unknown key stands on the line that is named."""
    place, load = DOCUMENTS[what]
    path = tmp_path / "year.toml"
    text = slipped((project / place).read_text(encoding="utf-8"), random)
    path.write_text(text, encoding="utf-8")
    try:
        load(path)
    except InputError as error:
        for each in (error, *error.also):
            assert str(each).startswith(str(path))
            lines = text.split("\n")
            assert each.line is None or 1 <= each.line <= len(lines)
            if each.problem is not None:
                assert each.line is not None
                assert str(each.field).rsplit(".", maxsplit=1)[-1] in lines[each.line - 1]
