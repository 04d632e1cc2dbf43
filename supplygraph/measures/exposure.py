"""Exposure: on whose refining (mining, ...) each factory or consumer country depends, and on which straits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.measures import matching, spread
from supplygraph.measures.exposure_result import ExposureResult, words_of
from supplygraph.measures.sources import NONE, ROUNDING, UNKNOWN, Chains, Question
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

_SPREAD = spread.Spread(wide=True, ids=("demand_t",))


def exposure(
    net: SupplyNetwork | Ensemble,
    *,
    to: str = "country",
    stage: str = "refining",
    rows: str = "factory",
    blocs: Blocs | None = None,
    bounds: bool = True,
) -> ExposureResult:
    """Trace each factory's material back to the countries, owners or sites of a stage, or over straits.

    Parameters
    ----------
    net
        A network with one mineral in the stage, or an ensemble of such networks.
    to
        What the columns are: ``"country"``, ``"owner"`` (countries of owners), ``"bloc"``, ``"node"`` (also
        ``"facility"``) or ``"passage"`` (straits).
    stage
        The stage whose last crossing counts, for example ``refining`` or ``mining``. A strait counts when the chain
        of shipments from there to demand passes it at least once.
    rows
        ``"factory"`` (node of final demand), ``"country"`` (where that stands) or ``"bloc"`` (of that country).
    blocs
        Where rows or columns are blocs: country to bloc, or an alignment, whose tiers are the blocs.
    bounds
        Whether to compute the least and largest shares over all ways to match inputs to outputs.

    Returns
    -------
    ExposureResult
        ``table``: ``demand_t``, then the share of it from each supplier, then ``unknown`` (origin not known) and
        ``none`` (crossed no process of the stage); these shares add up to one. Straits overlap, so their columns do
        not add up, and there is no ``unknown`` nor ``none``.

        Further tables of that shape: ``direct`` by who shipped it to the row in its last hand, traders included (for
        straits: which its last shipment passed); ``bound_low`` and ``bound_high``, unless ``bounds=False``; with an
        ensemble ``low``, ``high`` (5 to 95 % of the draws) and ``stability`` (of the largest supplier).

        ``side_by_side``: one line per row and column that is not nothing, most tonnes first: ``row``, ``column``,
        ``demand_t``, ``direct``, ``traced``, ``bound_low``, ``bound_high``; with an ensemble ``low``, ``high``.

    Raises
    ------
    UnknownNameError
        If there is no such stage, grouping or kind of rows.
    DataError
        If there are no shipments to trace, or blocs are given where none are asked for (or the other way round).
    LimitError
        If the bounds of a large network take too many linear programs; ``bounds=False`` goes without.

    Examples
    --------
    >>> import supplygraph as sg
    >>> told = sg.exposure(sg.load("cobalt"), rows="country")
    >>> bool((told.table.drop(columns="demand_t").sum(axis=1) - 1).abs().max() < 1e-9)
    True
    >>> list(told.side_by_side)
    ['row', 'column', 'demand_t', 'direct', 'traced', 'bound_low', 'bound_high']

    Notes
    -----
    Traced shares take inputs to mix inside a process in proportion (Bialek 1996); ports and straits do not mix
    cargoes. The bounds assume nothing about mixing: see :mod:`supplygraph.measures.matching`. A trader is a process
    that mixes and belongs to no stage: it shows as direct supplier only. Complexity: one pass over the shipments per
    stage of the chain and column (for straits: per strait); bounds as told there.
    """
    question = Question.of(to, stage, rows, blocs)
    if isinstance(net, Ensemble):
        central = exposure(net.net, to=to, stage=stage, rows=rows, blocs=blocs, bounds=bounds)
        return _with_intervals(central, spread.over(net, _of_draw, _SPREAD, like=Chains.of(net.net, question)))
    chains = Chains.of(net, question)
    shares = _shares(chains)
    table = _frame(chains, _columns(chains), shares)
    tables = {"direct": _direct(chains)}
    params: dict[str, Any] = {"to": question.to, "stage": stage, "rows": rows, "bounds": bounds}
    if blocs is not None:
        params["blocs"] = blocs
    if bounds:
        found = matching.bounds(chains, shares)
        for name, ends in (("bound_low", found.low), ("bound_high", found.high)):
            tables[name] = _frame(chains, _columns(chains), ends, like=table)
    tables["side_by_side"] = _side_by_side({"traced": table, **tables})
    mineral = ", ".join(sorted(net.processes.loc[chains.inside, "mineral"].unique())).replace("_", " ")
    by = "strait" if question.at_sea else question.to
    placed = float(chains.demand.sum())
    used = float(chains.traced.demand[net.processes["role"].eq("use").to_numpy()].sum())
    return ExposureResult(
        title=f"Exposure of {mineral} demand to {stage}, by {by}",
        table=table,
        params=params,
        network=net,
        tables=tables,
        figures={"demand_t": placed, "unplaced_t": max(used - placed, 0.0)},
        explanation=_overview(chains, table),
    )


def _of_draw(net: SupplyNetwork, *, like: Chains) -> ExposureResult:
    """Answer for one draw of an ensemble: the traced shares and nothing else."""
    chains = like.redrawn(net)
    return ExposureResult(title="", table=_frame(chains, _columns(chains), _shares(chains)))


def _with_intervals(central: ExposureResult, drawn: ExposureResult) -> ExposureResult:
    """Add what the draws say to the answer for the central network."""
    tables = {name: drawn.tables[name] for name in ("low", "high", "stability")}
    seen = central.tables
    ordinary = [name for name in ("direct", "bound_low", "bound_high") if name in seen]
    frames = {"traced": central.table, "low": tables["low"], "high": tables["high"]}
    side = _side_by_side({**frames, **{name: seen[name] for name in ordinary}})
    params = {name: drawn.params[name] for name in ("draws", "seed", "interval")}
    return central.extended(tables={**tables, "side_by_side": side}, params=params)


def _columns(chains: Chains) -> list[str]:
    return list(chains.columns) if chains.question.at_sea else [*chains.columns, NONE]


def _frame(
    chains: Chains, columns: list[str], shares: NDArray[np.float64], *, like: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return shares as a table with the columns of another; by default a supplier of nobody has none."""
    wanted = {UNKNOWN, NONE, *np.array(columns, object)[shares.max(axis=0, initial=0.0) > ROUNDING]}
    if like is not None:
        wanted = set(like.columns)
    kept = [place for place, name in enumerate(columns) if name in wanted]
    values = np.column_stack([chains.demand, shares[:, kept]])
    return pd.DataFrame(values, index=chains.index, columns=["demand_t", *(columns[place] for place in kept)])


