"""Candidate projects: mines, refineries and magnet plants that could be funded, and what is known of them.

``data/facts/projects.csv`` is read with care: what stands on a running plant counts with what it adds, letters of
interest are not money, blanks stay missing, an integrated site has two stages and one capital cost, and one capital
cost told for several products is counted once (``with_project``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.money import YEAR, Money

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COLUMNS", "NEEDED", "checked", "projects"]

#: Columns of the table of projects beside its index ``project``.
COLUMNS = (
    "name", "mineral", "stage", "country", "lon", "lat", "status", "capacity_t", "capex_usd", "capex_low_usd",
    "capex_high_usd", "given_usd", "build_years", "build_low_years", "build_high_years", "ramp_years",
    "start_earliest", "failure", "failure_low", "failure_high", "owner_countries", "with_project", "operator",
    "existing_facility", "basis", "note", "reference", "confidence",
)  # fmt: skip
#: Columns without which a row is no project.
NEEDED = ("mineral", "stage", "country", "capacity_t", "capex_usd", "build_years")
_TEXTS = (
    "name", "mineral", "stage", "country", "status", "owner_countries", "with_project", "operator", "existing_facility",
    "basis", "note", "reference", "confidence",
)  # fmt: skip
_WHOLE = ("build_years", "build_low_years", "build_high_years", "ramp_years")
_DOLLARS = ("capex_usd", "capex_low_usd", "capex_high_usd", "given_usd")
_SHARES = ("failure", "failure_low", "failure_high")
#: Words inside a giver's name that make a sum no money.
_NO_MONEY = re.compile(r"\b(LOI|letter|conditional|non-binding)\b", re.IGNORECASE)
_GIVEN = re.compile(r"^(?P<who>.*)=(?P<sum>[\d.]+)\s*(?P<more>\(.*\))?$")
#: What runs already: a project there counts with what it adds.
_RUNNING = ("operating", "ramp_up")


def projects(mineral: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Return the bundled candidate projects as a tidy frame.

    Parameters
    ----------
    mineral
        One mineral, several, or ``None`` for all.

    Returns
    -------
    pandas.DataFrame
        One row per project and mineral, indexed by ``project``, in order of it. ``capacity_t``: tonnes of contained
        metal a year that the project *adds* (an expansion without what runs there today); missing where nobody
        published it. ``capex_usd`` with ``_low`` and ``_high``: capital cost in dollars of 2025, by the deflator.
        ``given_usd``: public money already given; letters and conditional promises are none. ``build_years`` from the
        decision to first output, ``ramp_years`` from there until full, ``start_earliest`` the year announced.
        ``failure``: chance of never producing. ``with_project``: the row on which a shared capital cost stands.
        ``basis`` says which figures are ours: estimated, not published.

    Raises
    ------
    UnknownNameError
        If no project is about such a mineral.

    Notes
    -----
    Build years and ramps are the plan of the same mineral, stage and country in ``lead_times.csv`` where there is one,
    else the median of the plans for that stage (smallest and largest as bounds). Plans are not outcomes. Chances and
    widths of capital cost go by status (``project_terms.csv``): assumptions beside a few surveys. A rare-earth project
    also has a row for ``magnet_rare_earths`` (``-M``), in tonnes of Nd, Pr, Dy and Tb.

    Examples
    --------
    >>> table = projects("lithium")
    >>> table.loc["PJ-LI-04", ["name", "country", "status"]].tolist(), float(table["capacity_t"]["PJ-LI-04"])
    (['Lionheart Phase 1 (Upper Rhine)', 'DEU', 'construction'], 3970.0)
    >>> int(table["capacity_t"].isna().sum()), int(table["capex_usd"].isna().sum())
    (1, 9)
    """
    table = _table()
    if mineral is not None:
        asked = [mineral] if isinstance(mineral, str) else sorted(set(mineral))
        known = set(table["mineral"])
        for name in asked:
            if name not in known:
                raise UnknownNameError.of("mineral with projects", name, known)
        table = table[table["mineral"].isin(asked)]
    return table.copy()


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    rows = facts.read("facts/projects.csv")
    readings = facts.read("facts/project_readings.csv")
    own = rows[rows["stage"] != "magnet"].merge(
        readings[["project", "mineral", "capacity_factor", "with_project"]], on=["project", "mineral"], how="left"
    )
    magnet = readings[readings["mineral"] == "magnet_rare_earths"]
    other = rows.drop(columns="mineral").merge(
        magnet[["project", "mineral", "capacity_factor", "with_project", "existing_facility"]],
        on="project", suffixes=("", "_read"),
    )  # fmt: skip
    other["existing_facility"] = other["existing_facility"].fillna(other.pop("existing_facility_read"))
    other["with_project"] = other["with_project"].where(other["with_project"].notna(), other["project"])
    # A plant that makes magnets alone has no row of its own among the rare earths.
    alone = ~other["with_project"].isin(own["project"])
    other.loc[alone & (other["with_project"] == other["project"]), "with_project"] = np.nan
    shared = other["with_project"].isin(rows.loc[rows["stage"] == "magnet", "project"])
    other.loc[shared | other["with_project"].eq(other["project"]) & alone, "with_project"] = np.nan
    other["project"] += "-M"
    table = pd.concat([own, other], ignore_index=True)
    table["capacity_factor"] = table["capacity_factor"].fillna(1.0)
    table["basis"] = ""
    table = _added(table)
    table = _money(table)
    table = _terms(table)
    table = _times(table)
    table["start_earliest"] = table["start_year_announced"]
    table["basis"] = table["basis"].str.strip("; ")
    return table.set_index("project").sort_index()[list(COLUMNS)]


