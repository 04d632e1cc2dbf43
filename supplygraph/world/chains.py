"""The stages of each mineral: which product comes from which, on what statistic, with what recovery.

A chain is rows of ``data/facts/chains.csv``. Product ids are ``<mineral>-mined``, ``-intermediate`` (nickel matte
and mixed hydroxide), ``-smelted`` (copper blister and anode), ``-separated`` (rare earths), ``-refined``, ``-metal``,
``-magnet``, ``-feed`` (coke for synthetic graphite, gallium in liquor) and ``-industrial`` (graphite beside anodes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.network.schema import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How a stage gets its total.
BASES = ("statistic", "next", "country", "onsite", "rest", "same place")
COLUMNS = (
    "mineral", "product", "stage", "order", "input", "feeds", "mixed", "sites", "basis", "statistic_stage", "series",
    "year", "factor", "recovery", "gross_t_per_t", "price_usd_t", "restricted", "note", "reference", "confidence",
)  # fmt: skip
#: Rare earths stand in tonnes of oxide in the facts, magnet rare earths in tonnes of the elements.
OXIDE_TO_ELEMENT = 0.857
#: Nd, Pr, Dy and Tb in the oxides that separation plants make (mean of the deposits, by output).
SHARE_IN_OXIDES = 0.24


@dataclass(frozen=True)
class Feed:
    """One way to make a product (or, with no product, to use one up)."""

    input: str
    feeds: frozenset[str]
    mixed: float
    recovery: float
    note: str


@dataclass(frozen=True)
class Step:
    """One stage: its product (empty for final use), where the total comes from, and its feeds (none: extraction)."""

    mineral: str
    product: str
    stage: str
    order: int
    sites: tuple[str, ...]
    basis: str
    statistic_stage: str
    series: str
    year: int
    factor: float
    restricted: tuple[str, ...]
    banned: tuple[str, ...]
    feeds: tuple[Feed, ...]
    reference: str
    confidence: str
    note: str


@dataclass(frozen=True)
class Chain:
    """All stages of one mineral, first to last."""

    mineral: str
    steps: tuple[Step, ...]
    table: pd.DataFrame

    @property
    def products(self) -> pd.DataFrame:
        """Rows of the products table."""
        made = self.table[self.table["product"].notna()].drop_duplicates("product")
        return made[PRODUCTS.names].sort_values("product", ignore_index=True)

    def makers(self, product: str) -> Step:
        """Return the step that makes a product."""
        return next(step for step in self.steps if step.product == product)

    def takers(self, product: str) -> list[Step]:
        """Return the steps that take a product in."""
        return [step for step in self.steps if any(feed.input == product for feed in step.feeds)]


def minerals() -> list[str]:
    """Return the bundled minerals.

    Examples
    --------
    >>> minerals()[:3]
    ['antimony', 'cobalt', 'copper']
    """
    return sorted(facts.read("facts/chains.csv")["mineral"].unique())


def chain(mineral: str, table: pd.DataFrame | None = None) -> Chain:
    """Return the chain of a mineral.

    Parameters
    ----------
    mineral
        Its name.
    table
        Rows as in ``data/facts/chains.csv``; the bundled ones if missing.

    Raises
    ------
    UnknownNameError
        If there is no chain for that mineral.
    DataError
        If a row lacks a column or source, or names an input that no row makes.

    Examples
    --------
    >>> [step.stage for step in chain("cobalt").steps]
    ['mining', 'refining', 'manufacturing']
    """
    rows = facts.read("facts/chains.csv") if table is None else table
    lacking = [name for name in COLUMNS if name not in rows.columns]
    if lacking:
        raise DataError(
            "the chain cannot be read", [Problem("chain", f"column `{name}` is missing.") for name in lacking]
        )
    mine = rows[rows["mineral"] == mineral]
    if not len(mine):
        raise UnknownNameError.of("mineral", mineral, rows["mineral"].dropna())
    mine = mine.sort_values(["order", "product"], kind="stable", na_position="last").reset_index(drop=True)
    problems = _problems(mine)
    if problems:
        raise DataError(f"the chain of {mineral} cannot be right", problems)
    keys = mine["product"].fillna("use:" + mine["input"].fillna(""))
    return Chain(mineral, tuple(_step(mine[keys == key]) for key in dict.fromkeys(keys)), mine)


def _problems(rows: pd.DataFrame) -> list[Problem]:
    made = set(rows["product"].dropna())
    problems = []
    for number, row in enumerate(rows.to_dict("records"), start=1):
        where = f"chain row {number}"
        if pd.notna(row["input"]) and row["input"] not in made:
            problems.append(Problem(f"{where}, column `input`", f"no row makes {row['input']!r}."))
        if pd.isna(row["input"]) and pd.isna(row["product"]):
            problems.append(Problem(where, "neither a product nor an input is given."))
        if row["basis"] not in BASES:
            problems.append(Problem(f"{where}, column `basis`", f"{row['basis']!r} given, expected one of {BASES}."))
        if pd.isna(row["reference"]):
            problems.append(Problem(f"{where}, column `reference`", "is missing.", "Give every row its source."))
    return problems


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _text(value: object) -> str:
    return "" if _missing(value) else str(value)


def _list(value: object) -> tuple[str, ...]:
    return tuple(part for part in _text(value).split(";") if part)


def _step(rows: pd.DataFrame) -> Step:
    records = rows.to_dict("records")
    first = records[0]
    feeds = tuple(
        Feed(
            str(row["input"]),
            frozenset(_list(row["feeds"])),
            _number(row["mixed"], 1.0),
            _number(row["recovery"], 1.0),
            _text(row["note"]),
        )
        for row in records
        if pd.notna(row["input"])
    )
    return Step(
        str(first["mineral"]),
        _text(first["product"]),
        str(first["stage"]),
        int(first["order"]),
        _list(first["sites"]) or (str(first["stage"]),),
        str(first["basis"]),
        _text(first["statistic_stage"]),
        _text(first["series"]),
        int(first["year"]),
        _number(first["factor"], 1.0),
        _list(first["restricted"]),
        tuple(c for c in _list(first["restricted"]) if banned(str(first["mineral"]), c, int(first["year"]))),
        feeds,
        str(first["reference"]),
        _text(first["confidence"]) or "low",
        " ".join(dict.fromkeys(_text(row["note"]) for row in records if _text(row["note"]))),
    )


def _number(value: object, otherwise: float) -> float:
    return otherwise if _missing(value) else float(str(value))


def restrictions(mineral: str, year: int) -> pd.DataFrame:
    """Return the export restrictions on a mineral in force in part of a year, with their start and end."""
    rows = facts.read("facts/restrictions.csv")
    rows = rows[[mineral.removeprefix("magnet_") in names.split(";") for names in rows["mineral"]]]
    start, end = rows["effective_date"].fillna(rows["date"]), rows["end_date"].fillna("9999")
    rows = rows.assign(start=start, end=end)[(start <= f"{year}-12-31") & (end >= f"{year}-01-01")]
    return rows.sort_values(["country", "start", "product"], ignore_index=True)


def _bans(mineral: str, country: str, year: int, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return from when to when a country kept a mineral from leaving (to anywhere), in that year."""
    rows = restrictions(mineral, year)
    rows = rows[(rows["country"] == country) & (rows["target"] == "ALL") & rows["type"].isin(kinds)]
    return list(zip(rows["start"], rows["end"], strict=True))


