"""Complementarity: who makes, moves and buys what at which price, with levies and contracts that switch on and off."""
