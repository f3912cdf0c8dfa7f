"""What is said to people, by language: templates are data, the lengths are those of cell broadcast; free of numpy."""

from eew.contract.text.alert import SHAKING_S, event_texts, own_text
from eew.contract.text.language import LANGUAGES
from eew.contract.text.length import LONG, SHORT, length

__all__ = ["LANGUAGES", "LONG", "SHAKING_S", "SHORT", "event_texts", "length", "own_text"]