def _shares(chains: Chains) -> NDArray[np.float64]:
    """Return the traced shares; of suppliers with a last column for what crossed no process of the stage."""
    shares = chains.shares()
    if not chains.question.at_sea:
        shares = np.column_stack([shares, 1.0 - shares.sum(axis=1)])
    return np.where(shares > ROUNDING, shares, 0.0)


def _direct(chains: Chains) -> pd.DataFrame:
    columns, shares = chains.direct()
    if chains.question.at_sea:
        return _frame(chains, list(columns), shares)
    return _frame(chains, [*columns, NONE], np.column_stack([shares, np.zeros(len(shares))]))


def _side_by_side(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one line per cell that is not nothing, most tonnes first; what was not asked for is missing."""
    traced = tables["traced"]
    columns = traced.columns[1:].union(tables["direct"].columns[1:], sort=False)
    demand = traced["demand_t"].to_numpy()
    names = ["direct", "traced", "bound_low", "bound_high", *(end for end in ("low", "high") if end in tables)]
    values = {name: np.full(len(traced) * len(columns), np.nan) for name in names}
    for name in names:
        if name in tables:
            values[name] = tables[name].reindex(columns=columns).fillna(0.0).to_numpy().ravel()
    row, column = np.divmod(np.arange(len(traced) * len(columns)), max(len(columns), 1))
    larger = np.maximum(values["direct"], values["traced"])
    order = np.lexsort((column, row, -larger * demand[row]))
    order = order[larger[order] > 0]
    row, column = row[order], column[order]
    return pd.DataFrame({
        "row": traced.index.to_numpy()[row],
        "column": columns.to_numpy()[column],
        "demand_t": demand[row],
        **{name: cells[order] for name, cells in values.items()},
    })


def _overview(chains: Chains, table: pd.DataFrame) -> str:
    shares = table.drop(columns=["demand_t", UNKNOWN, NONE], errors="ignore")
    if table.empty or shares.empty:
        what = "passes a strait" if chains.question.at_sea else "could be traced"
        return f"No final demand {what}."
    weight = table["demand_t"] / table["demand_t"].sum()
    mean = shares.mul(weight, axis=0).sum().sort_values(ascending=False, kind="stable")
    largest = mean.index[0]
    worst = shares[largest].idxmax()
    named = str(chains.names("columns").get(largest, largest))
    whose = chains.names("rows").get(worst, worst)
    if chains.question.at_sea:
        share = f"{mean.iloc[0]:.1%} of the demand traced comes {words_of(largest, named, at_sea=True)}"
        overlap = " Straits overlap: shares do not add up."
    else:
        share, overlap = f"{named} stands behind {mean.iloc[0]:.1%} of the demand traced", ""
    return f"{share}; {whose} depends on it most ({shares.loc[worst, largest]:.1%}).{overlap}"
