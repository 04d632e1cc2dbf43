"""The question of a stockpile, checked and turned into arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.program import RATIONINGS
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.money import YEAR, dollars
from supplygraph.response.stockpile import paths, values
from supplygraph.response.stockpile.holders import Holder
from supplygraph.response.stockpile.rules import arrays_of, serves
from supplygraph.response.stockpile.shortfalls import Rules, Shortfalls, demand_of, from_network
from supplygraph.scenario import checks
from supplygraph.scenario.alignment import Alignment

if TYPE_CHECKING:
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.stockpile.master import Problem as Arrays
    from supplygraph.response.stockpile.recourse import Floats

MINIMISE = ("loss", "unmet", "days")
RISKS = ("expected", "cvar")
PERIODS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
WORLD = "world"
#: Holders at most: the recursion over who is willing doubles with each.
_HOLDERS = 5


@dataclass(frozen=True)
class Options:
    """The options of :func:`~supplygraph.response.stockpile.stockpile`, as given."""

    budget: Any
    for_: Any = WORLD
    zone: str = "linked"
    holders: Any = None
    products: Any = None
    prices: Any = None
    value: Any = None
    minimise: str = "loss"
    risk: str = "expected"
    level: float = 0.95
    years: int = 5
    period: str = "quarter"
    rationing: str = "proportional"
    ramp: float | None = 0.2
    adjust_months: int = 0
    elasticity: Any = None
    most_share: float = 0.1
    in_shock: str | float = "wait"
    hurdle: float = 0.0
    year: int = YEAR


@dataclass(frozen=True, eq=False)
class Ask:
    """A checked question."""

    net: SupplyNetwork
    options: Options
    holders: tuple[Holder, ...]
    shortfalls: Shortfalls
    arrays: Arrays
    price: Floats
    value_usd: Floats
    elasticity: Floats
    labels: tuple[str, ...]
    sampled: bool
    months: int
    left_out: pd.DataFrame

    @classmethod
    def of(cls, net: SupplyNetwork, scenarios: object, options: Options) -> Ask:
        """Check every option at once, then solve the network for the shortfalls."""
        problems: list[Problem] = []
        _choices(options)
        _numbers(options, problems)
        budget = dollars("budget", options.budget, problems, year=options.year)
        demand = demand_of(net)
        consumers = _consumers(demand, options, problems)
        products = _products(net, demand, options, problems)
        holders = _holders(options, products, consumers, problems)
        most = _caps(holders, options, problems)
        values.check(net, products, options, problems)
        asked = _Asked(net, demand, consumers, products, options)
        found = _shortfalls(asked, scenarios, problems)
        kept, left_out = _short_ones(found.shortfalls, options)
        price = values.prices_of(net, kept.products, options, problems)
        usd = values.value_of(net, kept, price, options, problems)
        elasticity = values.elasticity_of(net, kept.products, options, problems)
        _refuse(problems)
        counted = values.counted(kept, usd, options)
        arrays = arrays_of(
            options, holders, kept, found.chance, price, counted, elasticity, most, budget, PERIODS[options.period]
        )
        return cls(
            net, options, holders, kept, arrays, price, usd, elasticity, found.labels, found.sampled,
            PERIODS[options.period], left_out,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Asked:
    """Whose shortfall of what is asked about."""

    net: SupplyNetwork
    demand: pd.DataFrame
    consumers: tuple[str, ...]
    products: tuple[str, ...]
    options: Options

    @property
    def periods(self) -> int:
        """Steps of the horizon."""
        return -(-self.options.years * 12 // PERIODS[self.options.period])


@dataclass(frozen=True, eq=False)
class _Found:
    """Shortfalls with the chances and names of the scenarios."""

    shortfalls: Shortfalls
    chance: Floats
    labels: tuple[str, ...]
    sampled: bool


def _shortfalls(asked: _Asked, scenarios: object, problems: list[Problem]) -> _Found:
    """Read or compute shortfalls; refuses every problem met so far."""
    options, months = asked.options, PERIODS[asked.options.period]
    earlier: Ask | None = getattr(scenarios, "asked", None)
    if earlier is not None:
        again = _again(earlier, asked, problems)
        _refuse(problems)
        return _Found(again, earlier.arrays.chance, earlier.labels, earlier.sampled)
    if isinstance(scenarios, pd.DataFrame) and paths.is_tonnes(scenarios):
        read = paths.tonnes(
            scenarios, asked.demand, asked.products, asked.consumers, asked.periods, months, problems
        ) if not problems else None  # fmt: skip
        _refuse(problems)
        assert read is not None  # noqa: S101 - without a problem there is an answer
        return _Found(*read, sampled=False)
    drawn = paths.spells(scenarios, problems)
    _refuse(problems)
    assert drawn is not None  # noqa: S101 - without a problem there is an answer
    zone = asked.consumers if options.rationing == "zone_first" else ()
    rules = Rules(asked.periods, months, options.rationing, options.ramp, options.adjust_months, zone)
    found = from_network(asked.net, drawn, asked.products, asked.consumers, rules)
    return _Found(found, drawn.chance, drawn.labels, drawn.sampled)


def _again(earlier: Ask, asked: _Asked, problems: list[Problem]) -> Shortfalls:
    """Return the shortfalls of an earlier answer to the same question, for all or some of its consumers."""
    found, old, new = earlier.shortfalls, earlier.options, asked.options
    # with the zone served first, who else is asked about changes who is short
    some_of_them = set(asked.consumers) <= set(found.consumers) and new.rationing != "zone_first"
    inside = asked.consumers if some_of_them else found.consumers
    same = {
        "network": (earlier.net.fingerprint, asked.net.fingerprint), "for_": (inside, asked.consumers),
        "years": (old.years, new.years), "period": (old.period, new.period),
        "rationing": (old.rationing, new.rationing), "ramp": (old.ramp, new.ramp),
        "adjust_months": (old.adjust_months, new.adjust_months),
    }  # fmt: skip
    for name, (was, now) in same.items():
        if was != now:
            what = f"is {now!r}; the earlier answer was found with {was!r}"
            problems.append(Problem(name, what, "Give the same, or the scenarios themselves instead of the answer."))
    missing = set(asked.products) - set(found.products) - set(earlier.left_out.index)
    if new.products is not None and missing:
        what = f"{', '.join(sorted(missing))} is not in the earlier answer"
        problems.append(Problem("products", what, "Give the scenarios themselves instead of the answer."))
    keep = [g for g, name in enumerate(found.products) if name in asked.products]
    some, at = _some(found, keep), [found.consumers.index(name) for name in asked.consumers if name in found.consumers]
    return replace(some, consumers=asked.consumers, demand=some.demand[:, at],
                   short=tuple(block[:, at] for block in some.short))  # fmt: skip


def _some(found: Shortfalls, keep: list[int]) -> Shortfalls:
    return Shortfalls(
        tuple(found.products[g] for g in keep), found.consumers, found.demand[keep], found.world[keep],
        tuple(found.short[g] for g in keep), found.sets,
    )  # fmt: skip


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise DataError("the stockpile cannot be asked for like this", problems)


def _choices(options: Options) -> None:
    for kind, given, known in (
        ("minimise", options.minimise, MINIMISE), ("risk", options.risk, RISKS), ("period", options.period, PERIODS),
        ("rationing", options.rationing, RATIONINGS),
    ):  # fmt: skip
        if given not in known:
            raise UnknownNameError.of(kind, given, known)


def _numbers(options: Options, problems: list[Problem]) -> None:
    def number(name: str, value: Any, low: float, high: float, remedy: str, *, whole: bool = False) -> None:
        good = not isinstance(value, bool) and isinstance(value, Real) and low <= float(value) <= high
        if not good or (whole and not isinstance(value, int)):
            kind = "a whole number" if whole else "a number"
            problems.append(Problem(name, f"is {value!r}; expected {kind} from {low:g} to {high:g}", remedy))

    number("level", options.level, 0.0, 0.999, "0.95 looks at the worst 5 %.")
    number("years", options.years, 1, 30, "5 is a good start.", whole=True)
    number("adjust_months", options.adjust_months, 0, 120, "0: rerouted at once.", whole=True)
    number("most_share", options.most_share, 1e-6, 1.0, "0.1: a tenth of what the world uses.")
    number("hurdle", options.hurdle, 0.0, 1e6, "0.1: a dollar must save ten cents at least.")
    if options.ramp is not None:
        number("ramp", options.ramp, 0.0, 1e6, "0.2 means +20 %; None means up to capacity.")
    if options.in_shock != "wait":
        number("in_shock", options.in_shock, 0.0, 100.0, "'wait' for calm, or 0.5: pay 50 % more.")


def _consumers(demand: pd.DataFrame, options: Options, problems: list[Problem]) -> tuple[str, ...]:
    """Return whose shortfall counts."""
    given, here = options.for_, [str(name) for name in demand.columns]
    before = len(problems)
    if isinstance(given, Alignment):
        wanted: tuple[str, ...] = given.members(options.zone)
        told = f"no country of tier {options.zone} or better uses anything here"
    elif isinstance(given, str) and given == WORLD:
        wanted, told = tuple(here), "nothing is used here"
    else:
        wanted = checks.codes("for_", given, problems)
        told = f"{', '.join(wanted) or 'nobody'}: no final use of any of these products in this network"
    found = tuple(name for name in here if name in wanted)
    if not found and len(problems) == before:
        problems.append(Problem("for_", told, f"Countries with demand here: {', '.join(here)}."))
    return found


def _products(
    net: SupplyNetwork, demand: pd.DataFrame, options: Options, problems: list[Problem]
) -> tuple[str, ...]:
    here = [str(name) for name in demand.index]
    if options.products is None:
        return tuple(here)
    chosen = checks.names("products", options.products, problems)
    for name in chosen:
        if name in here:
            continue
        if name in net.products.index:
            what = f"{name!r} is not what final users take, so a tonne of it serves nobody directly"
            problems.append(Problem("products", what, f"Hold one of {', '.join(here)}."))
        else:
            problems.append(Problem("products", str(UnknownNameError.of("product", name, here)), ""))
    return tuple(name for name in here if name in chosen)


def _holders(
    options: Options, products: tuple[str, ...], consumers: tuple[str, ...], problems: list[Problem]
) -> tuple[Holder, ...]:
    given = options.holders
    if given is None:
        return (Holder("stock"),)
    listed = tuple(given) if isinstance(given, Iterable) else (given,)
    if not listed or not all(isinstance(one, Holder) for one in listed):
        problems.append(Problem("holders", f"is {given!r}; expected one or several Holders", 'Holder("reserve").'))
        return ()
    if len(listed) > _HOLDERS:
        what = f"names {len(listed)} holders; expected at most {_HOLDERS}"
        problems.append(Problem("holders", what, "Join those with the same rules."))
    names = [one.name for one in listed]
    problems += [
        Problem("holders", f"{name!r} stands there {names.count(name)} times", "Give each a name of its own.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    for one in listed:
        problems += [
            Problem(f"holder {one.name}", str(UnknownNameError.of("product", product, products)), "")
            for product in (*(one.products or ()), *one.opening_t) if product not in products
        ]  # fmt: skip
        if consumers and not serves(one, consumers).any():
            what = f"serves none of {', '.join(consumers[:8])}"
            problems.append(Problem(f"holder {one.name}", what, "Give countries= among them, or share= above 0."))
    return listed


def _caps(holders: tuple[Holder, ...], options: Options, problems: list[Problem]) -> Floats:
    """Return what each holder may buy at most, in USD."""
    return np.array([
        np.inf if one.most_usd is None
        else dollars(f"holder {one.name}: most_usd", one.most_usd, problems, year=options.year) for one in holders
    ])  # fmt: skip


def _short_ones(found: Shortfalls, options: Options) -> tuple[Shortfalls, pd.DataFrame]:
    """Keep the products that are ever short, or asked for by name; say why the others are left out."""
    keep = [g for g, block in enumerate(found.short) if options.products is not None or block.any()]
    keep = keep or list(range(len(found.short)))
    gone = [name for g, name in enumerate(found.products) if g not in keep]
    table = pd.DataFrame(
        {"reason": ["no scenario makes it short for those asked about, so a stock of it would lie idle"] * len(gone)},
        index=pd.Index(gone, name="product", dtype="str"),
    )
    return _some(found, keep), table
