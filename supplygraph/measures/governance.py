"""Governance and trade attributes of countries, and attributes of materials, that risk indices weigh with.

The governance score of a country is the mean of the six Worldwide Governance Indicators of the World Bank (about -2.5
to 2.5, higher is better). The EU turns it into ``WGI' = 2 x (2.5 - mean)``, from 0 (best) to 10 (worst), and multiplies
it with a trade parameter ``t``: 1 without restriction, above 1 with an export tax, quota or ban, 0.8 for suppliers
inside the EU or with an agreement (European Commission, Methodology for establishing the EU list of critical raw
materials, 2017; Study on the critical raw materials for the EU, 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem
from supplygraph.measures.quantities import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from supplygraph.measures.quantities import Shares

    Floats = NDArray[np.float64]

#: Year of the bundled governance indicators, and of the EU study that the trade parameter is from.
WGI_YEAR, T_YEAR = 2023, 2023
#: The worst governance on the EU's scale.
WORST = 10.0
#: Territories without indicators of their own take those of the state that they belong to.
STANDS_FOR = {"NCL": "FRA", "PYF": "FRA"}
#: Minerals that the EU studies under another name: most magnet rare earth is neodymium.
STUDIED_AS = {"magnet_rare_earths": "neodymium"}
#: The EU looks at two stages: extraction, and processing up to the first product traded.
EU_STAGES = {"mining": "mining", "refining": "refining", "separation": "refining"}
_SIX = ["voice", "stability", "effectiveness", "regulatory", "rule_of_law", "corruption"]
#: No estimate of the World Bank lies farther out.
_FARTHEST = 3.5


def scaled(wgi: Floats) -> Floats:
    """Turn means of the six indicators (-2.5 to 2.5, higher is better) into the EU's scale (0 best, 10 worst).

    Examples
    --------
    >>> scaled(np.array([2.5, 0.0, -2.5])).tolist()
    [0.0, 5.0, 10.0]
    """
    return 2.0 * (2.5 - wgi)


@lru_cache(maxsize=1)
def wgi_by_country() -> Mapping[str, float]:
    """Return the bundled mean of the six indicators by country; territories as :data:`STANDS_FOR` says."""
    table = facts.read("facts/wgi.csv").set_index("country")
    # A country that lacks one of the six has no mean.
    return _with_territories(table[_SIX].mean(axis=1, skipna=False).dropna())


@lru_cache(maxsize=1)
def stability_by_country() -> Mapping[str, float]:
    """Return the bundled estimates of political stability and absence of violence, -2.5 to 2.5, higher is better."""
    return _with_territories(facts.read("facts/wgi.csv").set_index("country")["stability"].dropna())


def _with_territories(scores: pd.Series) -> Mapping[str, float]:
    found = {str(country): float(score) for country, score in scores.items()}
    return {**{own: found[state] for own, state in STANDS_FOR.items() if own not in found}, **found}


@dataclass(frozen=True)
class TradeParameter:
    """The EU's trade parameter of one mineral and stage.

    Attributes
    ----------
    by_country
        The published values.
    restricted
        Countries with a restriction on record and no published value: theirs is not known.
    lowest, highest
        The range of all published values.
    """

    by_country: Mapping[str, float]
    restricted: frozenset[str]
    lowest: float
    highest: float

    def of(self, country: str) -> tuple[float, bool]:
        """Return the value of a country, and whether it is assumed.

        The study lists suppliers only. By its definition ``t`` is 1 where nothing restricts trade, so a country that it
        does not list has 1, unless a restriction is on record.
        """
        if country in self.by_country:
            return self.by_country[country], False
        return (math.nan if country in self.restricted else 1.0), True


@lru_cache(maxsize=64)
def trade_parameter(mineral: str, stage: str) -> TradeParameter | None:
    """Return the bundled trade parameter; missing where the EU has not studied the mineral or stage."""
    table = facts.read("facts/trade_parameter.csv")
    rows = table[(table["mineral"] == STUDIED_AS.get(mineral, mineral))]
    at = EU_STAGES.get(stage)
    known = rows[(rows["stage"] == at) & rows["trade_parameter"].notna()]
    if known.empty:
        return None
    open_rows = rows[rows["restriction_type"].notna() & (rows["stage"].isna() | (rows["stage"] == at))]
    values = table["trade_parameter"].dropna()
    by_country = dict(zip(known["country"], known["trade_parameter"].astype(float), strict=True))
    restricted = frozenset(open_rows["country"]) - set(by_country)
    return TradeParameter(by_country, restricted, float(values.min()), float(values.max()))


@dataclass(frozen=True)
class Weights:
    """What each share is weighed with.

    Attributes
    ----------
    wgi
        Governance on the EU's scale; NaN where it is not known.
    t, t_low, t_high
        Trade parameter and its bounds; missing where it is not asked for.
    rest
        Bounds of the trade parameter of what has no name.
    """

    wgi: Floats
    t: Floats | None = None
    t_low: Floats | None = None
    t_high: Floats | None = None
    rest: tuple[float, float] = (1.0, 1.0)


def weighted(shares: Floats, unknown: float, weights: Weights) -> tuple[float, float, float]:
    """Return the weighted index ``sum S^2 WGI' t`` with its lower and upper bound.

    An unknown weight of a named share makes the index missing; the bounds take it from one end of its range to the
    other. The unnamed rest adds nothing to the index and its lower bound, ``r^2`` times the worst weight to the upper.

    Examples
    --------
    >>> [round(index, 6) for index in weighted(np.array([0.5, 0.4]), 0.1, Weights(np.array([6.0, 2.0])))]
    [1.82, 1.82, 1.92]
    >>> [round(index, 6) for index in weighted(np.array([0.5, 0.4]), 0.1, Weights(np.array([6.0, np.nan])))]
    [nan, 1.5, 3.2]
    """
    square = shares**2
    one = np.ones_like(shares)
    t, low, high = (one if part is None else part for part in (weights.t, weights.t_low, weights.t_high))
    known = math.fsum(square * weights.wgi * t)
    lower = math.fsum(square * np.where(np.isnan(weights.wgi), 0.0, weights.wgi) * low)
    upper = math.fsum(square * np.where(np.isnan(weights.wgi), WORST, weights.wgi) * high)
    return known, lower, upper + unknown**2 * WORST * weights.rest[1]


def of_shares(counted: Shares, wgi: Mapping[str, float], t: Mapping[str, float]) -> tuple[float, float, float]:
    """Return the weighted index of shares by country with its bounds; see :func:`weighted`."""
    raw, trade = (
        np.array([table.get(str(country), math.nan) for country in counted.tonnes.index], dtype=np.float64)
        for table in (wgi, t)
    )
    ends = min(t.values(), default=1.0), max(t.values(), default=1.0)
    low, high = (np.where(np.isnan(trade), end, trade) for end in ends)
    return weighted(counted.shares.to_numpy(), counted.unknown, Weights(scaled(raw), trade, low, high, ends))


def given_wgi(given: pd.Series | Mapping[str, float], name: str = "wgi") -> dict[str, float]:
    """Check governance scores that a user gives: estimates as published, about -2.5 to 2.5, higher is better.

    Raises
    ------
    DataError
        With every score that is no number or not on that scale, and every country that stands twice.
    """
    remedy = "Give the estimates (or their mean) as published: -2.5 to 2.5, higher is better."
    found, problems = _scores(given, name)
    problems += [
        Problem(f"{name}[{country!r}]", f"{score:g} is outside -3.5 to 3.5: already scaled, or a percentile.", remedy)
        for country, score in found.items()
        if abs(score) > _FARTHEST
    ]
    if problems:
        raise DataError("these governance scores cannot be right", problems)
    return found


def given_t(given: pd.Series | Mapping[str, float]) -> dict[str, float]:
    """Check trade parameters that a user gives: 1 without restriction.

    Raises
    ------
    DataError
        With every one that is no number between 0 and 3, and every country that stands twice.
    """
    found, problems = _scores(given, "t")
    problems += [
        Problem(f"t[{country!r}]", f"{value:g} is no trade parameter.", "1 is no restriction; the EU's are 0.8 to 1.3.")
        for country, value in found.items()
        if not 0.0 < value <= 3.0
    ]
    if problems:
        raise DataError("these trade parameters cannot be right", problems)
    return found


def _scores(given: pd.Series | Mapping[str, float], name: str) -> tuple[dict[str, float], list[Problem]]:
    """Return the scores by country, without the missing ones, and what is wrong with them."""
    found: dict[str, float] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for key, value in given.items():
        score = math.nan if value is None else number(value)
        if score is None or math.isinf(score):
            problems.append(Problem(f"{name}[{key!r}]", f"{value!r} is no number.", "Leave out what is not known."))
        elif str(key) in seen:
            problems.append(Problem(f"{name}[{key!r}]", "it stands twice.", "Keep one."))
        elif not math.isnan(score):
            found[str(key)] = score
        seen.add(str(key))
    return found, problems


@dataclass(frozen=True)
class Input:
    """One input of a risk index: value, bounds, and where it is from."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    year: int | None = None
    reference: str = ""
    note: str = ""

    @classmethod
    def exact(cls, value: float, year: int | None = None, reference: str = "", note: str = "") -> Input:
        """Return an input without bounds of its own."""
        return cls(value, value, value, year, reference, note)


