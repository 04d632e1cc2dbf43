"""Money with a currency and a year: read once, never mixed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING

from supplygraph import facts
from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from typing import TypeGuard

__all__ = ["YEAR", "Money", "dollars"]

#: Amounts without a year are dollars of this one; results count in it.
YEAR = 2025
#: How many dollars a word stands for.
_SCALES = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
_TEXT = re.compile(r"(?P<amount>[-+]?[\d_,]*\.?\d+(?:e[-+]?\d+)?)\s*(?P<scale>[a-z]*)\s*(?P<rest>.*)", re.IGNORECASE)
_REST = re.compile(r"(?P<currency>[A-Za-z]{3})?(?:\s*,?\s*\(?(?P<year>\d{4})\)?)?")
_WEIGHTS = {"t", "kt", "mt", "kg", "tonne", "tonnes", "ton", "tons", "lb"}


@dataclass(frozen=True)
class Money:
    """An amount in one currency at the prices of one year.

    Parameters
    ----------
    amount
        How much; may be negative in sums, never as a budget or a price.
    currency
        ISO 4217 code, ``USD`` by default.
    year
        The year whose prices it is in, 2025 by default.

    Raises
    ------
    DataError
        If the amount is no number, the currency no code of three letters, or the year no year; from sums of two
        currencies or two years.

    Examples
    --------
    >>> loan, private = Money(10e9, year=2026), Money(2e9, year=2026)
    >>> loan + private
    Money(12000000000.0, 'USD', 2026)
    >>> Money(100, year=2022).in_year(2024)
    Money(106.09, 'USD', 2024)
    >>> loan + Money(1e9, "EUR", 2026)
    Traceback (most recent call last):
    supplygraph.errors.DataError: these amounts cannot be added
      - Money: 10,000,000,000 USD of 2026 and 1,000,000,000 EUR of 2026. Change one ...
    """

    amount: float
    currency: str = "USD"
    year: int = YEAR

    def __post_init__(self) -> None:
        problems = []
        if not _is_number(self.amount):
            problems.append(Problem("amount", f"is {self.amount!r}; expected a finite number"))
        if not (isinstance(self.currency, str) and re.fullmatch("[A-Z]{3}", self.currency)):
            what = f"is {self.currency!r}; expected an ISO 4217 code, such as USD"
            problems.append(Problem("currency", what))
        if type(self.year) is not int or not 1900 <= self.year <= 2100:
            problems.append(Problem("year", f"is {self.year!r}; expected the year of the prices, such as {YEAR}"))
        if problems:
            raise DataError("this is no amount of money", problems)
        object.__setattr__(self, "amount", float(self.amount))

    def __add__(self, other: object) -> Money:
        """Add an amount of the same currency and year."""
        if not isinstance(other, Money):
            return NotImplemented
        if (self.currency, self.year) != (other.currency, other.year):
            remedy = "Change one into the other's currency and year first."
            raise DataError("these amounts cannot be added", [Problem("Money", f"{self} and {other}", remedy)])
        return Money(self.amount + other.amount, self.currency, self.year)

    def __repr__(self) -> str:
        return f"Money({round(self.amount, 2)!r}, {self.currency!r}, {self.year})"

    def __str__(self) -> str:
        """Read as an amount, a currency and a year."""
        return f"{self.amount:,.0f} {self.currency} of {self.year}"

    def in_year(self, year: int) -> Money:
        """Return the same purchasing power at the prices of another year (deflator of the GDP of the United States).

        Raises
        ------
        DataError
            If the currency is not the dollar, or the deflator of one of the years is not known.
        """
        index = _deflator()
        problems = [
            Problem("year", f"no deflator of {missing} is bundled; known are {min(index)} to {max(index)}")
            for missing in sorted({self.year, year} - set(index))
        ]
        if self.currency != "USD":
            what = f"is {self.currency}; only the deflator of the dollar is bundled"
            problems.append(Problem("currency", what, "Change it into dollars of its own year first."))
        if problems:
            raise DataError(f"{self} cannot be put into the prices of {year}", problems)
        return Money(self.amount * index[year] / index[self.year], "USD", year)


def dollars(where: str, given: object, problems: list[Problem], *, year: int = YEAR) -> float:
    """Return an amount that a caller gave as dollars of one year; every fault becomes a problem.

    Parameters
    ----------
    where
        The name of the option, for the message.
    given
        A number (dollars of ``year``), :class:`Money`, or a text such as ``"12 bn USD 2026"``.
    problems
        Faults are added here: no number, a weight, another currency, another year, a negative amount.
    year
        The year that the answer counts in.

    Returns
    -------
    float
        Dollars of that year; 0 where there is a problem.

    Examples
    --------
    >>> faults = []
    >>> dollars("budget", "12 bn USD", faults), dollars("budget", "5000 t", faults)
    (12000000000.0, 0.0)
    >>> print(faults[0])
    budget: is '5000 t', a weight; expected dollars of 2025. Give an amount such as 12e9, Money(12e9) or '12 bn USD'.
    """
    expected = f"expected dollars of {year}"
    remedy = f"Give an amount such as 12e9, Money(12e9{'' if year == YEAR else f', year={year}'}) or '12 bn USD'."
    found = _read(given, year)
    if not isinstance(found, Money):
        problems.append(Problem(where, f"is {given!r}{found}; {expected}", remedy))
        return 0.0
    if found.currency != "USD":
        told = f"is in {found.currency} ({found}); {expected}"
        problems.append(Problem(where, told, "Change it at a rate of your choice; no rate is assumed."))
    elif found.year != year:
        told = f"is in the prices of {found.year} ({found}); {expected}"
        change = f"Write Money({found.amount:.10g}, 'USD', {found.year}).in_year({year}) to change it by the deflator."
        problems.append(Problem(where, told, change))
    elif found.amount < 0:
        problems.append(Problem(where, f"is {found.amount:g}; expected at least 0", remedy))
    else:
        return found.amount
    return 0.0


def _read(given: object, year: int) -> Money | str:
    """Return what was given as money, or what is wrong with it in words that follow the value."""
    if isinstance(given, Money):
        return given
    if isinstance(given, str):
        return _text(given.strip(), year)
    return Money(float(given), "USD", year) if _is_number(given) else ""


def _text(given: str, year: int) -> Money | str:
    found = _TEXT.fullmatch(given)
    if found is None:
        return ""
    scale, rest = found["scale"], found["rest"].strip()
    if scale.lower() in _WEIGHTS and scale.lower() not in _SCALES:
        return ", a weight"
    if scale.lower() not in _SCALES:  # the word is the currency
        scale, rest = "", f"{scale} {rest}".strip()
    tail = _REST.fullmatch(rest)
    if tail is None:
        return ", a weight" if rest.split()[0].lower() in _WEIGHTS else ""
    amount = float(found["amount"].replace(",", "").replace("_", "")) * _SCALES[scale.lower()]
    currency = (tail["currency"] or "USD").upper()
    return Money(amount, currency, int(tail["year"] or year)) if math.isfinite(amount) else ""


def _is_number(given: object) -> TypeGuard[float]:
    return type(given) is not bool and isinstance(given, Real) and math.isfinite(given)


@cache
def _deflator() -> dict[int, float]:
    """Return the deflator by year (2017 = 100)."""
    table = facts.read("facts/deflator.csv")
    return {int(year): float(value) for year, value in zip(table["year"], table["deflator_factor"], strict=True)}
