"""What JMA's formats share: its clock, its words, its assumed hypocentre, its practice of warning."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from eew.feed.jma_class import INTENSITY_BY_CLASS, class_of_intensity
from eew.feed.json_message import json_value
from eew.feed.refusal import A_TIME
from eew.feed.report_issue import kind_of
from eew.feed.unusable_member import Spared, converted
from eew.model.document import Steps
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport

__all__ = [
    "INFO_TYPES",
    "JST",
    "STATUSES",
    "WARNINGS",
    "WARNING_TITLE",
    "arrival_digit",
    "decoded_json",
    "has_assumed_values",
    "instant",
    "is_reached",
    "jst_text",
    "kind_of",
    "span_words",
    "status_word",
    "strongest",
    "warned",
    "with_zone",
]

#: Japan's time, meant wherever a text names no zone.
JST = timezone(timedelta(hours=9))
STATUSES = {"通常": AlertStatus.ACTUAL, "訓練": AlertStatus.EXERCISE, "試験": AlertStatus.TEST}
#: Issue, correction, cancel.
INFO_TYPES = ("発表", "訂正", "取消")

#: What JMA and its relays say of an area that the main motion has reached by JMA's reckoning.
_REACHED, _ALREADY = "1", "既に"

#: The count of warnings (VXSE43), which is not that of forecasts (VXSE44 and 45); and what such a telegram is called.
WARNINGS = "warnings"
WARNING_TITLE = "緊急地震速報（警報）"

_Form = TypeVar("_Form")
_AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


def with_zone(text: str) -> str:
    """Return an ISO time with Japan's zone where it names none."""
    clock = text.partition("T")[2]
    return text if clock.endswith(("Z", "z")) or "+" in clock or "-" in clock else f"{text}+09:00"


def instant(text: str, field: str, file: str | Path | None) -> datetime:
    """Return an ISO time in UTC; raise ``ReportDecodeError`` where it is none."""
    try:
        return msgspec.convert(with_zone(text), _AwareTime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise ReportDecodeError(A_TIME, file=file, field=field, value=text) from error


def decoded_json(
    data: bytes, form: type[_Form], file: str | Path | None, spared: Spared, optional: Collection[Steps] = ()
) -> _Form:
    """Return a JSON object as what it is to be, without what of ``optional`` cannot be so.

    Raises
    ------
    ReportDecodeError
        Naming the first of the other members that is wrong.
    """
    members = json_value(data, file=file)
    if not isinstance(members, dict):
        raise ReportDecodeError("one JSON object", file=file, value=None if isinstance(members, list) else members)
    return converted(members, form, spared, optional=optional, file=file)


def span_words(area: AreaAnswer) -> tuple[str, str] | None:
    """Return an area's lowest and highest class, ``over`` for "or more"; ``None`` where the lowest is unknown."""
    if area.intensity_from is None:
        return None
    return class_of_intensity(area.intensity_from), "over" if area.intensity_to is None else class_of_intensity(
        area.intensity_to
    )


def strongest(areas: Iterable[AreaAnswer]) -> AreaAnswer | None:
    """Return the area with the highest upper class, and among these with the highest lower one."""
    known = [area for area in areas if area.intensity_from is not None]

    def rank(area: AreaAnswer) -> tuple[float, float]:
        upper = float("inf") if area.intensity_to is None else area.intensity_to
        return upper, area.intensity_from or 0.0

    return max(known, key=rank, default=None)


def warned(areas: Iterable[AreaAnswer]) -> frozenset[str]:
    """Return the codes of the areas that JMA warns: of class 4 on, if class 5- or more is expected anywhere."""
    expected = {area.code: area for area in areas if area.intensity_from is not None}
    upper = {code: area.intensity_to or area.intensity_from or 0.0 for code, area in expected.items()}
    if max(upper.values(), default=0.0) < INTENSITY_BY_CLASS["5-"]:
        return frozenset()
    return frozenset(code for code, intensity in upper.items() if intensity >= INTENSITY_BY_CLASS["4"])


def is_reached(code: str | None, words: str | None) -> bool:
    """Tell whether the main motion is in an area already, by the area's code (x0, x1, x9) or what is said of it."""
    return (code or "")[-1:] == _REACHED or _ALREADY in (words or "")


def arrival_digit(area: AreaAnswer) -> str:
    """Return the second digit of an area's code: it is foreseen, has been reached already, or nothing is foreseen."""
    return _REACHED if area.is_arrived else "9" if area.s_arrival_at is None else "0"


def has_assumed_values(magnitude: float | None, depth_km: float | None) -> bool:
    """Tell whether a report has the values that JMA puts in where only PLUM sees shaking [DMDATA].

    Notes
    -----
    Magnitude 1.0 at 10 km, right below the first station; for a real earthquake of magnitude 1.0 no report is issued.
    """
    return magnitude == 1.0 and depth_km == 10.0


def jst_text(at: datetime) -> str:
    """Return a time as JMA writes it: to the second, in Japan's zone."""
    return at.astimezone(JST).isoformat(timespec="seconds")


def status_word(report: EventReport) -> str:
    """Return JMA's word for a report's status."""
    return next(word for word, status in STATUSES.items() if status is report.status)
