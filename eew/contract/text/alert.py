"""The texts of alerts: of an event, for everybody, and of one device, with its own seconds.

What to do comes first, then what will be felt, then the rest as far as there is room.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eew.contract.alert_signal import AlertLevel, signal_of
from eew.contract.message import EventMessage, EventText, ShelterReference
from eew.contract.text.language import Language, Wording, load_language
from eew.contract.text.length import LONG, SHORT, clean, length, shortened
from eew.contract.text.quantity import Reading
from eew.model.report import AlertStatus, ReportKind

__all__ = ["SHAKING_S", "event_texts", "own_text"]

#: How long after the S wave's arrival it is called shaking: strong shaking of great earthquakes lasts about so long,
#: and nobody is to get up too early.
SHAKING_S = 60.0
_HIGHEST_FIRST: tuple[AlertLevel, ...] = ("critical", "active", "passive")
#: The longest name that is read aloud.
_SPOKEN_NAME = 80
#: Stands for the name in a template while it is measured.
_HOLE = "\0"


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence around a name that may be shortened; a sentence without one has none behind ``before``."""

    before: str
    name: str = ""
    after: str = ""
    #: The name means something else when it is cut.
    is_whole: bool = False

    def within(self, room: int) -> str | None:
        """Return it as it fits."""
        room -= length(self.before + self.after)
        name = shortened(self.name, room) if not self.is_whole or length(self.name) <= room else None
        # After an ellipsis no full stop.
        return (
            None
            if name is None
            else self.before + name + ("" if name != self.name and self.after == "." else self.after)
        )


#: The first of these that fits is said.
_Choice = Sequence[_Sentence]


def event_texts(message: EventMessage, region: str, languages: Iterable[str]) -> dict[str, EventText]:
    """Return what is said of an event to everybody, by language.

    ``short`` has at most 90 and ``long`` at most 360 characters, counted in UTF-16 code units (``length``).

    Parameters
    ----------
    message
        The event; its ``texts`` do not matter. The highest of its levels that reaches anywhere is announced.
    region
        As in ``info/{region}/…``: miles in ``us``, else kilometres.
    languages
        Of ``LANGUAGES``.

    Raises
    ------
    InputError
        For a language that there is none of.
    """
    reached = next((each for each in _HIGHEST_FIRST if message.radius_km_by_level.get(each, 0.0) > 0), None)
    texts = {}
    for name in languages:
        words = load_language(name)
        if message.kind is ReportKind.CANCEL:
            first = [words.cancelled, words.instructions["all_clear"]]
        else:
            level = reached or "passive"
            first = [words.headline[level], words.public[level] if reached else words.instructions["be_aware"]]
        texts[name] = _text(words, message.status, first, _EventDetails(message, reached), region)
    return texts


def own_text(
    language: str,
    *,
    level: AlertLevel,
    kind: ReportKind,
    status: AlertStatus,
    s_in_s: float | None,
    intensity: float | None = None,
    scale: str = "",
    place: str | None = None,
    magnitude: float | None = None,
    shelter: ShelterReference | None = None,
    region: str = "int",
) -> EventText:
    """Return what one device says now; the same lengths as of ``event_texts``.

    Parameters
    ----------
    language
        Of ``LANGUAGES``.
    level, kind, status
        As in the alert.
    s_in_s
        Until the S wave; negative once it is there; ``None`` or NaN where nobody knows.
    intensity, scale
        Expected here; ``None`` or NaN: unknown.
    place, magnitude
        Of the event; ``None``: unknown, or assumed by the agency.
    shelter
        Where to go afterwards.
    region
        As of ``event_texts``.

    Raises
    ------
    InputError
        For a language that there is none of.
    """
    words = load_language(language)
    instruction = words.instructions[signal_of(level, kind).instruction]
    shaking = words.shaking[level]
    coming_s = s_in_s if s_in_s is not None and math.isfinite(s_in_s) else math.nan
    if kind is ReportKind.CANCEL:
        details = _OwnDetails(None, "", place, None, None)
        return _text(words, status, [words.cancelled, instruction], details, region)
    is_past = coming_s <= -SHAKING_S
    details = _OwnDetails(None if is_past else intensity, scale, place, magnitude, shelter)
    if is_past:
        first = [words.headline[level], instruction if level == "passive" else words.after, words.passed]
    elif math.isnan(coming_s):
        first = [words.headline[level], instruction, shaking.unknown]
    elif coming_s < 1:
        first = [words.headline[level], instruction, shaking.now]
    else:
        first = [words.headline[level], instruction, shaking.coming]
    return _text(words, status, first, details, region, coming_s)


