"""Refining-concentration centrality: which sites the concentration of refining comes from.

``s_v`` is the share of final demand (all that is used, or put in stock for good) whose last refining
was at v (traced backward, so losses and loops cancel) and ``S_c`` the share of a country.
``C(v) = s_v S_country(v)``; the sum over the refineries is exactly the HHI of refining: the chance
that one tonne of demand came from v and another from the same country.
``M(v) = 2 s_v (S_country(v) - HHI)`` is the change of the HHI as v grows; it sums to zero. C
attributes, M advises.

For any node u, ``C(u) = sum_v P(v, u) S_country(v)`` with P the share of demand that was refined at
v and passes u; over any stage that each tonne crosses once these sum to the HHI as well.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import stages, tracing
from supplygraph.measures.concentration import Shares, of_processes
from supplygraph.results import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

#: Who counts as one supplier, and the name of the column that holds its share.
_SHARE_COLUMN = {"country": "country_share", "owner": "owner_share"}


class CentralityResult(Result):
    """Centrality of sites; ``table`` is indexed by node, the most central first."""

    @property
    def hhi(self) -> float:
        """The HHI of the stage: the sum of the centralities."""
        return float(self.figures["hhi"])

    @property
    def hhi_low(self) -> float:
        """Lower bound of the HHI: what is of unknown origin is spread thinly."""
        return float(self.figures["hhi_low"])

    @property
    def hhi_high(self) -> float:
        """Upper bound of the HHI: what is of unknown origin is one place."""
        return float(self.figures["hhi_high"])

    @property
    def uncrossed_share(self) -> float:
        """Share of what is used or put in stock that crossed no process of the stage; shares are of the rest.

        Stocks of ore are the usual case.
        """
        return float(self.figures["uncrossed_share"])


def refining_centrality(
    net: SupplyNetwork, *, stage: str = "refining", by: str = "country", of: str = "refining"
) -> CentralityResult:
    """Attribute the concentration of a stage to the sites it comes from.

    Parameters
    ----------
    net
        A network with one mineral in the stage.
    stage
        The stage whose concentration is attributed; ``refining`` means separation where nothing
        else refines.
    by
        ``"country"`` (where a site stands) or ``"owner"`` (countries of its owners, by their shares).
    of
        ``"refining"``: the sites of the stage. ``"nodes"``: every site, port and strait.

    Returns
    -------
    CentralityResult
        Table indexed by node: ``name``, ``country``, ``share`` (of final demand), ``country_share``
        (``owner_share``; of its country, or on average over its cargo), ``centrality``, ``marginal``,
        ``centrality_high`` (the unknown rest taken as one place). ``hhi``, ``hhi_low``, ``hhi_high``.

    Raises
    ------
    UnknownNameError
        If there is no such stage or grouping.
    DataError
        If there are no shipments to trace, or no demand crosses a site of known origin.

    Examples
    --------
    >>> import supplygraph as sg
    >>> net = sg.load("cobalt")
    >>> told = sg.refining_centrality(net)
    >>> bool(abs(told.table["centrality"].sum() - sg.concentration(net, stage="refining").hhi) < 1e-9)
    True
    >>> bool(abs(told.table["marginal"].sum()) < 1e-9)
    True

    Notes
    -----
    Complexity: one pass over the shipments per stage of the chain; ``of="nodes"`` once per node.
    An unknown country adds nothing to the HHI. C is the Shapley share of the HHI.
    """
    if by not in _SHARE_COLUMN:
        raise UnknownNameError.of("grouping", by, _SHARE_COLUMN)
    if of not in {"refining", "nodes"}:
        raise UnknownNameError.of("option `of`", of, ("refining", "nodes"))
    inside = stages.in_stage(net, stage)
    traced = tracing.trace(net)
    mask = inside.to_numpy(dtype=bool)
    last = traced.last(mask)
    crossed = math.fsum(last)
    if not crossed > 0:
        problem = Problem("shipments", f"no demand crosses the stage {stage!r}.", "Ask for another stage.")
        raise DataError("nothing to attribute", [problem])
    counted = of_processes(net, pd.Series(last, index=traced.processes)[mask], by=by)
    if counted.tonnes.empty:
        problem = Problem(f"by={by!r}", "nobody is named behind any tonne.", "Ask by another grouping.")
        raise DataError("nothing to attribute", [problem])
    ordinary = _ordinariness(net, counted, by)[traced.node]
    payoff = np.column_stack([np.ones(len(ordinary)), ordinary])
    if of == "refining":
        passing = np.zeros((len(net.nodes), 3))
        np.add.at(passing, traced.node, last[:, None] * payoff)
    else:
        passing = _passing(traced, mask, payoff)
    table = _table(net, passing / crossed, counted.hhi, _SHARE_COLUMN[by])
    figures = {
        "hhi": counted.hhi,
        "hhi_low": counted.hhi,
        "hhi_high": counted.hhi_high,
        "uncrossed_share": max(0.0, 1.0 - crossed / math.fsum(traced.demand)),
    }
    mineral = ", ".join(sorted(net.processes.loc[inside, "mineral"].unique())).replace("_", " ")
    return CentralityResult(
        title=f"Concentration centrality of {mineral}, {stage}, by {by}",
        table=table,
        params={"stage": stage, "by": by, "of": of},
        network=net,
        figures=figures,
        explanation=_words(table, figures, by),
    )


def _ordinariness(net: SupplyNetwork, counted: Shares, by: str) -> NDArray[np.float64]:
    """Return per node the chance that another tonne shares its origin: known part, and upper bound."""
    who = stages.behind(net, by)
    alike = who["share"] * who["by"].map(counted.shares).fillna(0.0)
    mean, named = (
        column.groupby(who["node"]).sum().reindex(net.nodes.index, fill_value=0.0).to_numpy()
        for column in (alike, who["share"])
    )
    return np.stack([mean, mean + (1.0 - named) * counted.unknown], axis=1)


def _passing(
    traced: tracing.Trace, inside: NDArray[np.bool_], payoff: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return per node the payoff of the demand that passes it.

    A tonne may touch a node more than once (mined and refined at one site), so what is counted is
    the complement: tonnes that never touch it, on either side of their last refining.
    """
    nodes, processes = len(traced.network.nodes), len(traced.processes)
    shipment, node = tracing.visits(traced)
    shipment = shipment[np.argsort(node, kind="stable")]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=nodes))])
    source = np.bincount(traced.destination, minlength=processes) == 0
    whole = traced.demand @ traced.expect(inside, payoff)
    passing = np.zeros((nodes, payoff.shape[1]))
    for u in np.flatnonzero(np.diff(bounds)):
        keep = np.ones(len(traced.step), dtype=bool)
        keep[shipment[bounds[u] : bounds[u + 1]]] = False
        before = traced.expect(source, np.ones(processes), keep=keep)
        passing[u] = whole - traced.demand @ traced.expect(inside, payoff * before[:, None], keep=keep)
    # What rounding leaves of nothing is nothing.
    return np.where(passing > 1e-13 * whole, passing, 0.0)


