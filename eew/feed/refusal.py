"""Why a document was refused: where in it, and what would have been right, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from eew.model.document import Steps, place_of_complaint
from eew.model.document_faults import A_TIME, MISSING, in_words
from eew.model.errors import MISSING_FIELD
from eew.model.records import AlertStatus, IssueBasis, ReportKind

__all__ = ["A_TIME", "Refusal", "refusal_of"]

_CHOICES: Mapping[str, type[StrEnum]] = {"kind": ReportKind, "status": AlertStatus, "issue_basis": IssueBasis}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where a document is wrong, and what was expected there."""

    path: Steps
    expected: str


def refusal_of(error: msgspec.ValidationError) -> Refusal:
    """Take a validation error's message apart into place and expectation."""
    message, path = place_of_complaint(str(error))
    if missing := MISSING.search(message):
        return Refusal((*path, missing["key"]), f"{MISSING_FIELD}{missing['note']}")
    return Refusal(path, in_words(message, _CHOICES.get(str(path[-1])) if path else None))
