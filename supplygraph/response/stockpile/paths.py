"""Scenarios as callers give them: drawn outages, a table of disruptions, or a table of shortfalls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import Problem, UnknownNameError
from supplygraph.response.stockpile.shortfalls import UNNAMED, Shortfalls, Spells
from supplygraph.scenario.outages import Outages
from supplygraph.scenario.shock import Shock

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Columns of a table of disruptions: one row a scenario.
EVENTS = ("shock", "probability", "start", "months")
#: Columns of a table of shortfalls: one row a scenario, product and month.
TONNES = ("scenario", "product", "month", "shortfall_t")
_CALM = "nothing happens"


def is_tonnes(given: object) -> bool:
    """Tell whether scenarios are tables of tonnes."""
    return isinstance(given, pd.DataFrame) and "shortfall_t" in given.columns


def spells(given: object, problems: list[Problem]) -> Spells | None:
    """Return disruptions by path; every fault becomes a problem."""
    if isinstance(given, Outages):
        return _drawn(given)
    if isinstance(given, Mapping):
        rows = {str(name): _row(name, row, problems) for name, row in given.items()}
        given = pd.DataFrame.from_dict(rows, orient="index", columns=list(EVENTS))
    if not isinstance(given, pd.DataFrame):
        what = f"is {given!r}; expected outages(net), a mapping or a table of disruptions, or a table of shortfalls"
        problems.append(Problem("scenarios", what, "Start with outages(net, 1000)."))
        return None
    return _listed(given, problems)


def _drawn(given: Outages) -> Spells:
    rows = given.paths
    shocks: list[Shock] = []
    first = {}
    for one in given.hazards:
        first[one.name] = len(shocks)
        shocks += one.shocks
    number = rows["hazard"].map(first).to_numpy(dtype=np.int64) + rows["variant"].to_numpy(dtype=np.int64)
    names = [one.name for one in given.hazards for _ in one.shocks]
    return Spells(
        tuple(names), tuple(shocks), rows.index.to_numpy(dtype=np.int64), number,
        rows["start_month"].to_numpy(dtype=np.int64), rows["months"].to_numpy(dtype=np.int64),
        np.full(given.n, 1.0 / given.n), tuple(f"path {k}" for k in range(given.n)), sampled=True,
    )  # fmt: skip


def _row(name: object, given: object, problems: list[Problem]) -> tuple[Any, ...]:
    if isinstance(given, Mapping):
        problems += [
            Problem(f"scenarios[{name!r}]", str(UnknownNameError.of("field", key, EVENTS)), "")
            for key in given if key not in EVENTS
        ]  # fmt: skip
        return tuple(given.get(key) for key in EVENTS)
    what = f"is {given!r}; expected fields {', '.join(EVENTS)}"
    problems.append(Problem(f"scenarios[{name!r}]", what, 'Write {"shock": shock, "probability": 0.1, "months": 12}.'))
    return (None,) * len(EVENTS)


def _listed(table: pd.DataFrame, problems: list[Problem]) -> Spells | None:
    """Read one scenario a row; what is left of probability 1 is a scenario in which nothing happens."""
    missing = [name for name in ("shock", "probability", "months") if name not in table]
    if missing:
        what = f"lacks {', '.join(f'`{name}`' for name in missing)}; columns are {', '.join(map(str, table.columns))}"
        problems.append(Problem("scenarios", what, f"Give {', '.join(EVENTS)} (months count from 0)."))
        return None
    if not len(table):
        problems.append(Problem("scenarios", "has no row", "Give at least one disruption."))
        return None
    before = len(problems)
    names = [str(name) for name in table.get("scenario", table.index)]
    problems += [
        Problem("scenarios", f"{name!r} stands there {names.count(name)} times", "Give each scenario a name.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    chance = _numbers(table["probability"], "probability", names, 0.0, 1.0, problems)
    start = np.zeros(len(table)) if "start" not in table else table["start"].fillna(0.0)
    first = _numbers(pd.Series(start), "start", names, 0.0, 1200.0, problems, whole=True)
    months = _numbers(table["months"], "months", names, 1.0, 1200.0, problems, whole=True)
    for name, shock in zip(names, table["shock"], strict=True):
        if not isinstance(shock, Shock):
            what = f"is {shock!r}; expected a Shock"
            problems.append(Problem(f"scenarios, {name}, `shock`", what, "Make one with Shock.close(...)."))
    total = float(chance.sum())
    if len(problems) == before and not 0 < total <= 1 + 1e-9:
        what = f"probabilities sum to {total:.6g}; expected above 0 and at most 1"
        problems.append(Problem("scenarios", what, "They exclude each other; what is left of 1 is: nothing happens."))
    if len(problems) > before:
        return None
    order = sorted(range(len(names)), key=names.__getitem__)
    chance, labels = chance[order], [names[k] for k in order]
    rest = max(1.0 - total, 0.0)
    if rest > 1e-12:
        chance, labels = np.append(chance, rest), [*labels, _CALM]
    shocks = tuple(table["shock"].iloc[k] for k in order)
    at = np.arange(len(order))
    return Spells(
        tuple(names[k] for k in order), shocks, at, at, first[order].astype(np.int64),
        months[order].astype(np.int64), chance / chance.sum(), tuple(labels), sampled=False,
    )  # fmt: skip


def _numbers(
    given: pd.Series, column: str, names: Sequence[str], low: float, high: float, problems: list[Problem],
    *, whole: bool = False,
) -> np.ndarray:
    found = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(found) & (found >= low) & (found <= high))
    if whole:
        bad |= np.where(np.isfinite(found), found != np.floor(found), True)
    kind = "a whole number" if whole else "a number"
    for place in np.flatnonzero(bad):
        what = f"is {given.tolist()[place]!r}; expected {kind} from {low:g} to {high:g}"
        problems.append(Problem(f"scenarios, {names[int(place)]}, `{column}`", what, ""))
    return np.where(bad, low, found)


def tonnes(
    table: pd.DataFrame, demand: pd.DataFrame, products: Sequence[str], consumers: Sequence[str], periods: int,
    months: int, problems: list[Problem],
) -> tuple[Shortfalls, np.ndarray, tuple[str, ...]] | None:
    """Read a table of shortfalls: columns ``scenario``, ``product``, ``month`` (from 0), ``shortfall_t``.

    Optional: ``country`` (whose; needed where there are several consumers) and ``probability`` (of the scenario, the
    same in all its rows; without it all scenarios are as likely as each other).
    """
    missing = [name for name in TONNES if name not in table]
    if missing or not len(table):
        what = f"lacks {', '.join(f'`{name}`' for name in missing)}" if missing else "has no row"
        problems.append(Problem("scenarios", what, f"Give {', '.join(TONNES)}, and `probability` where they differ."))
        return None
    before = len(problems)
    rows = [f"row {place}" for place in range(len(table))]
    amount = _numbers(table["shortfall_t"], "shortfall_t", rows, 0.0, float("1e15"), problems)
    month = _numbers(table["month"], "month", rows, 0.0, float(periods * months - 1), problems, whole=True)
    good = pd.Index(list(products)).get_indexer(pd.Index(table["product"].astype("str")))
    problems += [
        Problem("scenarios, `product`", str(UnknownNameError.of("product", name, products)), "")
        for name in sorted(set(table["product"].astype("str")[good < 0]))
    ]
    who = np.zeros(len(table), dtype=np.int64)
    if "country" in table:
        who = pd.Index(list(consumers)).get_indexer(pd.Index(table["country"].fillna(UNNAMED).astype("str")))
        problems += [
            Problem("scenarios, `country`", str(UnknownNameError.of("consumer", name, consumers)), "")
            for name in sorted(set(table["country"].fillna(UNNAMED).astype("str")[who < 0]))
        ]
    elif len(consumers) > 1:
        what = f"has no `country`, and the question is about {len(consumers)} consumers"
        problems.append(Problem("scenarios", what, "Say whose shortfall each row is, or ask about one country."))
    labels = sorted(set(table["scenario"].astype("str")))
    chance = _chances(table, labels, problems)
    if len(problems) > before:
        return None
    if chance.sum() < 1 - 1e-9:
        chance, labels = np.append(chance, 1.0 - chance.sum()), [*labels, _CALM]
    path = pd.Index(labels).get_indexer(pd.Index(table["scenario"].astype("str")))
    short = []
    for g in range(len(products)):
        block = np.zeros((periods, len(consumers), len(labels)))
        mine = good == g
        np.add.at(block, (month[mine].astype(np.int64) // months, who[mine], path[mine]), amount[mine])
        short.append(block)
    wanted = demand.reindex(index=list(products), columns=list(consumers), fill_value=0.0).to_numpy(dtype=np.float64)
    world = demand.sum(axis=1).reindex(list(products)).to_numpy(dtype=np.float64)
    found = Shortfalls(tuple(products), tuple(consumers), wanted, world, tuple(short), 0)
    return found, chance / chance.sum(), tuple(labels)


def _chances(table: pd.DataFrame, labels: list[str], problems: list[Problem]) -> np.ndarray:
    if "probability" not in table:
        return np.full(len(labels), 1.0 / len(labels))
    scenario = table["scenario"].astype("str")
    given = pd.to_numeric(table["probability"], errors="coerce")
    found = given.groupby(scenario).agg(["min", "max"]).reindex(labels)
    low, high = found["min"].to_numpy(dtype=np.float64), found["max"].to_numpy(dtype=np.float64)
    for name, least, most in zip(labels, low, high, strict=True):
        if not (0 < least <= 1) or least != most:
            what = f"is {least:g} to {most:g}; expected one number above 0 and at most 1 in all its rows"
            problems.append(Problem(f"scenarios, {name}, `probability`", what, ""))
    if not problems and low.sum() > 1 + 1e-9:
        what = f"probabilities sum to {low.sum():.6g}; expected at most 1"
        problems.append(Problem("scenarios", what, "What is left of 1 is: nothing happens."))
    return low
