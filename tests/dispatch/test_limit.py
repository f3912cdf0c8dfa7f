"""Limits on the figures of a run: one small grammar for every command."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.cli.main import main
from eew.contract.run_summary import LimitJudgement
from eew.dispatch.limit import FIGURES, figures_of, judged, parse_limit, parse_limits, say_broken
from eew.model.errors import InputError

LATENCIES = ("p50", "p90", "p99", "p99.9", "max")
COUNTS = ("lost", "duplicated", "late")
#: By unit, how much of what a latency is measured in, ms.
MS = {"us": Decimal("0.001"), "ms": Decimal(1), "s": Decimal(1000)}
SPACES = st.sampled_from(["", " ", "  "])
NUMBERS = st.decimals(0, 10**9, places=3, allow_nan=False)
FIGURE_AND_UNIT = st.one_of(
    st.tuples(st.sampled_from(LATENCIES), st.sampled_from(sorted(MS))),
    st.tuples(st.sampled_from(COUNTS), st.just("")),
    st.tuples(st.just("rate"), st.just("/s")),
)


@given(FIGURE_AND_UNIT, st.sampled_from([">", ">=", "<", "<="]), NUMBERS, NUMBERS, st.tuples(*[SPACES] * 5))
def test_a_limit_says_what_it_says(
    figure_and_unit: tuple[str, str], comparison: str, number: Decimal, measured: Decimal, spaces: tuple[str, ...]
) -> None:
    """Whatever the spaces: broken when the comparison holds, with the value in the figure's own unit."""
    figure, unit = figure_and_unit
    parts = (figure, comparison, f"{number:f}", unit)
    text = spaces[0] + "".join(part + space for part, space in zip(parts, spaces[1:], strict=True))
    limit = parse_limit(text)
    value = number * MS.get(unit, Decimal(1))
    assert (limit.figure, limit.comparison, limit.text) == (figure, comparison, text)
    assert limit.value == pytest.approx(float(value))
    if abs(measured - value) > Decimal("0.000001") * (1 + value):
        above = measured > value
        assert limit.is_broken(float(measured)) == (above if comparison[0] == ">" else not above)
    assert limit.is_broken(limit.value) == (len(comparison) == 2)
    assert limit.is_broken(None)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"(p\d\d|lost|rate)\s*[<>=!]+\s*-?\d*\.?\d*(ms|/s|%)?")))
def test_any_other_text_is_refused_with_what_there_is(text: str) -> None:
    """It is a limit, or the line names the option, what was given, and the figures."""
    refusal: InputError | None = None
    try:
        assert parse_limit(text).figure in FIGURES
    except InputError as error:
        refusal = error
    if refusal is not None:
        assert refusal.field == "--fail-if"
        assert "p99" in str(refusal) or "such as" in str(refusal)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99", "a figure (p50, p90, p99, p99.9, max, lost, duplicated, late, rate), one of > >= < <=, and a value"),
        ("p99=500ms", "a figure (p50"),
        ("p99>>500ms", "a figure (p50"),
        ("p99>-1ms", "a figure (p50"),
        ("p99>1e3ms", "a figure (p50"),
        ("p99>500", "a value in us or ms or s, such as p99>500ms"),
        ("p99>5min", "a value in us or ms or s, such as p99>500ms"),
        ("p98>500ms", "one of the figures p50, p90, p99, p99.9, max, lost, duplicated, late, rate"),
        ("lost>1%", "a number without a unit, such as lost>0"),
        ("lost>1ms", "a number without a unit, such as lost>0"),
        ("rate<1000", "a value in /s, such as rate<1000/s"),
        ("", "a figure (p50"),
        ("p99>٣ms", "a figure (p50"),
    ],
)
def test_a_slip_says_what_would_be_right(text: str, expected: str) -> None:
    """Each part by itself, where the others are right."""
    with pytest.raises(InputError, match="expected") as caught:
        parse_limit(text)
    assert expected in str(caught.value)


def test_a_command_takes_only_the_figures_it_has() -> None:
    """A bench without devices' clocks knows no latency."""
    assert parse_limits(["lost>0", "rate<5/s"], ("lost", "rate"))[1].value == 5
    with pytest.raises(InputError, match="one of the figures lost, rate"):
        parse_limit("p99>1s", ("lost", "rate"))


def test_what_is_broken_is_said_with_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each; what nothing was measured of is broken, too."""
    latency = {"p50": 10.0, "p90": 20.0, "p99": 730.25, "p99_9": 1000.0, "max": None}
    figures = figures_of(latency, {"lost": 3, "duplicated": 0}, 0, 12_345.6)
    limits = parse_limits(["p99>0.5s", "p99.9 >= 1s", "max>1s", "lost>0", "late>0", "rate<20000/s", "p50>10ms"])
    judgements = judged(limits, figures)
    assert [each.is_broken for each in judgements] == [True, True, True, True, False, True, False]
    assert judgements[0] == LimitJudgement(limit="p99>0.5s", figure="p99", measured=730.25, is_broken=True)
    assert say_broken("swarm", judgements)
    assert capsys.readouterr().err.splitlines() == [
        "eew swarm: --fail-if 'p99>0.5s': p99 was 730.25 ms",
        "eew swarm: --fail-if 'p99.9 >= 1s': p99.9 was 1,000 ms",
        "eew swarm: --fail-if 'max>1s': max was not measured: nothing arrived",
        "eew swarm: --fail-if 'lost>0': lost was 3",
        "eew swarm: --fail-if 'rate<20000/s': rate was 12,345.6/s",
    ]
    assert not say_broken("swarm", judged(limits[4:5], figures))


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "false-alarm"],
        ["bench", "dispatch"],
        ["bench", "ceiling"],
        ["bench", "connections"],
        ["bench", "year"],
    ],
    ids=" ".join,
)
def test_a_malformed_limit_is_exit_2_before_anything_starts(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the option and the figures that this command has."""
    assert main([*words, "--fail-if", "lost>0", "--fail-if", "losses>0"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"eew {words[0]}: --fail-if: 'losses>0': expected one of the figures" in err
