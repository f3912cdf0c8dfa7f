"""The README says first what it is not; that its commands work is seen by test_docs.py."""

from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
HEADS = ("Two commands", "The road of the data", "Three ways to use it", "Figures", "Sources", "Licence")


def test_sections_stand_in_order() -> None:
    """What it is not comes before how it is used, and the licence comes last."""
    text = README.read_text(encoding="utf-8")
    at = [text.index("not a warning service"), *(text.index(f"## {head}") for head in HEADS)]
    assert at == sorted(at)