def _added(table: pd.DataFrame) -> pd.DataFrame:
    """Count what a project adds to what runs at the same site."""
    plants = facts.read("facts/facilities.csv").set_index("facility")
    today = table["existing_facility"].map(plants["capacity_t"].where(plants["status"].isin(_RUNNING), 0.0)).fillna(0.0)
    expands = (today > 0) & table["capacity_t"].notna()
    added = (table["capacity_t"] - today.where(expands, 0.0)).clip(lower=0.0) * table["capacity_factor"]
    table["capacity_t"] = added.round(6)
    memory = table["capacity_source"].fillna("").str.contains("general knowledge")
    table["basis"] += np.where(memory, "; capacity from memory", "")
    table["basis"] += np.where(expands, "; capacity is what is added to the running plant", "")
    table["basis"] += np.where(table["capacity_factor"] != 1, "; capacity converted into magnet elements", "")
    return table


def _money(table: pd.DataFrame) -> pd.DataFrame:
    """Bring capital cost and money given to dollars of one year."""
    told = zip(table["capex_musd"], table["capex_year"], strict=True)
    table["capex_usd"] = [_in_year(millions, year) for millions, year in told]
    table["given_usd"] = [_given(text) for text in table["public_finance"].fillna("")]
    memory = table["capex_source"].fillna("").str.contains("general knowledge")
    table["basis"] += np.where(memory, "; capital cost from memory", "")
    return table


def _in_year(millions: float, year: float) -> float:
    """Return dollars of the year that answers count in; later years than the deflator knows stay as they are."""
    if not np.isfinite(millions):
        return float("nan")
    told = int(year) if np.isfinite(year) else YEAR
    if told >= YEAR:  # a price level that nobody has measured yet
        return float(millions) * 1e6
    return round(Money(float(millions) * 1e6, "USD", told).in_year(YEAR).amount)


def _given(text: str) -> float:
    """Return the public money in a cell such as ``US DOE loan=2230;US EXIM letter=825 (non-binding)``."""
    total = 0.0
    for part in text.split(";"):
        found = _GIVEN.match(part.strip())
        if found and not _NO_MONEY.search(f"{found['who']} {found['more'] or ''}"):
            total += float(found["sum"]) * 1e6
    return total


