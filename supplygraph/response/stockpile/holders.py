"""Who holds a stock, and by which rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, Problem
from supplygraph.scenario import checks

if TYPE_CHECKING:
    from supplygraph.money import Money
    from supplygraph.scenario.checks import Names

__all__ = ["Holder"]

KINDS = ("public", "private", "allied")
PAYERS = ("budget", "users")


@dataclass(frozen=True)
class Holder:
    """A stock with its own rules.

    Parameters
    ----------
    name
        What it is called; unique in one question.
    kind
        ``"public"``, ``"private"`` or ``"allied"``: shown in tables and pictures; the rules are those below.
    countries
        Whose shortfall it serves first and without limit, ISO alpha-3; None = all that the question is about. Its
        place on the map is the first one.
    share
        Most of the shortfall of all other consumers that it may serve, 0 to 1, in every period.
    shares_with
        Those others; None = all of them.
    products
        Products it may hold; None = all in the question.
    opening_t
        Tonnes it holds before the first period, by product. They are neither paid nor charged again.
    upfront, fee
        Share of the value of what is bought, at the price before buying pressure: once, and a year (storage,
        interest). Charged until the end of the horizon, drawn or not.
    paid_by
        Who pays these: ``"budget"``, or ``"users"`` (as manufacturers do in Project Vault).
    refill_months
        Draws must be bought back: after so many months without a shortfall of the product the stock is whole again.
        None = what is drawn is gone.
    release
        Most that it may release in a month, as a share of the monthly demand of all consumers in the question, so
        that releases do not swamp the market; None = no limit.
    most_usd
        Most it may buy, at today's prices; None = what the budget gives.

    Raises
    ------
    DataError
        If a rule is out of range; every problem is listed.

    Examples
    --------
    >>> Holder("vault", "private", countries="USA", refill_months=12, release=0.5).refill_months
    12
    >>> Holder("ally", "allied", countries="JPN", share=30)
    Traceback (most recent call last):
    supplygraph.errors.DataError: the holder 'ally' cannot be read
      - Holder.share: is 30; expected a share from 0 to 1. 0.3 means 30 %.
    """

    name: str
    kind: str = "public"
    countries: Names = None
    share: float = 0.0
    shares_with: Names = None
    products: Names = None
    opening_t: Mapping[str, float] = field(default_factory=dict, hash=False)
    upfront: float = 0.0
    fee: float = 0.0
    paid_by: str = "budget"
    refill_months: int | None = None
    release: float | None = None
    most_usd: float | str | Money | None = None

    @property
    def at(self) -> str | None:
        """The country where it stands on the map."""
        return None if self.countries is None else str(next(iter(self.countries)))

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if not isinstance(self.name, str) or not self.name:
            problems.append(Problem("Holder.name", f"is {self.name!r}; expected a text", ""))
        for name, value, known in (("kind", self.kind, KINDS), ("paid_by", self.paid_by, PAYERS)):
            if value not in known:
                problems.append(Problem(f"Holder.{name}", f"is {value!r}; expected one of {', '.join(known)}", ""))
        for name in ("countries", "shares_with"):
            given = getattr(self, name)
            kept = None if given is None else checks.codes(f"Holder.{name}", _ordered(given), problems)
            object.__setattr__(self, name, kept)
        goods = None if self.products is None else checks.names("Holder.products", self.products, problems)
        object.__setattr__(self, "products", goods)
        _number("share", self.share, 1.0, "0.3 means 30 %.", problems)
        _number("upfront", self.upfront, 1.0, "0.02 means 2 % of the value.", problems)
        _number("fee", self.fee, 1.0, "0.05 means 5 % of the value a year.", problems)
        if self.release is not None:
            _number("release", self.release, float("inf"), "0.5 means half of a month's demand each month.", problems)
        if self.refill_months is not None:
            whole = isinstance(self.refill_months, int) and not isinstance(self.refill_months, bool)
            if not whole or self.refill_months < 1:
                what = f"is {self.refill_months!r}; expected a whole number of months of at least 1"
                problems.append(Problem("Holder.refill_months", what, "Leave it out for a stock that is not refilled."))
        _opening(self.opening_t, problems)
        if problems:
            raise DataError(f"the holder {self.name!r} cannot be read", problems)


def _ordered(given: Any) -> Any:
    return (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)


def _number(name: str, value: Any, most: float, remedy: str, problems: list[Problem]) -> None:
    good = not isinstance(value, bool) and isinstance(value, Real) and 0 <= float(value) <= most
    if not good or value == float("inf"):
        told = "a share from 0 to 1" if most == 1.0 else "a finite number of at least 0"
        problems.append(Problem(f"Holder.{name}", f"is {value!r}; expected {told}", remedy))


def _opening(given: Any, problems: list[Problem]) -> None:
    if not isinstance(given, Mapping):
        what = f"is {given!r}; expected tonnes by product"
        problems.append(Problem("Holder.opening_t", what, 'For example {"cobalt-refined": 300}.'))
        return
    for product, tonnes in given.items():
        good = not isinstance(tonnes, bool) and isinstance(tonnes, Real) and 0 <= float(tonnes) < float("inf")
        if not good:
            what = f"is {tonnes!r}; expected tonnes, a finite number of at least 0"
            problems.append(Problem(f"Holder.opening_t[{product!r}]", what, ""))
