"""Concentration: how much of a stage lies in few hands.

With the shares ``S`` of countries (owners, sites) in a stage, the Herfindahl-Hirschman index is
``HHI = sum S^2``, in (0, 1]; ``1 / HHI`` is the effective number of suppliers. A rest ``r`` of
unknown origin adds nothing to it and between nothing and ``r^2`` to the truth, because it comes
from places that are not among the named ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import stages, tracing
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Hashable

    from supplygraph.network.network import SupplyNetwork

#: Keys of a plain table that mean "unnamed rest of the world".
REST_KEYS = ("OTH", "OTHER", "REST", "ROW")
#: Keys that mean a sum over the others: counted as one country they would double the total.
_TOTALS = ("WLD", "WORLD", "TOTAL", "SUM", "ALL", "GRAND TOTAL", "WORLD TOTAL")


@dataclass(frozen=True)
class Shares:
    """The numbers behind a concentration: named tonnes, their total with the rest, the index."""

    tonnes: pd.Series
    total: float

    @property
    def shares(self) -> pd.Series:
        """Shares of the named, of the whole."""
        return self.tonnes / self.total

    @property
    def unknown(self) -> float:
        """Share of unknown origin."""
        return max(0.0, 1.0 - math.fsum(self.shares))

    @property
    def hhi(self) -> float:
        """The known part of the index."""
        return math.fsum(self.shares**2)

    @property
    def hhi_high(self) -> float:
        """The index if the whole unknown rest were one place of its own."""
        return self.hhi + self.unknown**2


class ConcentrationResult(Result):
    """Concentration of one stage.

    ``table`` has one row per country (owner, node): ``quantity_t``, ``share``, ``rank``.
    """

    @property
    def hhi(self) -> float:
        """Herfindahl-Hirschman index, 0 to 1; the unknown rest adds nothing."""
        return float(self.figures["hhi"])

    @property
    def hhi_low(self) -> float:
        """Lower bound of the index: the unknown rest is spread thinly."""
        return float(self.figures["hhi_low"])

    @property
    def hhi_high(self) -> float:
        """Upper bound of the index: the unknown rest is one place."""
        return float(self.figures["hhi_high"])

    @property
    def effective_n(self) -> float:
        """Effective number of suppliers, 1 / HHI."""
        return float(self.figures["effective_n"])

    @property
    def top1(self) -> float:
        """Share of the largest."""
        return float(self.figures["top1"])

    @property
    def top3(self) -> float:
        """Share of the three largest."""
        return float(self.figures["top3"])

    @property
    def n_minus_1(self) -> float:
        """Supply left without the largest supplier, over demand."""
        return float(self.figures["n_minus_1"])

    @property
    def unknown_share(self) -> float:
        """Share of unknown origin."""
        return float(self.figures["unknown_share"])


def concentration(
    what: SupplyNetwork | pd.Series | Mapping[str, float],
    *,
    stage: str = "refining",
    by: str = "country",
    weight: str = "production",
) -> ConcentrationResult:
    """Measure how concentrated a stage is.

    Parameters
    ----------
    what
        A network with one mineral in the stage, or plain tonnes by ISO alpha-3 code, in which
        ``OTH`` or a missing key is the unnamed rest.
    stage
        ``mining``, ``refining``, ... ; ``refining`` means separation where nothing else refines.
    by
        ``"country"`` (where the sites stand), ``"owner"`` (countries of their owners) or ``"node"``.
    weight
        ``"production"`` (tonnes made) or ``"demand"`` (tonnes of final demand by their last process
        of the stage).

    Returns
    -------
    ConcentrationResult
        Table indexed by country (owner, node) with ``quantity_t``, ``share``, ``rank``; and
        ``hhi``, ``hhi_low``, ``hhi_high``, ``effective_n``, ``top1``, ``top3``, ``n_minus_1``.

    Raises
    ------
    DataError
        If the tonnes cannot be right (totals among the rows, duplicates, negative or unknown
        entries; all are listed), or if several minerals share the stage.
    UnknownNameError
        If there is no such stage, grouping or weight.

    Examples
    --------
    >>> told = concentration({"CHN": 750.0, "JPN": 150.0, "OTH": 100.0})
    >>> round(told.hhi, 4), round(told.hhi_high, 4)
    (0.585, 0.595)
    >>> told.table
             quantity_t  share  rank
    country
    CHN           750.0   0.75     1
    JPN           150.0   0.15     2

    Notes
    -----
    Complexity: linear in the processes; ``weight="demand"`` traces the shipments once.
    """
    if weight not in {"production", "demand"}:
        raise UnknownNameError.of("weight", weight, ("production", "demand"))
    if by not in {"country", "owner", "node"}:
        raise UnknownNameError.of("grouping", by, ("country", "owner", "node"))
    params = {"stage": stage, "by": by, "weight": weight}
    if isinstance(what, (pd.Series, Mapping)):
        if weight != "production":
            problem = Problem("weight", "plain tonnes cannot be traced.", 'Use weight="production".')
            raise DataError("no network to trace", [problem])
        counted = of_tonnes(what, by=by)
        return _answer(counted, params, network=None, demand=counted.total)
    inside = stages.in_stage(what, stage)
    made = production(what, inside) if weight == "production" else delivered(what, inside)
    demand = _wanted(what, inside) if weight == "production" else float(made.sum())
    return _answer(of_processes(what, made, by=by), params, network=what, demand=demand)


def production(network: SupplyNetwork, inside: pd.Series) -> pd.Series:
    """Return the tonnes that each process of a stage makes; refuse unknown ones."""
    made: pd.Series = network.processes.loc[inside, "activity_t"]
    problems = [
        Problem(f"processes row {process}, column `activity_t`", "no activity.", "Estimate the flows first.")
        for process in made.index[made.isna()]
    ]
    if problems:
        raise DataError("the stage's production is not known", problems)
    return made


def delivered(network: SupplyNetwork, inside: pd.Series) -> pd.Series:
    """Return the tonnes of final demand by their last process of a stage."""
    traced = tracing.trace(network)
    return pd.Series(traced.last(inside.to_numpy(dtype=bool)), index=inside.index)[inside]


def of_processes(network: SupplyNetwork, made: pd.Series, *, by: str) -> Shares:
    """Group tonnes by process into tonnes by country, owner or node."""
    at_node = made.groupby(network.processes["node"].reindex(made.index)).sum()
    who = stages.behind(network, by)
    tonnes = who["share"] * at_node.reindex(who["node"]).to_numpy()
    grouped = tonnes.groupby(who["by"]).sum()
    return Shares(grouped[grouped > 0].rename_axis(by), math.fsum(at_node))


def of_tonnes(what: pd.Series | Mapping[str, float], *, by: str = "country") -> Shares:
    """Check plain tonnes by code and set the unnamed rest apart.

    Raises
    ------
    DataError
        With every problem found.
    """
    pairs = list(what.items())
    known = frozenset() if by == "node" else frozenset(facts.read("facts/countries.csv")["country"])
    problems: list[Problem] = []
    named: dict[str, float] = {}
    rest = 0.0
    for key, value in pairs:
        where = f"row {key!r}"
        tonnes = _number(value)
        if tonnes is None or not math.isfinite(tonnes) or tonnes < 0:
            problems.append(Problem(where, f"{value!r} is no quantity.", "Give tonnes, zero or more."))
            continue
        if _is_rest(key):
            rest += tonnes
        elif str(key).strip().upper() in _TOTALS:
            problems.append(Problem(where, "a total among the countries counts twice.", "Leave it out."))
        elif known and key not in known:
            problems.append(Problem(where, str(UnknownNameError.of("country", key, known)),
                                    "Use ISO 3166-1 alpha-3 codes, and OTH for the unnamed rest."))
        elif str(key) in named:
            problems.append(Problem(where, "it stands twice.", "Add the two up."))
        else:
            named[str(key)] = tonnes
    total = math.fsum([*named.values(), rest])
    if not problems and not math.fsum(named.values()) > 0:
        problems.append(Problem("rows", "no named country has any tonnes.", "Give at least one."))
    if problems:
        raise DataError("these tonnes cannot be right", problems)
    series = pd.Series(named, dtype=float).sort_index().rename_axis(by)
    return Shares(series[series > 0], total)


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _is_rest(key: Hashable) -> bool:
    missing = key is None or key != key  # noqa: PLR0124 - NaN
    return missing or str(key).strip().upper() in {"", *REST_KEYS}


def _wanted(network: SupplyNetwork, inside: pd.Series) -> float:
    """Return what processes and final demand take of the stage's products; without it, what was made."""
    processes = network.processes
    products = processes.loc[inside, "output"].dropna().unique()
    takers = processes["input"].isin(products) & (processes["role"] != "stock")
    intake = processes["activity_t"].where(
        processes["output"].isna(), processes["activity_t"] / processes["recovery"].fillna(1.0)
    )
    # Final demand makes nothing: what it takes is what it wants.
    wanted = math.fsum(intake[takers].dropna()) if len(products) else 0.0
    return wanted or math.fsum(processes.loc[inside, "activity_t"])