def _terms(table: pd.DataFrame) -> pd.DataFrame:
    """Add the chance of failing and the width of the capital cost, by status."""
    terms = facts.read("facts/project_terms.csv").set_index("status")
    status = table["status"]
    for column, name in (("failure", "failure_fraction"), ("failure_low",) * 2, ("failure_high",) * 2):
        table[column] = status.map(terms[name])
    for side in ("low", "high"):
        table[f"capex_{side}_usd"] = table["capex_usd"] * status.map(terms[f"capex_{side}"])
    table["basis"] += "; chance of failing estimated by status"
    return table


def _times(table: pd.DataFrame) -> pd.DataFrame:
    """Add years to build and to ramp up."""
    plans = facts.read("facts/lead_times.csv")
    build = plans.dropna(subset=["years_construction"])
    ramp = plans["ramp_years"].dropna()
    found = []
    for row in table.to_dict("records"):
        mineral = str(row["mineral"]).removeprefix("magnet_")
        same = build[build["stage"] == row["stage"]]
        if same.empty:
            same = build[build["stage"].isin(str(row["stage"]).split(";"))]
        own = same[(same["mineral"] == mineral) & (same["country"] == row["country"])]["years_construction"]
        years = own if len(own) else same["years_construction"]
        low, high = same["years_construction"].min(), same["years_construction"].max()
        found.append(
            (np.ceil(years.median()), np.ceil(low), np.ceil(high), "" if len(own) else "; build years estimated")
        )
    times = pd.DataFrame(
        found, index=table.index, columns=["build_years", "build_low_years", "build_high_years", "told"]
    )
    table[["build_years", "build_low_years", "build_high_years"]] = times.iloc[:, :3]
    table["basis"] += times["told"]
    table["ramp_years"] = np.ceil(ramp.median())
    return table


def checked(given: pd.DataFrame) -> pd.DataFrame:
    """Return a caller's projects in the columns of :func:`projects`, every fault listed.

    Parameters
    ----------
    given
        Indexed by ``project``, or with it as a column; of the other columns ``mineral``, ``stage``, ``country``,
        ``capacity_t``, ``capex_usd`` and ``build_years`` are needed. A missing capacity or capital cost stays missing.
        Left out: failure 0, ramp 0 years, nothing given, capital cost without an interval.

    Raises
    ------
    DataError
        If a column is missing or unknown, an id is doubled, or a number is out of range.

    Examples
    --------
    >>> mine = pd.DataFrame({"project": ["a"], "mineral": ["cobalt"], "stage": ["refining"], "country": ["FIN"],
    ...                      "capacity_t": [-5.0], "capex_usd": [1e8], "build_years": [2]})
    >>> checked(mine)
    Traceback (most recent call last):
    supplygraph.errors.DataError: these projects cannot be right
      - projects row 'a', column `capacity_t`: is -5; expected tonnes a year of at least 0
    """
    problems: list[Problem] = []
    table = _shaped(given, problems)
    if problems:
        raise DataError("these projects cannot be right", problems)
    table = _filled(table)
    problems += [*_number_faults(table), *_text_faults(table)]
    if problems:
        raise DataError("these projects cannot be right", problems)
    return table.sort_index()[list(COLUMNS)]