def _table(net: SupplyNetwork, passing: NDArray[np.float64], hhi: float, column: str) -> pd.DataFrame:
    nodes = net.nodes
    share, weighted, high = passing.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weighted / share
    table: pd.DataFrame = pd.DataFrame({
        "name": nodes["name"],
        "country": nodes["country"],
        "share": share,
        column: mean,
        "centrality": weighted,
        "marginal": 2.0 * (weighted - share * hhi),
        "centrality_high": high,
    }, index=nodes.index)
    table = table[share > 0]
    order = np.lexsort((table.index.to_numpy(dtype=str), -table["centrality"].to_numpy()))
    return table.iloc[order]


def _words(table: pd.DataFrame, figures: dict[str, float], by: str) -> str:
    top = table.head(3)
    parts = [
        f"{name} {value / figures['hhi']:.1%}" for name, value in zip(top["name"], top["centrality"], strict=True)
    ]
    by_marginal = table.sort_values("marginal", kind="stable")["name"]
    shrinks, grows = by_marginal.iloc[0], by_marginal.iloc[-1]
    words = [
        f"The HHI of {figures['hhi']:.4f} ({by}) comes mostly from {', '.join(parts)}.",
        f"Growing {grows} would raise it most; growing {shrinks} would lower it most.",
    ]
    if figures["uncrossed_share"] > 1e-9:
        words.append(f"{figures['uncrossed_share']:.1%} of what is used or put in stock crossed no site of the stage.")
    return " ".join(words)
