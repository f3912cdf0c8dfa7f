"""Reads the cards: a region's numbers (``cards``), and what holds everywhere in its language (``guidance``)."""

from functools import cache
from importlib import resources
from typing import Annotated, TypeVar

import msgspec

from eew.contract.alert_signal import Instruction
from eew.contract.message import HelpNumber, HelpPurpose, InfoCard
from eew.model.document import place_of_complaint, read_toml, spelled
from eew.model.errors import InputError

__all__ = ["all_cards", "card_names", "load_card"]

Words = Annotated[str, msgspec.Meta(min_length=1)]
#: By language.
Translated = dict[str, Words]


class _Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ``[[numbers]]`` table."""

    purpose: HelpPurpose
    number: str
    source: Words
    name: Translated
    note: Translated = {}


class _Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of ``cards``; there is a card for each language that the region's name is given in."""

    region: str
    #: Whom to call for the hurt and for the trapped.
    ambulance: str
    rescue: str
    name: Translated
    numbers: Annotated[tuple[_Number, ...], msgspec.Meta(min_length=1)]


class _Guidance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of ``guidance``."""

    lang: str
    title: Words
    notice: Words
    instructions: dict[Instruction, Words]
    after_shaking: tuple[Words, ...]
    medical: tuple[Words, ...]
    rescue: tuple[Words, ...]


_File = TypeVar("_File", _Region, _Guidance)


def card_names() -> tuple[str, ...]:
    """Return the cards there are, as ``region/language``, in alphabetical order."""
    folder = resources.files("eew.contract.card") / "cards"
    regions = sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(f"{region}/{lang}" for region in regions for lang in sorted(_region(region).name))


def all_cards() -> tuple[InfoCard, ...]:
    """Return every card."""
    return tuple(load_card(name) for name in card_names())


def load_card(region_lang: str) -> InfoCard:
    """Return a card by its ``region/language``, as in a profile's ``info``.

    Raises
    ------
    InputError
        If there is none of that name, or a file is not usable.
    """
    if region_lang not in card_names():
        raise InputError(f"one of {', '.join(card_names())}", field="card", value=region_lang)
    region_name, lang = region_lang.split("/")
    region = _region(region_name)
    guidance = _guidance(lang)

    def told(sentences: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each.format(ambulance=region.ambulance, rescue=region.rescue) for each in sentences)

    return InfoCard(
        region=region.region,
        lang=lang,
        title=guidance.title.format(region=region.name[lang]),
        numbers=tuple(
            HelpNumber(
                purpose=each.purpose,
                number=each.number,
                name=each.name[lang],
                note=each.note.get(lang),
                source=each.source,
            )
            for each in region.numbers
        ),
        instructions=guidance.instructions,
        after_shaking=told(guidance.after_shaking),
        medical=told(guidance.medical),
        rescue=told(guidance.rescue),
        notice=guidance.notice,
    )


@cache
def _region(name: str) -> _Region:
    """Return a region's file, whose numbers have a name in each of its languages."""
    file = f"cards/{name}.toml"
    region = _read(file, _Region)
    for index, number in enumerate(region.numbers):
        missing = sorted(region.name.keys() - number.name.keys())
        if missing:
            raise InputError(
                f"a name in {missing[0]}", file=f"eew/contract/card/{file}", field=f"numbers[{index}].name"
            )
    return region


@cache
def _guidance(lang: str) -> _Guidance:
    return _read(f"guidance/{lang}.toml", _Guidance)


def _read(file: str, kind: type[_File]) -> _File:
    shown = f"eew/contract/card/{file}"
    _, tables = read_toml(resources.files("eew.contract.card").joinpath(*file.split("/")).read_bytes(), shown)
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        said, path = place_of_complaint(str(error))
        raise InputError(said, file=shown, field=spelled(path) or None) from error
