"""Moved to supplygraph.money; this name goes before the release."""

from supplygraph.money import YEAR, Money, dollars

__all__ = ["YEAR", "Money", "dollars"]
