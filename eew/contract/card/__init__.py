"""Help cards: emergency numbers and guidance by region and language, kept on devices since before the earthquake."""

from eew.contract.card.card import all_cards, card_names, load_card

__all__ = ["all_cards", "card_names", "load_card"]
