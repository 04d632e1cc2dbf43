"""Price instruments as plain values: floors kept by a levy, tariffs, and contracts for difference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.money import YEAR, dollars
from supplygraph.scenario.alignment import Alignment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.money import Money

    Zone = str | Iterable[str] | tuple[Alignment, str]
    Price = float | str | Money

__all__ = ["Instrument", "OfftakeFloor", "PriceFloor", "Tariff"]

_NO_LEVEL = "No zone floor has been published; the level is yours to give, such as 110000."


@dataclass(frozen=True)
class PriceFloor:
    """A reference price that imports into a zone may not undercut, kept by a variable levy.

    Origins outside the zone pay ``max(0, floor - landed price)`` per tonne, so that nothing lands below the floor;
    members pay none. The landed price has freight and any tariff in it.

    Parameters
    ----------
    product
        The product (id of the network); or a mapping of products to floors, for several stages, without ``usd_t``.
    usd_t
        The floor, USD per tonne of contained metal, at the prices of ``year``; a number, Money or a text.
    zone
        Its countries: codes, or ``(alignment, tier)`` for that tier or better.
    year
        The year that the money of the model counts in.

    Raises
    ------
    DataError
        If a floor is missing, negative, no money or of another currency or year, or the zone is empty.
    UnknownNameError
        If a country code does not exist.

    Examples
    --------
    >>> PriceFloor("magnet_rare_earths-separated", "110000 USD", zone=["USA", "JPN"]).describe()
    'floor of 110,000 USD/t for magnet_rare_earths-separated in JPN and USA'
    >>> PriceFloor("cobalt-refined", -5, zone="USA")
    Traceback (most recent call last):
    supplygraph.errors.DataError: this is no price floor
      - usd_t of cobalt-refined: is -5; expected at least 0. Give an amount such as 12e9, ...
    """

    product: str | Mapping[str, Price]
    usd_t: Price | None = None
    zone: Zone = ()
    year: int = YEAR
    floors: Mapping[str, float] = field(init=False, repr=False, compare=False)
    members: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if isinstance(self.product, Mapping):
            given: dict[str, Any] = dict(self.product)
            if self.usd_t is not None:
                what = "is given beside floors by product"
                problems.append(Problem("usd_t", what, "Give either a product and usd_t, or a mapping of both."))
            if not given:
                problems.append(Problem("product", "is empty; expected floors by product", _NO_LEVEL))
        else:
            given = {str(self.product): self.usd_t}
        floors = {}
        for product, level in given.items():
            if level is None:
                problems.append(Problem(f"usd_t of {product}", "is missing", _NO_LEVEL))
            else:
                floors[product] = dollars(f"usd_t of {product}", level, problems, year=self.year)
        members = countries("zone", self.zone, problems)
        if not members and not any(problem.where == "zone" for problem in problems):
            what = "has no members; expected at least one country"
            problems.append(Problem("zone", what, "Name countries, or a tier: zone=(forge(), 'linked')."))
        if problems:
            raise DataError("this is no price floor", problems)
        object.__setattr__(self, "floors", dict(sorted(floors.items())))
        object.__setattr__(self, "members", members)

    def describe(self) -> str:
        """Say in words what it is."""
        levels = " and ".join(f"{level:,.0f} USD/t for {product}" for product, level in self.floors.items())
        return f"floor of {levels} in {_listed(self.members)}"


@dataclass(frozen=True)
class Tariff:
    """A duty on a product between countries: a share of the landed value, or an amount per tonne, or both.

    Parameters
    ----------
    product
        The product (id of the network).
    rate
        Ad valorem: share of the landed price (freight in it), 0.25 for 25 %.
    usd_t
        Specific: USD per tonne of contained metal.
    importers
        Who levies it: codes or ``(alignment, tier)``; None = every country.
    origins
        Whose goods pay: codes or ``(alignment, tier)``; None = every other country.
    year
        The year that the money of the model counts in.

    Raises
    ------
    DataError
        If neither or a negative duty is given, it is no money, or importers or origins are empty.
    UnknownNameError
        If a country code does not exist.

    Examples
    --------
    >>> Tariff("cobalt-refined", rate=0.25, importers="USA", origins="CHN").describe()
    'tariff of 25 % on cobalt-refined from CHN into USA'
    """

    product: str
    rate: float | None = None
    usd_t: Price | None = None
    importers: Zone | None = None
    origins: Zone | None = None
    year: int = YEAR
    specific: float = field(init=False, repr=False, compare=False)
    into: tuple[str, ...] | None = field(init=False, repr=False, compare=False)
    out_of: tuple[str, ...] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if self.rate is None and self.usd_t is None:
            problems.append(Problem("rate", "is missing, and so is usd_t", "Give rate=0.25 or usd_t=500."))
        if self.rate is not None and not _at_least_zero(self.rate):
            what = f"is {self.rate!r}; expected a share of at least 0"
            problems.append(Problem("rate", what, "25 % is 0.25."))
        specific = 0.0 if self.usd_t is None else dollars("usd_t", self.usd_t, problems, year=self.year)
        sides = {}
        for name in ("importers", "origins"):
            given = getattr(self, name)
            sides[name] = None if given is None else countries(name, given, problems)
            if sides[name] == () and not any(problem.where == name for problem in problems):
                problems.append(Problem(name, "has no countries", "Name countries, or leave it out for all."))
        if problems:
            raise DataError("this is no tariff", problems)
        object.__setattr__(self, "specific", specific)
        object.__setattr__(self, "into", sides["importers"])
        object.__setattr__(self, "out_of", sides["origins"])

    def describe(self) -> str:
        """Say in words what it is."""
        parts = [f"{100 * self.rate:g} %"] if self.rate is not None else []
        parts += [f"{self.specific:,.0f} USD/t"] if self.usd_t is not None else []
        source = "all other countries" if self.out_of is None else _listed(self.out_of)
        target = "every country" if self.into is None else _listed(self.into)
        return f"tariff of {' and '.join(parts)} on {self.product} from {source} into {target}"


@dataclass(frozen=True)
class OfftakeFloor:
    """A contract for difference: a state pays a producer the gap between a strike price and the market.

    Per covered tonne the payer owes ``max(0, usd_t - price)``; above the strike it takes ``upside`` of the difference.

    Parameters
    ----------
    who
        The producer: a process or node of the network, a country (all its producers of the product), or a project.
    product
        What it makes (id of the network).
    usd_t
        The strike, USD per tonne of contained metal.
    volume_t
        Tonnes a year covered; None = all it makes. Of a country: shared in proportion to what each makes today.
    payer
        The country whose state pays; None = the producer's own.
    upside
        Share of the price above the strike that goes to the payer, 0 to 1.
    year
        The year that the money of the model counts in.

    Raises
    ------
    DataError
        If the strike is negative, no money or of another currency or year, or volume or upside are out of range.
    UnknownNameError
        If the payer's code does not exist.

    Examples
    --------
    >>> OfftakeFloor("kokkola", "cobalt-refined", 40_000, volume_t=500, payer="USA").describe()
    'contract for difference at 40,000 USD/t for 500 t of cobalt-refined of kokkola, paid by USA'
    """

    who: str
    product: str
    usd_t: Price
    volume_t: float | None = None
    payer: str | None = None
    upside: float = 0.0
    year: int = YEAR
    strike: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        strike = dollars("usd_t", self.usd_t, problems, year=self.year)
        if self.volume_t is not None and not (_at_least_zero(self.volume_t) and self.volume_t > 0):
            what = f"is {self.volume_t!r}; expected tonnes a year above 0"
            problems.append(Problem("volume_t", what, "Leave it out to cover all that is made."))
        if not (_at_least_zero(self.upside) and self.upside <= 1):
            problems.append(Problem("upside", f"is {self.upside!r}; expected a share from 0 to 1", "30 % is 0.3."))
        if self.payer is not None:
            countries("payer", self.payer, problems)
        if problems:
            raise DataError("this is no contract for difference", problems)
        object.__setattr__(self, "strike", strike)

    def describe(self) -> str:
        """Say in words what it is."""
        much = "all" if self.volume_t is None else f"{self.volume_t:,.0f} t of"
        paid = "its own state" if self.payer is None else self.payer
        what = f"{much} {self.product} of {self.who}"
        return f"contract for difference at {self.strike:,.0f} USD/t for {what}, paid by {paid}"


Instrument = PriceFloor | Tariff | OfftakeFloor


def countries(where: str, given: Any, problems: list[Problem]) -> tuple[str, ...]:
    """Return country codes that were given as one code, several, or a tier of an alignment.

    Raises
    ------
    UnknownNameError
        If a code or a tier does not exist.
    """
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], Alignment):
        return given[0].members(given[1])
    if isinstance(given, Alignment):
        what = "is an alignment without a tier"
        problems.append(Problem(where, what, "Write (alignment, 'linked') or alignment.members('linked')."))
        return ()
    codes = (given,) if isinstance(given, str) else given
    try:
        found = sorted({str(code) for code in codes})
    except TypeError:
        problems.append(Problem(where, f"is {given!r}; expected country codes", "Write zone=['USA', 'JPN']."))
        return ()
    known = set(facts.read("facts/countries.csv")["country"])
    for code in found:
        if code not in known:
            raise UnknownNameError.of("country (ISO 3166-1 alpha-3)", code, known)
    return tuple(found)


def _at_least_zero(given: object) -> bool:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return False
    return math.isfinite(given) and given >= 0


def _listed(codes: tuple[str, ...]) -> str:
    """Join codes for reading; many are counted."""
    if len(codes) > 6:
        return f"{len(codes)} countries"
    return codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} and {codes[-1]}"
