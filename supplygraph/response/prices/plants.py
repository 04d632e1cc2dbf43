"""Costs of plants: bundled facts, what a caller gives, and plants that do not stand yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.money import YEAR, Money, dollars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.network.network import SupplyNetwork

#: Columns of a frame of projects: needed, and those that may be left out.
NEEDED = ("country", "product", "capacity_t", "cost_usd_t")
OPTIONAL = ("name", "input", "recovery", "cost_low_usd_t", "cost_high_usd_t")
#: Conversion of spodumene that the deposit table's costs include, USD per tonne of carbonate, and t LCE per t Li.
_CONVERSION, _LCE = 2500.0, 5.323
#: Money of the deposit table.
_DEPOSIT_YEAR = 2022
#: Width of a sourced cost without an interval of its own: an assumption.
_WIDTH = 1.25
_LEVELS = ["cost_usd_t", "cost_low_usd_t", "cost_high_usd_t"]


def sourced(net: SupplyNetwork) -> pd.DataFrame:
    """Return costs of plants of a network that a source gives, by process, beside what they pay for their input.

    The network's own ``cost_usd_t`` counts first. Bundled: hard-rock lithium mines with a reported cost
    (``facts/deposit_costs.csv``, less the conversion that it includes, at prices of 2025). What other cost facts
    there are is of plants that do not stand yet, per another unit, or for several stages at once.

    Returns
    -------
    pandas.DataFrame
        Index ``process``: ``cost_usd_t``, ``cost_low_usd_t``, ``cost_high_usd_t``, ``basis``, ``reference``.
    """
    processes = net.processes
    own = processes["cost_usd_t"].dropna()
    rows = pd.DataFrame({
        "cost_usd_t": own, "cost_low_usd_t": own, "cost_high_usd_t": own, "basis": "of the network",
        "reference": processes["reference"].reindex(own.index),
    })  # fmt: skip
    more = _deposits(net)
    both = [frame for frame in (rows, more.drop(index=rows.index, errors="ignore")) if len(frame)]
    return pd.concat(both).sort_index() if both else rows


def _deposits(net: SupplyNetwork) -> pd.DataFrame:
    """Join the deposits to mines by name."""
    table = facts.read("facts/deposit_costs.csv")
    fits = table[(table["resource_type"] == "Hard Rock") & (table["cost_method"] == "reported")]
    cost = (pd.to_numeric(fits["cost_usd_t"]) - _CONVERSION * _LCE).clip(lower=0.0)
    now = Money(1.0, year=_DEPOSIT_YEAR).in_year(YEAR).amount
    by_name = {_plain(name): (float(value) * now, ref) for name, value, ref in zip(
        fits["deposit"], cost, fits["reference"], strict=True)}  # fmt: skip
    processes = net.processes
    mines = processes[(processes["role"] == "extract") & (processes["mineral"] == "lithium")]
    names = mines["node"].map(net.nodes["name"])
    found = {process: by_name[_plain(str(name))] for process, name in names.items() if _plain(str(name)) in by_name}
    values = np.array([value for value, _ in found.values()])
    return pd.DataFrame(
        {"cost_usd_t": values, "cost_low_usd_t": values / _WIDTH, "cost_high_usd_t": values * _WIDTH,
         "basis": "sourced", "reference": [reference for _, reference in found.values()]},
        index=pd.Index(list(found), name="process", dtype="str"),
    )  # fmt: skip


def _plain(name: str) -> str:
    """Reduce a name to its first words in small letters, without what stands in brackets."""
    first = name.split("(", maxsplit=1)[0].split("/", maxsplit=1)[0]
    return "".join(letter for letter in first.lower() if letter.isalnum())


def with_given(net: SupplyNetwork, costs: Mapping[str, Any] | None, found: pd.DataFrame) -> pd.DataFrame:
    """Return costs with those a caller gives, by process or node: one amount or (low, central, high).

    Raises
    ------
    UnknownNameError
        If the network has no such process or node.
    DataError
        If an amount is no money, or an interval is out of order.
    """
    processes = net.processes
    makes = processes[processes["output"].notna() & processes["role"].isin(["extract", "transform"])]
    problems: list[Problem] = []
    table = found.copy()
    for name, given in (costs or {}).items():
        rows = makes.index[(makes.index == name) | (makes["node"] == name)]
        if not len(rows):
            raise UnknownNameError.of("plant in costs", name, {*makes.index, *makes["node"]})
        if len(rows) > 1:
            what = f"has {len(rows)} processes ({', '.join(rows)})"
            problems.append(Problem(f"costs[{name!r}]", what, "Give the cost of each process."))
            continue
        levels = given if isinstance(given, (tuple, list)) else (given, given, given)
        amounts = [dollars(f"costs[{name!r}]", level, problems) for level in levels]
        if len(amounts) != 3 or not amounts[0] <= amounts[1] <= amounts[2]:
            what = f"is {given!r}; expected one amount or (low, central, high) in this order"
            problems.append(Problem(f"costs[{name!r}]", what, "Give USD per tonne of output, beside the input."))
            continue
        values = [amounts[1], amounts[0], amounts[2]]
        table.loc[rows[0], [*_LEVELS, "basis", "reference"]] = [*values, "given", None]
    if problems:
        raise DataError("these costs cannot be used", problems)
    return table.sort_index()


def projects(net: SupplyNetwork, given: pd.DataFrame | None) -> pd.DataFrame:
    """Check a frame of plants that do not stand yet and fill what may be left out.

    ``input`` is by default what plants of the product take here, with their usual recovery; an empty text means that
    the project buys nothing (a mine, or a mine with its own plant).

    Raises
    ------
    DataError
        If columns or numbers are missing or wrong; every problem is listed.
    UnknownNameError
        If the network has no such product.
    """
    if given is None or not len(given):
        return pd.DataFrame(columns=[*NEEDED, *OPTIONAL])
    frame = given.set_index("project") if "project" in given.columns else given.copy()
    problems = [
        Problem(f"projects, column `{column}`", "is missing", f"Needed are {', '.join(NEEDED)}.")
        for column in NEEDED if column not in frame.columns
    ]
    if not frame.index.is_unique:
        problems.append(Problem("projects", "ids are not unique", "Give each project its own `project` id."))
    clash = sorted(set(map(str, frame.index)) & set(net.processes.index))
    if clash:
        problems.append(Problem("projects", f"{', '.join(clash)} is a process of the network", "Choose another id."))
    if problems:
        raise DataError("these are no projects", problems)
    frame = _filled(net, frame, problems)
    if problems:
        raise DataError("these are no projects", problems)
    return frame[[*NEEDED, *OPTIONAL]].sort_index()


def _filled(net: SupplyNetwork, frame: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    """Fill defaults row by row, collecting problems."""
    known = set(facts.read("facts/countries.csv")["country"])
    usual = _usual(net)
    rows = []
    for project, row in frame.iterrows():
        where = f"projects, {project}"
        if row["product"] not in net.products.index:
            raise UnknownNameError.of(f"product of {project}", row["product"], net.products.index)
        if row["country"] not in known:
            raise UnknownNameError.of(f"country of {project}", row["country"], known)
        numbers = {}
        for column in ("capacity_t", "cost_usd_t"):
            numbers[column] = _number(row[column], f"{where}, {column}", problems)
        for column in ("cost_low_usd_t", "cost_high_usd_t"):
            blank = column not in frame.columns or pd.isna(row[column])
            numbers[column] = numbers["cost_usd_t"] if blank else _number(row[column], f"{where}, {column}", problems)
        if not numbers["cost_low_usd_t"] <= numbers["cost_usd_t"] <= numbers["cost_high_usd_t"]:
            problems.append(Problem(where, "has a cost outside its interval", "Order low, central and high."))
        source, recovery = usual.get(row["product"], (None, 1.0))
        if "input" in frame.columns and isinstance(row["input"], str):
            source = row["input"] or None
            if source is not None and source not in net.products.index:
                raise UnknownNameError.of(f"input of {project}", source, net.products.index)
        if "recovery" in frame.columns and not pd.isna(row["recovery"]):
            recovery = _number(row["recovery"], f"{where}, recovery", problems)
        name = row["name"] if "name" in frame.columns and isinstance(row["name"], str) else str(project)
        rows.append({"project": str(project), "country": row["country"], "product": row["product"], "name": name,
                     "input": source, "recovery": recovery, **numbers})  # fmt: skip
    return pd.DataFrame(rows).set_index("project")


def _usual(net: SupplyNetwork) -> dict[str, tuple[str | None, float]]:
    """Return what plants of a product take most of, and its usual recovery."""
    processes = net.processes
    made = processes[(processes["role"] == "transform") & processes["output"].notna()]
    found: dict[str, tuple[str | None, float]] = {}
    for product, rows in made.groupby("output", sort=True):
        source = rows.groupby("input", sort=True)["activity_t"].sum().idxmax()
        recovery = rows.loc[rows["input"] == source, "recovery"].astype("float64").fillna(1.0).median()
        found[str(product)] = (str(source), float(recovery))
    return found


def _number(given: Any, where: str, problems: list[Problem]) -> float:
    if isinstance(given, Money):
        return dollars(where, given, problems)
    is_number = isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)
    if not is_number or not np.isfinite(given) or given < 0:
        what = "is missing" if is_number and np.isnan(given) else f"is {given!r}; expected a number of at least 0"
        problems.append(Problem(where, what, "A blank is not a zero: give the number or leave the project out."))
        return 0.0
    return float(given)
