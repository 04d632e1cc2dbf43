"""Numbers and words as short text.

Lists of integers take the letters, digits, ``-`` and ``_`` alone. Each integer is written in base 32, lowest digit
first, one character per digit; a character of the upper half of the alphabet says that more follow. The sign sits in
the lowest bit of those that have one. The reading side is ``Reader`` in ``assets/data.js``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

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
    writer = Writer()
    writer.signed(*numbers)
    return writer.text()


def unpack(text: str) -> list[int]:
    """Return the integers of a packed text.

    Examples
    --------
    >>> unpack("ACBegBnG")
    [0, 1, -1, 15, 16, -100]
    """
    reader, numbers = Reader(text), []
    while not reader.done:
        numbers.append(reader.signed())
    return numbers


class Writer:
    """Writes integers one after the other; the reading side must know which of them have a sign.

    Examples
    --------
    >>> writer = Writer()
    >>> writer.plain(5, 40)
    >>> writer.signed(-3)
    >>> reader = Reader(writer.text())
    >>> reader.plain(), reader.plain(), reader.signed(), reader.done
    (5, 40, -3, True)
    """

    def __init__(self) -> None:
        self._out: list[str] = []

    def plain(self, *numbers: int) -> None:
        """Write integers that are never negative."""
        for number in numbers:
            rest = number
            while rest >= _MORE:
                self._out.append(_ALPHABET[_MORE + rest % _MORE])
                rest //= _MORE
            self._out.append(_ALPHABET[rest])

    def signed(self, *numbers: int) -> None:
        """Write integers of either sign."""
        self.plain(*(number * 2 if number >= 0 else -number * 2 - 1 for number in numbers))

    def text(self) -> str:
        """Return what was written."""
        return "".join(self._out)


class Reader:
    """Reads what a :class:`Writer` wrote, in the same order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self._next >= len(self._text)

    def plain(self) -> int:
        """Return the next integer, one without a sign."""
        value, place = 0, 1
        while True:
            digit = _ALPHABET.index(self._text[self._next])
            self._next += 1
            value += digit % _MORE * place
            place *= _MORE
            if digit < _MORE:
                return value

    def signed(self) -> int:
        """Return the next integer, one with a sign."""
        value = self.plain()
        return -(value + 1) // 2 if value % 2 else value // 2


def short(value: float, digits: int = 3) -> int:
    """Return a quantity of so many digits as one integer: 16 x digits + exponent + 8; zero is 8.

    Examples
    --------
    >>> short(28_712.0), short(0.25), unshort(short(28_712.0))
    (4602, 4005, 28700.0)
    """
    if value == 0 or not math.isfinite(value):
        return _BIAS
    exponent = min(max(-_BIAS, math.floor(math.log10(abs(value))) + 1 - digits), 15 - _BIAS)
    return round(value / 10.0**exponent) * 16 + exponent + _BIAS


def unshort(number: int) -> float:
    """Return the quantity that :func:`short` wrote."""
    return float(f"{number // 16}e{number % 16 - _BIAS}")


def percents(low: float, value: float, high: float) -> tuple[int, int] | None:
    """Return bounds in percent of a value, rounded outward; None where one is missing or the value is nothing.

    Examples
    --------
    >>> percents(455.0, 650.0, 910.0), percents(0.999, 1.0, 1.001), percents(float("nan"), 1.0, 2.0)
    ((70, 140), (99, 101), None)
    """
    if not (math.isfinite(low) and math.isfinite(high)) or value <= 0:
        return None
    # What is whole but for the last bits is whole.
    return max(0, math.floor(round(100 * low / value, 6))), max(0, math.ceil(round(100 * high / value, 6)))


def tonne(value: Any, digits: int = 4) -> float | int | None:
    """Round to so many digits that count; None where missing."""
    number = float(value) if value is not None else math.nan
    if not math.isfinite(number):
        return None
    if number == 0:
        return 0
    rounded = round(number, digits - 1 - math.floor(math.log10(abs(number))))
    return int(rounded) if rounded == int(rounded) else rounded


def same(values: Any, digits: int = 4) -> Any:
    """Write one value per scenario in the shortest of three ways.

    A number: the same in all. A list as long as there are scenarios: one each. A shorter list: today's value, then
    scenario and value in turn wherever it differs.

    Examples
    --------
    >>> same([5, 5, 5]), same([5, 6]), same([5, 5, 7, 5])
    (5, [5, 6], [5, 2, 7])
    """
    rounded = [tonne(value, digits) for value in values]
    changed = [(i, value) for i, value in enumerate(rounded) if value != rounded[0]]
    if not changed:
        return rounded[0]
    sparse = [rounded[0], *(part for pair in changed for part in pair)]
    return sparse if len(sparse) < len(rounded) else rounded


class Words:
    """Texts that many rows share, each written once.

    Examples
    --------
    >>> words = Words()
    >>> [words.number(text) for text in ("CHN", "CHL", "CHN")], words.texts
    ([0, 1, 0], ['CHN', 'CHL'])
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: object) -> int:
        """Return the number of a text; what is no text counts as empty."""
        return self._numbers.setdefault(text if isinstance(text, str) else "", len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """All texts, in the order of their numbers."""
        return list(self._numbers)