def materials() -> list[str]:
    """Return the names of the materials that the bundled table describes."""
    return list(facts.read("facts/materials.csv")["mineral"])


@lru_cache(maxsize=64)
def material(mineral: str) -> Mapping[str, Input]:
    """Return the bundled attributes of a material as fractions; what is not published is missing.

    Keys: ``import_reliance`` (EU), ``eol_rir``, ``si_sr``, ``economic_importance``, ``sr_published``. The years differ,
    see each.
    """
    table = facts.read("facts/materials.csv").set_index("mineral")
    studied = STUDIED_AS.get(mineral, mineral)
    note = "" if studied == mineral else f"{studied} stands for {mineral.replace('_', ' ')}"
    columns = {
        "import_reliance": ("import_reliance_eu", 0.01, "import_reliance_eu_year", "import_reliance_eu_reference"),
        "eol_rir": ("eol_rir", 0.01, "eol_rir_year", "eol_rir_reference"),
        "si_sr": ("si_sr", 1.0, "si_year", "si_reference"),
        "economic_importance": ("economic_importance_eu", 1.0, "", "economic_importance_reference"),
        "sr_published": ("supply_risk_eu_2023", 1.0, "", "supply_risk_reference"),
    }
    if studied not in table.index:
        return {name: Input(note="not in the bundled table of materials") for name in columns}
    row = table.loc[studied].to_dict()
    found = {}
    for name, (column, factor, year, reference) in columns.items():
        value = float(row[column])
        if math.isnan(value):
            found[name] = Input(note="not published")
            continue
        when = int(row[year]) if year else T_YEAR
        found[name] = Input.exact(value * factor, when, str(row[reference]), note)
    return found


