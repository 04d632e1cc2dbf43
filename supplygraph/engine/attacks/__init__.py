"""Attacks: the worst set of failures and the best defence, searched over maximum flows or linear programs."""
