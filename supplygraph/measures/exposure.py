"""Exposure: on whose refining (mining, ...) each factory or consumer country depends."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from supplygraph.errors import UnknownNameError
from supplygraph.measures import stages, tracing
from supplygraph.network.schema import LIST_SEPARATOR
from supplygraph.results import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

#: Columns beside the suppliers: of unknown origin; crossed no process of the stage.
UNKNOWN, NONE = "unknown", "none"
#: What rounding leaves of nothing is nothing.
_ROUNDING = 1e-12
_PATHS_TOLD = 5
#: Steps of the search behind an explanation; beyond it what was found is told as such.
_MOST_STEPS = 200_000
#: Weight (negative in the queue: the largest comes first), shipments so far, process, stage crossed.
_Walk = tuple[float, tuple[int, ...], int, bool]


class ExposureResult(Result):
    """Traced shares: ``table`` has a row per factory (country) and a column per supplier."""

    def explain(self, row: str | None = None, column: str | None = None) -> str:
        """Say what the table shows, or which paths are behind one of its numbers.

        Parameters
        ----------
        row, column
            A row and a column of the table; both or none.

        Raises
        ------
        UnknownNameError
            If the table has no such row or column.

        Examples
        --------
        >>> import supplygraph as sg
        >>> told = sg.exposure(sg.load("cobalt"), rows="country")
        >>> told.explain("JPN", "CHN").startswith("Japan: ")
        True
        """
        if row is None or column is None:
            return super().explain()
        table = self._tables["table"]
        for kind, given, known in (("row", row, table.index), ("column", column, table.columns[1:])):
            if given not in known:
                raise UnknownNameError.of(kind, given, known)
        return _explain(self, row, column)


def exposure(
    net: SupplyNetwork, *, to: str = "country", stage: str = "refining", rows: str = "factory"
) -> ExposureResult:
    """Trace each factory's material back to the countries, owners or sites of a stage.

    Parameters
    ----------
    net
        A network with one mineral in the stage.
    to
        ``"country"``, ``"owner"`` or ``"node"``: what the columns are.
    stage
        The stage whose last crossing counts, for example ``refining`` or ``mining``.
    rows
        ``"factory"`` (node of final demand) or ``"country"`` (where that stands).

    Returns
    -------
    ExposureResult
        ``table``: ``demand_t``, then the share of it from each supplier, then ``unknown`` (origin not
        known) and ``none`` (crossed no process of the stage); these shares add up to one.

    Raises
    ------
    UnknownNameError
        If there is no such stage or grouping.
    DataError
        If there are no shipments to trace.

    Examples
    --------
    >>> import supplygraph as sg
    >>> told = sg.exposure(sg.load("cobalt"), rows="country")
    >>> bool((told.table.drop(columns="demand_t").sum(axis=1) - 1).abs().max() < 1e-9)
    True

    Notes
    -----
    Inputs are taken to mix inside a process in proportion; ports and straits do not mix cargoes.
    Complexity: one pass over the shipments per stage of the chain and column.
    """
    if rows not in {"factory", "country"}:
        raise UnknownNameError.of("option `rows`", rows, ("factory", "country"))
    inside = stages.in_stage(net, stage)
    who = stages.behind(net, to)
    traced = tracing.trace(net)
    payoff, columns = _payoff(traced, inside, who)
    shares = traced.expect(inside.to_numpy(dtype=bool), payoff)
    ends = _ends(traced, rows)
    index = pd.Index(sorted(ends.dropna().unique()), name="node" if rows == "factory" else "country")
    table = _table(traced, shares, ends, index, columns)
    words = _overview(table, net, rows, to)
    mineral = ", ".join(sorted(net.processes.loc[inside, "mineral"].unique())).replace("_", " ")
    return ExposureResult(
        title=f"Exposure of {mineral} demand to {stage}, by {to}",
        table=table,
        params={"to": to, "stage": stage, "rows": rows},
        network=net,
        explanation=words,
    )


def _payoff(
    traced: tracing.Trace, inside: pd.Series, who: pd.DataFrame
) -> tuple[NDArray[np.float64], list[str]]:
    """Return per process the shares of who stands behind it, a last column for the unknown."""
    of_stage = set(traced.network.processes.loc[inside, "node"])
    who = who[who["node"].isin(of_stage)]
    columns = sorted(who["by"].unique())
    at = np.zeros((len(traced.network.nodes), len(columns) + 1))
    row = traced.network.nodes.index.get_indexer(pd.Index(who["node"]))
    np.add.at(at, (row, pd.Index(columns).get_indexer(pd.Index(who["by"]))), who["share"].to_numpy(dtype=float))
    at[:, -1] = np.clip(1.0 - at.sum(axis=1), 0.0, None)
    return at[traced.node], [*columns, UNKNOWN]


def _ends(traced: tracing.Trace, rows: str) -> pd.Series:
    """Return the row of each process of final demand; missing for all others."""
    processes, nodes = traced.network.processes, traced.network.nodes
    label = processes["node"] if rows == "factory" else processes["node"].map(nodes["country"])
    return label.where((processes["role"] == "use") & (traced.demand > 0))


def _table(
    traced: tracing.Trace,
    shares: NDArray[np.float64],
    ends: pd.Series,
    index: pd.Index,
    columns: list[str],
) -> pd.DataFrame:
    kept = ends.notna().to_numpy()
    demand = pd.Series(traced.demand[kept]).groupby(ends[kept].to_numpy()).sum().reindex(index)
    tonnes = pd.DataFrame(shares[kept] * traced.demand[kept, None], columns=columns)
    table: pd.DataFrame = tonnes.groupby(ends[kept].to_numpy()).sum().reindex(index).div(demand, axis=0)
    table = table.loc[:, (table > 0).any() | (table.columns == UNKNOWN)]
    table.insert(0, "demand_t", demand)
    rest = 1.0 - table.drop(columns="demand_t").sum(axis=1)
    table[NONE] = rest.where(rest > _ROUNDING, 0.0)
    return table


def _overview(table: pd.DataFrame, net: SupplyNetwork, rows: str, to: str) -> str:
    shares = table.drop(columns=["demand_t", UNKNOWN, NONE])
    if table.empty or shares.empty:
        return "No final demand could be traced."
    weight = table["demand_t"] / table["demand_t"].sum()
    mean = shares.mul(weight, axis=0).sum().sort_values(ascending=False, kind="stable")
    largest = mean.index[0]
    worst = shares[largest].idxmax()
    named = stages.names(net, "node" if to == "node" else "country")
    ends = stages.names(net, "node" if rows == "factory" else "country")
    return (
        f"{named.get(largest, largest)} stands behind {mean.iloc[0]:.1%} of the demand traced; "
        f"{ends.get(worst, worst)} depends on it most ({shares.loc[worst, largest]:.1%})."
    )


def _explain(result: ExposureResult, row: str, column: str) -> str:
    net = cast("SupplyNetwork", result.network)
    to, rows = result.params["to"], result.params["rows"]
    traced = tracing.trace(net)
    inside = stages.in_stage(net, result.params["stage"])
    payoff, columns = _payoff(traced, inside, stages.behind(net, to))
    ends = _ends(traced, rows)
    start = np.where((ends == row).to_numpy(), traced.demand, 0.0)
    start = start / start.sum()
    mask = inside.to_numpy(dtype=bool)
    gain = None if column == NONE else payoff[:, columns.index(column)]
    ends_named = stages.names(net, "node" if rows == "factory" else "country")
    whose = stages.names(net, "node" if to == "node" else "country")
    share = float(result.table[column][row])
    lines = [f"{ends_named.get(row, row)}: {share:.1%} from {whose.get(column, column)}. Largest paths:"]
    paths = _largest_paths(traced, start, mask, gain)
    lines += [f"  {weight:.1%}  {_path_in_words(traced, steps)}" for weight, steps in paths]
    return "\n".join(lines)


def _largest_paths(
    traced: tracing.Trace,
    start: NDArray[np.float64],
    inside: NDArray[np.bool_],
    gain: NDArray[np.float64] | None,
) -> list[tuple[float, tuple[int, ...]]]:
    """Search best-first, so that the paths come in order of size.

    A path is a tuple of links, each named by its largest shipment, from demand backward to its source.
    ``gain`` is what a path earns when it crosses its last process of the stage; without one, paths that
    cross none are asked for.
    """
    into = _links_into(traced)
    queue: list[_Walk] = []
    for process in np.flatnonzero(start):
        _push(queue, (float(start[process]), (), int(process), False), inside, gain)
    found: list[tuple[float, tuple[int, ...]]] = []
    for _ in range(_MOST_STEPS):
        if not queue or len(found) == _PATHS_TOLD:
            break
        weight, steps, at, crossed = heapq.heappop(queue)
        before = into[at]
        if not before:
            if crossed or gain is None:
                found.append((-weight, steps))
            continue
        for shipment, share in before:
            further = (-weight * share, (*steps, shipment), int(traced.origin[shipment]), crossed)
            _push(queue, further, inside, gain)
    return found


def _push(
    queue: list[_Walk], walk: _Walk, inside: NDArray[np.bool_], gain: NDArray[np.float64] | None
) -> None:
    weight, steps, process, crossed = walk
    if not crossed and inside[process]:
        weight *= 0.0 if gain is None else float(gain[process])
        crossed = True
    if weight > 0:
        heapq.heappush(queue, (-weight, steps, process, crossed))


def _links_into(traced: tracing.Trace) -> list[list[tuple[int, float]]]:
    """Return per process its suppliers: the largest shipment of each, and the share of all of them."""
    size = len(traced.processes)
    pair = traced.destination * size + traced.origin
    order = np.lexsort((np.arange(len(pair)), -traced.step, pair))
    pairs, first = np.unique(pair[order], return_index=True)
    share = np.add.reduceat(traced.step[order], first) if len(first) else np.zeros(0)
    into: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for process, shipment, part in zip(pairs // size, order[first], share, strict=True):
        into[process].append((int(shipment), float(part)))
    return into


def _path_in_words(traced: tracing.Trace, steps: tuple[int, ...]) -> str:
    """Name the sites of a path from its source to demand, and the straits on the largest shipment of each link."""
    net = traced.network
    nodes, edges, routes = net.nodes, net.edges, net.shipments["route"]
    stops: list[str] = []
    for shipment in reversed(steps):
        route = routes[traced.shipments[shipment]]
        stops.append(nodes.index[traced.node[traced.origin[shipment]]])
        if isinstance(route, str):
            along = edges.loc[route.split(LIST_SEPARATOR), "target"]
            stops += [stop for stop in along if nodes.loc[stop, "kind"] == "passage"]
        stops.append(nodes.index[traced.node[traced.destination[shipment]]])
    told = [stop for position, stop in enumerate(stops) if position == 0 or stop != stops[position - 1]]
    return " > ".join(str(nodes.loc[stop, "name"]) for stop in told)