@dataclass(frozen=True)
class Supply:
    """Shares of suppliers as the EU's study gives them, with their trade parameter."""

    shares: pd.Series
    t: pd.Series
    year: int
    reference: str


@lru_cache(maxsize=256)
def studied_supply(mineral: str, stage: str, of: str) -> Supply | None:
    """Return the shares of the EU study in world supply (``of="world"``) or in EU supply (``of="EU"``).

    Shares are fractions as published: shares under 0.1 % are left out there, and the lesser suppliers of the EU.
    """
    world = of == "world"
    table = facts.read(f"facts/{'trade_parameter' if world else 'eu_sourcing'}.csv")
    column = "global_supply_share_pct" if world else "share_pct"
    rows = table[(table["mineral"] == STUDIED_AS.get(mineral, mineral)) & (table["stage"] == EU_STAGES.get(stage))]
    rows = rows[rows[column].notna() & rows["trade_parameter"].notna()].set_index("country")
    if rows.empty:
        return None
    year, reference = int(rows["year"].iloc[0]), str(rows["reference"].iloc[0])
    return Supply(rows[column].astype(float) / 100.0, rows["trade_parameter"].astype(float), year, reference)


def missing_table(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Return which figures are missing, for what, and why: columns ``item``, ``reason``, by figure."""
    if not rows:
        return _nothing_missing().copy(deep=False)
    figure, item, reason = zip(*rows, strict=True)
    return pd.DataFrame({"item": item, "reason": reason}, index=pd.Index(figure, name="figure"), dtype="str")


@lru_cache(maxsize=1)
def _nothing_missing() -> pd.DataFrame:
    return pd.DataFrame({"item": [], "reason": []}, index=pd.Index([], name="figure", dtype="str"), dtype="str")
