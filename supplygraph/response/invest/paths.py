"""Demand over the years: bundled paths, a rate, or what the caller says, as multiples of today's."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats

#: Bundled paths, by the scenarios of the International Energy Agency.
PATHS = ("STEPS", "APS", "NZE")


def growth(given: Any, minerals: list[str], years: list[int], base: dict[str, int]) -> dict[str, Floats]:
    """Return demand by mineral in each year as a multiple of today's.

    Parameters
    ----------
    given
        None (as today), a name of ``PATHS``, a yearly rate, a mapping or series of year to multiple, or a mapping of
        mineral to any of these.
    minerals, years
        What is asked for.
    base
        The year of today's demand, by mineral.

    Raises
    ------
    DataError
        If a path is not known for a mineral, or a number is out of range.
    UnknownNameError
        If there is no such path or mineral.
    """
    problems: list[Problem] = []
    if isinstance(given, Mapping) and given and all(isinstance(key, str) for key in given):
        for name in given:
            if name not in minerals:
                raise UnknownNameError.of("mineral in demand", name, minerals)
        each = {mineral: given.get(mineral) for mineral in minerals}
    else:
        each = dict.fromkeys(minerals, given)
    found = {mineral: _one(each[mineral], mineral, years, base[mineral], problems) for mineral in minerals}
    if problems:
        raise DataError("demand cannot be read", problems)
    return found


def _one(given: Any, mineral: str, years: list[int], base: int, problems: list[Problem]) -> Floats:
    if given is None:
        return np.ones(len(years))
    where = f"demand of {mineral}"
    if isinstance(given, str):
        return _bundled(given, mineral, years, base, problems)
    if isinstance(given, Real) and given is not True and given is not False:
        rate = float(given)
        if not (np.isfinite(rate) and rate > -1):
            problems.append(Problem(where, f"is {rate:g}; expected a yearly rate above -1", "0.05 is 5 % a year."))
            return np.ones(len(years))
        return np.array([(1.0 + rate) ** max(year - base, 0) for year in years])
    if isinstance(given, pd.Series | Mapping):
        table = {int(str(year)): float(value) for year, value in given.items()}
        missing = [str(year) for year in years if year not in table]
        bad = [str(year) for year, value in table.items() if not (np.isfinite(value) and value > 0)]
        if missing:
            problems.append(Problem(where, f"says nothing of {', '.join(missing)}", "Give every year of the horizon."))
        if bad:
            problems.append(Problem(where, f"of {', '.join(bad)} is no multiple above 0", "1.2 is 20 % above today."))
        return np.ones(len(years)) if missing or bad else np.array([table[year] for year in years])
    remedy = f"Give a yearly rate, a multiple by year, or one of {', '.join(PATHS)}."
    problems.append(Problem(where, f"is {given!r}, no path", remedy))
    return np.ones(len(years))


def _bundled(name: str, mineral: str, years: list[int], base: int, problems: list[Problem]) -> Floats:
    """Return a published path of total demand, straight in the logarithm between the years told."""
    if name not in PATHS:
        raise UnknownNameError.of("demand path", name, PATHS)
    table = totals(mineral, name)
    if len(table) < 2 or table.index[-1] < years[-1]:
        what = f"no {name} path of total demand to {years[-1]} is bundled"
        problems.append(Problem(f"demand of {mineral}", what, "Give a yearly rate or a multiple by year of your own."))
        return np.ones(len(years))
    known, level = table.index.to_numpy(dtype=float), np.log(table.to_numpy(dtype=float))
    start = np.interp(base, known, level)
    return np.asarray(np.exp(np.interp(years, known, level) - start))


def totals(mineral: str, name: str) -> pd.Series:
    """Return total demand told for a path by year, in tonnes, with what is on record before it.

    Only totals: clean-energy demand alone would grow too fast. Where a year is told several times, the mean.
    """
    rows = facts.read("facts/demand_paths.csv")
    rows = rows[(rows["mineral"] == mineral) & rows["total_demand_t"].notna()].dropna(subset=["year"])
    mine = rows[rows["scenario"].isin([name, "historical"])]
    return mine.groupby(mine["year"].astype(int))["total_demand_t"].mean().sort_index()