def _shaped(given: Any, problems: list[Problem]) -> pd.DataFrame:
    if not isinstance(given, pd.DataFrame):
        what = f"is a {type(given).__name__}; expected a frame with a row per project"
        problems.append(Problem("projects", what, "sg.projects() shows its columns."))
        return pd.DataFrame()
    table = given.copy() if given.index.name == "project" else given.reset_index(drop="project" in given.columns)
    if "project" in table.columns:
        table = table.set_index("project")
    if table.index.name != "project":
        problems.append(Problem("projects", "has no column `project`", "Give each row an id."))
    missing = [name for name in NEEDED if name not in table.columns]
    problems += [Problem("projects", f"has no column `{name}`", "sg.projects() shows all columns.") for name in missing]
    for name in table.columns:
        if name not in COLUMNS and name != "index":
            told = UnknownNameError.of("column of projects", name, COLUMNS)
            problems.append(Problem("projects", str(told)))
    names = table.index
    if names.hasnans or names.has_duplicates:
        doubled = ", ".join(sorted({str(name) for name in names[names.duplicated()]}))
        problems.append(
            Problem("projects", f"every row needs an id of its own; doubled or missing: {doubled or 'NaN'}")
        )
    return table


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that may be left out."""
    table = table.reindex(columns=list(COLUMNS))
    table.index = table.index.astype(str)
    for name in _TEXTS:
        table[name] = table[name].astype(object).where(table[name].notna() & (table[name] != ""), None)
    for name in COLUMNS:
        if name not in _TEXTS:
            table[name] = pd.to_numeric(table[name], errors="coerce").where(table[name].notna())
    table["name"] = table["name"].where(table["name"].notna(), table.index.to_series())
    for name, value in (("failure", 0.0), ("ramp_years", 0.0), ("given_usd", 0.0)):
        table[name] = table[name].fillna(value)
    for base in ("capex", "build", "failure"):
        unit = {"capex": "_usd", "build": "_years", "failure": ""}[base]
        for side in ("low", "high"):
            table[f"{base}_{side}{unit}"] = table[f"{base}_{side}{unit}"].fillna(table[f"{base}{unit}"])
    places = facts.read("facts/countries.csv").set_index("country")
    for name in ("lon", "lat"):
        if name in places.columns:
            table[name] = table[name].fillna(table["country"].map(places[name]))
    return table


def _number_faults(table: pd.DataFrame) -> list[Problem]:
    rules = {
        "capacity_t": (0.0, np.inf, "tonnes a year of at least 0"),
        **dict.fromkeys(_DOLLARS, (0.0, np.inf, "dollars of 2025, at least 0")),
        **dict.fromkeys(_WHOLE, (0.0, 100.0, "whole years of at least 0")),
        "start_earliest": (1900.0, 2200.0, "a year such as 2028"),
        **dict.fromkeys(_SHARES, (0.0, 1.0, "a chance from 0 to 1")),
        "lon": (-180.0, 180.0, "degrees east"), "lat": (-90.0, 90.0, "degrees north"),
    }  # fmt: skip
    problems = []
    for name, (low, high, words) in rules.items():
        value = table[name].astype(float)
        whole = (value % 1 != 0) if name in (*_WHOLE, "start_earliest") else False
        bad = value.notna() & ((value < low) | (value > high) | ~np.isfinite(value) | whole)
        problems += [
            Problem(f"projects row {row!r}, column `{name}`", f"is {value[row]:g}; expected {words}")
            for row in table.index[bad]
        ]
    missing = table.index[table["build_years"].isna()]
    told = "is missing; nobody can say when it would produce"
    problems += [Problem(f"projects row {row!r}, column `build_years`", told) for row in missing]
    for base, unit in (("capex", "_usd"), ("failure", ""), ("build", "_years")):
        least, mid, most = (table[f"{base}{side}{unit}"] for side in ("_low", "", "_high"))
        for row in table.index[(least > mid) | (mid > most)]:
            what = f"low {least[row]:g}, {mid[row]:g}, high {most[row]:g} are in no order"
            problems.append(Problem(f"projects row {row!r}, column `{base}{unit}`", what))
    return problems


def _text_faults(table: pd.DataFrame) -> list[Problem]:
    codes = set(facts.read("facts/countries.csv")["country"])
    problems = [
        Problem(f"projects row {row!r}, column `{name}`", "is missing")
        for name in ("mineral", "stage", "country")
        for row in table.index[table[name].isna()]
    ]
    for row, code in table["country"].dropna().items():
        if code not in codes:
            problems.append(
                Problem(f"projects row {row!r}, column `country`", str(UnknownNameError.of("country", code, codes)))
            )
    for row, owners in table["owner_countries"].dropna().items():
        for code in str(owners).split(";"):
            if code not in codes:
                told = str(UnknownNameError.of("country", code, codes))
                problems.append(Problem(f"projects row {row!r}, column `owner_countries`", told))
    return problems
