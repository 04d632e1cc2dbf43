"""Reading what the caller gave: horizon, money, scenarios, shares; every fault becomes a problem."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import Problem
from supplygraph.money import YEAR, dollars
from supplygraph.response.invest.case import Danger
from supplygraph.scenario.shock import Shock

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats
    from supplygraph.scenario.agreements import Agreements
    from supplygraph.scenario.alignment import Alignment

#: What capacity outside the projects does while demand grows.
EXISTING = ("keeps_pace", "today")
#: How chance enters: capacity times its chance, or draws of success.
FAILURES = ("expected", "draws")
#: Whose country a plant counts for.
BY = ("territory", "owner")


@dataclass(frozen=True)
class Options:
    """The options of :func:`supplygraph.invest`, as given."""

    objective: str
    loss_at_most: float | None
    hhi_at_most: float | None
    frontier: tuple[str, str] | None
    points: int
    scenarios: Any
    demand: Any
    existing: str
    for_: Any
    value: Any
    share: float
    funder: str | None
    agreements: Agreements | Alignment | None
    committed: tuple[str, ...]
    fill_capex: bool
    failures: str
    draws: int
    seed: int
    by: str
    ramp: float | None
    discount: float
    gap: float
    time_limit: float


def years_of(given: Any, problems: list[Problem]) -> list[int]:
    """Return the years of a horizon: ``(2026, 2035)``, ``"2026-2035"`` or a range."""
    remedy = 'Give the first and the last year, such as horizon=(2026, 2035) or "2026-2035".'
    if isinstance(given, str):
        found = re.fullmatch(r"\s*(\d{4})\s*[-–:]\s*(\d{4})\s*", given)
        ends: list[Any] = [int(found[1]), int(found[2])] if found else []
    elif isinstance(given, Iterable):
        ends = list(given)
    else:
        ends = []
    whole = all(isinstance(year, (int, np.integer)) and not isinstance(year, bool) for year in ends)
    if len(ends) < 2 or not whole or ends != sorted(ends) or not 1900 <= ends[0] <= ends[-1] <= 2200:
        problems.append(Problem("horizon", f"is {given!r}; expected first and last year", remedy))
        return [2026, 2026]
    if ends[-1] - ends[0] >= 60:
        problems.append(Problem("horizon", f"has {ends[-1] - ends[0] + 1} years; at most 60 can be asked for", remedy))
    return list(range(int(ends[0]), int(ends[-1]) + 1))


def money_of(given: Any, years: list[int], problems: list[Problem]) -> tuple[float, Floats]:
    """Return the budget in all and by year, in dollars; infinite where there is no limit."""
    yearly = np.full(len(years), np.inf)
    if given is None:
        return np.inf, yearly
    if isinstance(given, Mapping):
        yearly = np.zeros(len(years))
        for year, amount in given.items():
            if year not in years:
                what = f"names {year!r}, which is not in {years[0]} to {years[-1]}"
                problems.append(Problem("budget", what, "Give amounts by year of the horizon."))
            else:
                yearly[years.index(year)] = dollars(f"budget of {year}", amount, problems, year=YEAR)
        return np.inf, yearly
    return dollars("budget", given, problems, year=YEAR), yearly


def dangers_of(given: Any, default: Danger | None, problems: list[Problem]) -> list[Danger]:
    """Return the scenarios, with what remains of the year's chance for none."""
    if given is None:
        return [default] if default is not None else [Danger("no shock", None, 1.0)]
    if isinstance(given, Shock):
        return [Danger(given.describe(), given, 1.0)]
    found = []
    remedy = 'Give {"China stops": (sg.Shock.close(country="CHN", stage="refining"), 0.05)}.'
    if not isinstance(given, Mapping):
        problems.append(Problem("scenarios", f"is {given!r}; expected a mapping of name to (shock, chance)", remedy))
        return []
    for name in sorted(given, key=str):
        entry = given[name]
        if not (isinstance(entry, (tuple, list)) and len(entry) == 2 and isinstance(entry[0], (Shock, type(None)))):
            what = f"is {entry!r}; expected a shock and its chance in any one year"
            problems.append(Problem(f"scenarios[{name!r}]", what, remedy))
            continue
        chance = entry[1]
        if not (_number(chance) and 0 <= chance <= 1):
            problems.append(
                Problem(f"scenarios[{name!r}]", f"has the chance {chance!r}; expected 0 to 1 a year", remedy)
            )
            continue
        found.append(Danger(str(name), entry[0], float(chance)))
    rest = 1.0 - sum(danger.chance for danger in found)
    if rest < -1e-9:
        what = f"have chances of {1 - rest:g} in all; in any one year at most one of them happens"
        problems.append(Problem("scenarios", what, "Lower them, or add shocks that come together with +."))
    if rest > 1e-9 and found:
        found.append(Danger("no shock", None, rest))
    return found or [Danger("no shock", None, 1.0)]


def check(options: Options, problems: list[Problem]) -> None:
    """Add a problem for every option out of range."""
    ranges = {
        "share": (options.share, 0.0, 1.0, "the share of capital cost that public money pays, 0 to 1"),
        "discount": (options.discount, -0.5, 1.0, "a yearly rate; 0.05 is 5 %"),
        "gap": (options.gap, 0.0, 1.0, "a relative gap of at least 0"),
        "time_limit": (options.time_limit, 0.0, np.inf, "seconds"),
        "loss_at_most": (options.loss_at_most, 0.0, np.inf, "expected loss over the horizon, at least 0"),
        "hhi_at_most": (options.hhi_at_most, 0.0, 1.0, "a mean HHI, 0 to 1"),
    }  # fmt: skip
    for name, (value, low, high, words) in ranges.items():
        if value is not None and not (_number(value, finite=name != "time_limit") and low <= value <= high):
            problems.append(Problem(name, f"is {value!r}; expected {words}"))
    for name, value, least in (("points", options.points, 2), ("draws", options.draws, 1), ("seed", options.seed, 0)):
        if not (isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least):
            problems.append(Problem(name, f"is {value!r}; expected a whole number of at least {least}"))
    if options.agreements is not None and options.funder is None:
        what = "are given, but nobody who pays"
        problems.append(Problem("agreements", what, 'Give funder="USA" (or another country), or leave agreements out.'))


def _number(value: object, *, finite: bool = True) -> bool:
    if value is True or value is False or not isinstance(value, Real):
        return False
    return not finite or math.isfinite(float(value))