@dataclass(frozen=True, slots=True)
class _EventDetails:
    """What else is said of an event."""

    message: EventMessage
    reached: AlertLevel | None

    def choices(self, reading: Reading, *, is_short: bool) -> Iterator[_Choice]:
        """Yield it, the most wanted first."""
        message = self.message
        is_cancel = message.kind is ReportKind.CANCEL
        # An assumed hypocentre comes with a magnitude that says nothing.
        magnitude = None if is_cancel or message.is_assumed else message.magnitude
        # That "an earthquake was there" is what a cancel takes back.
        place = None if is_cancel else message.place
        yield from _source(reading, place, magnitude, is_short=is_short)
        if is_short or is_cancel:
            return
        if magnitude is None:
            yield [_Sentence(reading.language.strength_unknown)]
        if self.reached == "critical" and not message.is_assumed:
            distance = reading.distance(message.radius_km_by_level["critical"])
            yield [_Sentence(reading.language.reach.format(distance=distance))]


@dataclass(frozen=True, slots=True)
class _OwnDetails:
    """What else a device says."""

    intensity: float | None
    scale: str
    place: str | None
    magnitude: float | None
    shelter: ShelterReference | None

    def choices(self, reading: Reading, *, is_short: bool) -> Iterator[_Choice]:
        """Yield it, the most wanted first."""
        if not is_short and self.intensity is not None:
            sentence = reading.intensity(self.intensity, self.scale)
            if sentence is not None:
                yield [_Sentence(sentence)]
        if not is_short and self.shelter is not None:
            yield _shelter(reading, self.shelter)
        yield from _source(reading, self.place, self.magnitude, is_short=is_short)


def _text(
    words: Language,
    status: AlertStatus,
    first: Sequence[str],
    details: _EventDetails | _OwnDetails,
    region: str,
    coming_s: float = math.nan,
) -> EventText:
    """Return the three texts; ``first`` stands whole in each, behind the mark of what is not meant."""
    mark = words.marks.get(status)
    said = []
    for is_spoken, is_short, limit in ((False, True, SHORT), (False, False, LONG), (True, False, None)):
        reading = Reading(words, is_spoken, region)
        time = "" if math.isnan(coming_s) or coming_s < 1 else reading.time(coming_s)
        head = words.joiner.join(first).replace("{time}", time)
        if mark is not None:
            head = (mark.spoken if is_spoken else mark.written) + head
        said.append(_filled(head, details.choices(reading, is_short=is_short), words.joiner, limit))
    return EventText(short=said[0], long=said[1], spoken=said[2])


def _filled(text: str, choices: Iterable[_Choice], joiner: str, limit: int | None) -> str:
    """Return the text with all that fits behind it; without a limit with everything."""
    for choice in choices:
        for sentence in choice:
            if limit is None:
                room = length(sentence.before + sentence.after) + _SPOKEN_NAME
            else:
                room = limit - length(text + joiner)
            told = sentence.within(room)
            if told is not None:
                text += joiner + told
                break
    return text if limit is not None else text.replace("…", "")


def _source(reading: Reading, place: str | None, magnitude: float | None, *, is_short: bool) -> Iterator[_Choice]:
    """Yield where and how strong, as far as it is known; without the place rather than nothing."""
    source = reading.language.source

    def sentence(wording: Wording, name: str = "", *, is_whole: bool = False) -> _Sentence:
        template = wording.short if is_short else wording.long
        shown = "" if magnitude is None else reading.magnitude(magnitude)
        return _around(template.format(place=_HOLE, magnitude=shown), name, is_whole=is_whole)

    name = "" if place is None else reading.place(place)
    choice = []
    if name:
        wording = source.place if magnitude is None else source.both
        # "10 km northwest of" a town cannot be cut; the town alone is better than the way to it.
        choice += [sentence(wording, name, is_whole=True), sentence(wording, reading.town(place or ""))]
    if magnitude is not None:
        choice.append(sentence(source.magnitude))
    if choice:
        yield choice


def _shelter(reading: Reading, shelter: ShelterReference) -> _Choice:
    """Return where to go."""
    words = reading.language.shelter
    name = reading.place(shelter.name) or clean(shelter.id)
    if shelter.distance_m is None:
        return [_around(words.name.format(shelter=_HOLE), name)]
    distance = reading.distance(shelter.distance_m / 1000)
    if shelter.bearing_deg is None:
        return [_around(words.distance.format(shelter=_HOLE, distance=distance), name)]
    direction = reading.direction(shelter.bearing_deg)
    return [_around(words.full.format(shelter=_HOLE, distance=distance, direction=direction), name)]


def _around(text: str, name: str, *, is_whole: bool = False) -> _Sentence:
    before, _, after = text.partition(_HOLE)
    return _Sentence(before, name, after, is_whole)
