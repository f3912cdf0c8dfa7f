"""``eew card``: the help cards that devices keep, by region and language."""

import argparse
from typing import TYPE_CHECKING

from eew.model.exit_status import ExitStatus

if TYPE_CHECKING:
    from eew.contract.message import InfoCard

__all__ = ["configure", "run"]

_HEADINGS = {"after_shaking": "When the shaking has stopped", "medical": "For the hurt", "rescue": "For the trapped"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("card", nargs="?", metavar="REGION/LANG", help="a card such as jp/ja (default: list them)")
    parser.add_argument("--json", action="store_true", help="as it is published on eew/v1/info/REGION/LANG")


def run(arguments: argparse.Namespace) -> int:
    """List the cards or show one; return the exit code."""
    import json

    from eew.contract.card import all_cards, load_card
    from eew.contract.message import payload_of

    if arguments.card is not None:
        card = load_card(arguments.card)
        print(payload_of(card).decode() if arguments.json else _shown(card))
        return ExitStatus.DONE
    cards = all_cards()
    if arguments.json:
        print(json.dumps({"cards": [f"{card.region}/{card.lang}" for card in cards]}))
        return ExitStatus.DONE
    for card in cards:
        numbers = " ".join(dict.fromkeys(number.number for number in card.numbers))
        print(f"{card.region + '/' + card.lang:12}{card.title}: {numbers}")
    return ExitStatus.DONE


def _shown(card: "InfoCard") -> str:
    """Return a card as lines for a person."""
    lines = [card.title, card.notice, "", "Numbers"]
    for number in card.numbers:
        lines.append(f"  {number.number:12} {number.name}")
        lines += [f"{'':15}{line}" for line in (number.note, number.source) if line is not None]
    lines += ["", "What to do now"]
    lines += [f"  {code}: {words}" for code, words in card.instructions.items()]
    for section, heading in _HEADINGS.items():
        lines += ["", heading, *(f"  {sentence}" for sentence in getattr(card, section))]
    return "\n".join(lines)