def in_force(mineral: str, country: str, year: int) -> bool:
    """Tell whether a ban or quota on exports to all of a mineral was in force in part of a year.

    Examples
    --------
    >>> in_force("cobalt", "COD", 2025), in_force("cobalt", "COD", 2024)
    (True, False)
    """
    return bool(_bans(mineral, country, year, ("ban", "quota")))


def banned(mineral: str, country: str, year: int) -> bool:
    """Tell whether exports of a mineral to all were banned for the whole of a year.

    Examples
    --------
    >>> banned("nickel", "IDN", 2025), banned("cobalt", "COD", 2025)
    (True, False)
    """
    held = _bans(mineral, country, year, ("ban",))
    return any(start <= f"{year}-01-01" and end >= f"{year}-12-31" for start, end in held)


def magnet_facilities(facilities: pd.DataFrame, mined_t: pd.Series[float], composition: pd.DataFrame) -> pd.DataFrame:
    """Return the rare-earth facilities as facilities of magnet rare earths, in tonnes of Nd, Pr, Dy and Tb.

    Parameters
    ----------
    facilities
        Rare-earth rows, tonnes of oxide.
    mined_t
        Closed mine output, tonnes of oxide, by facility: the capacity of a mine here.
    composition
        Columns deposit_type, country, ndpr_fraction, dytb_fraction.

    Notes
    -----
    A mine has the composition of the deposit whose type names it, else of its country and product, else the mean.
    American separation rows are listed as NdPr oxide alone, all other ones as all oxides; metal and magnet rows
    are in oxide equivalents of their NdPr.
    """
    table = facilities[facilities["mineral"] == "rare_earths"].copy()
    mines = table["stage"] == "mining"
    share = [_fraction(row, composition) for row in table[mines].to_dict("records")]
    table.loc[mines, "capacity_t"] = (
        table.loc[mines, "facility"].map(mined_t).to_numpy(dtype=float) * pd.Series(share).to_numpy() * OXIDE_TO_ELEMENT
    )
    oxides = table["stage"] == "separation"
    alone = oxides & table["product"].str.startswith("NdPr", na=False)
    table.loc[oxides & ~alone, "capacity_t"] *= SHARE_IN_OXIDES
    table.loc[table["stage"].isin(["separation", "metal", "magnet"]), "capacity_t"] *= OXIDE_TO_ELEMENT
    table["mineral"] = "magnet_rare_earths"
    return table


_DEPOSITS = {
    "bayan": "Bayan Obo", "maoniuping": "Sichuan", "dalucao": "Sichuan", "mount weld": "Mount Weld",
    "mountain pass": "Mountain Pass", "lovozero": "Lovozero", "serra verde": "Serra Verde", "kachin": "Kachin",
}  # fmt: skip


def _fraction(row: Mapping[Any, Any], composition: pd.DataFrame) -> float:
    """Return the share of Nd, Pr, Dy and Tb in the oxides of a mine."""
    total = composition["ndpr_fraction"] + composition["dytb_fraction"]
    name, made = str(row["name"]).lower(), f"{row['product']} {row['makes']}".lower()
    for word, deposit in _DEPOSITS.items():
        if word in name:
            return float(total[composition["deposit_type"].str.startswith(deposit)].mean())
    if "clay" in made:
        clay = composition["deposit_type"].str.contains("clay") & (composition["country"] == row["country"])
        clay = clay if clay.any() else composition["deposit_type"].str.contains("clay")
        return float(total[clay].mean())
    here = composition["country"] == row["country"]
    if here.any() and row["country"] != "CHN":
        return float(total[here].mean())
    word = "monazite" if "monazite" in made else "bastnaesite"
    return float(total[composition["deposit_type"].str.contains(word)].mean())