def _answer(
    counted: Shares, params: dict[str, Any], *, network: SupplyNetwork | None, demand: float
) -> ConcentrationResult:
    by = str(params["by"])
    if counted.tonnes.empty:
        problem = Problem(f"by={by!r}", "nobody is named behind any tonne.", "Ask by another grouping.")
        raise DataError("nothing to measure", [problem])
    table = pd.DataFrame({"quantity_t": counted.tonnes, "share": counted.shares})
    # Largest first; equal ones by id.
    order = np.lexsort((table.index.to_numpy(dtype=str), -table["quantity_t"].to_numpy()))
    table = table.iloc[order]
    table["rank"] = np.arange(1, len(table) + 1)
    largest = table["share"].to_numpy()
    figures = {
        "hhi": counted.hhi,
        "hhi_low": counted.hhi,
        "hhi_high": counted.hhi_high,
        "effective_n": 1.0 / counted.hhi,
        "top1": float(largest[0]),
        "top3": math.fsum(largest[:3]),
        "n_minus_1": (counted.total - float(table["quantity_t"].iloc[0])) / demand,
        "unknown_share": counted.unknown,
        "total_t": counted.total,
    }
    of = "" if network is None else f" of {_mineral(network)}"
    return ConcentrationResult(
        title=f"Concentration{of}, {params['stage']}, by {by}",
        table=table,
        params=params,
        network=network,
        figures=figures,
        explanation=_words(table, figures, stages.names(network, by), by),
    )


def _mineral(network: SupplyNetwork) -> str:
    return ", ".join(sorted(network.processes["mineral"].unique())).replace("_", " ")


def _words(table: pd.DataFrame, figures: dict[str, float], names: pd.Series, by: str) -> str:
    top = table.head(3)
    called = stages.told(top.index, names)
    shares = [f"{name} {share:.1%}" for name, share in zip(called, top["share"], strict=True)]
    kind = {"country": "countries", "owner": "owner countries", "node": "sites"}[by]
    words = [
        f"Of {figures['total_t']:,.0f} t: {', '.join(shares)}.",
        f"HHI {figures['hhi']:.4f}, as concentrated as {figures['effective_n']:.1f} equal {kind}.",
        f"Without the largest, {figures['n_minus_1']:.0%} of demand could be met.",
    ]
    if figures["unknown_share"] > 1e-9:
        words.append(
            f"Unknown origin: {figures['unknown_share']:.1%}; were it one place, the HHI would be "
            f"{figures['hhi_high']:.4f}."
        )
    return " ".join(words)
