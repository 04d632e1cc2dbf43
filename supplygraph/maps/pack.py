"""Numbers as short text: lists of integers in the letters, digits, ``-`` and ``_`` alone.

Each integer is written in base 32, lowest digit first, one character per digit; a character of the upper
half of the alphabet says that more follow. The sign sits in the lowest bit. The reading side is
``unpack`` in ``assets/data.js``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_MORE = 32
_BIAS = 8


def pack(numbers: Iterable[int]) -> str:
    """Return the integers as text, in linear time.

    Examples
    --------
    >>> pack([0, 1, -1, 15, 16, -100])
    'ACBegBnG'
    """
    out = []
    for number in numbers:
        rest = number * 2 if number >= 0 else -number * 2 - 1
        while rest >= _MORE:
            out.append(_ALPHABET[_MORE + rest % _MORE])
            rest //= _MORE
        out.append(_ALPHABET[rest])
    return "".join(out)


def unpack(text: str) -> list[int]:
    """Return the integers of a packed text.

    Examples
    --------
    >>> unpack("ACBegBnG")
    [0, 1, -1, 15, 16, -100]
    """
    numbers: list[int] = []
    value, place = 0, 1
    for character in text:
        digit = _ALPHABET.index(character)
        value += digit % _MORE * place
        place *= _MORE
        if digit < _MORE:
            numbers.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, place = 0, 1
    return numbers


def short(value: float) -> int:
    """Return a quantity of three digits as one integer: 16 x digits + exponent + 8; zero is 8.

    Examples
    --------
    >>> short(28_712.0), short(0.25), unshort(short(28_712.0))
    (4602, 4005, 28700.0)
    """
    if value == 0 or not math.isfinite(value):
        return _BIAS
    exponent = max(-_BIAS, math.floor(math.log10(abs(value))) - 2)
    return round(value / 10.0**exponent) * 16 + min(exponent, 15 - _BIAS) + _BIAS


def unshort(number: int) -> float:
    """Return the quantity that :func:`short` wrote."""
    return float(f"{number // 16}e{number % 16 - _BIAS}")
