"""The answer of an exposure, and the paths behind each of its numbers."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from supplygraph.errors import UnknownNameError
from supplygraph.measures import tracing
from supplygraph.measures.sources import NONE, ROUNDING, UNKNOWN, Chains, Question
from supplygraph.network.schema import LIST_SEPARATOR
from supplygraph.results import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.tracing import Trace
    from supplygraph.network.network import SupplyNetwork

_PATHS_TOLD = 5
#: Steps of the search behind an explanation; beyond it what was found is told as such.
_MOST_STEPS = 200_000
#: Weight (negative in the queue: the largest comes first), shipments so far, process, chain complete, strait passed.
_Walk = tuple[float, tuple[int, ...], int, bool, bool]
#: A path: its share of the row's demand, and its shipments from demand backward.
_Path = tuple[float, tuple[int, ...]]


class ExposureResult(Result):
    """Traced shares: ``table`` has a row per factory (country, bloc) and a column per supplier (strait)."""

    def explain(self, row: str | None = None, column: str | None = None) -> str:
        """Say what the table shows, or which paths are behind one of its numbers.

        Parameters
        ----------
        row, column
            A row and a column of the table (or of ``direct``); both or none.

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
        table, direct = self._tables["table"], self._tables["direct"]
        columns = table.columns[1:].union(direct.columns[1:], sort=False)
        for kind, given, known in (("row", row, table.index), ("column", column, columns)):
            if given not in known:
                raise UnknownNameError.of(kind, given, known)
        return _explain(self, row, column)

    def behind(self, row: str) -> pd.DataFrame:
        """Return every shipment behind the demand of a row, from the mine to the door.

        A shipment carries of the row's demand what a walk back from it, by the shares in which inputs mix, takes
        along that shipment. Losses on the way cancel: tonnes are those of demand, not those that were mined for it.

        Parameters
        ----------
        row
            A row of the table.

        Returns
        -------
        pandas.DataFrame
            Index ``shipment``, the largest first; columns ``origin``, ``destination``, ``product``, ``route``,
            ``basis``, ``flow_t`` (tonnes of the row's demand) and ``share`` (of all of it). Tonnes into one stage add
            up to the demand where all of it passes that stage, so columns are not to be added across stages.

        Raises
        ------
        UnknownNameError
            If the table has no such row.

        Examples
        --------
        >>> import supplygraph as sg
        >>> net = sg.load("cobalt")
        >>> told = sg.exposure(net, rows="country", bounds=False)
        >>> rows = told.behind("JPN")
        >>> users = net.processes.index[net.processes["role"] == "use"]
        >>> bool(abs(rows.loc[rows["destination"].isin(users), "share"].sum() - 1) < 1e-9)
        True

        Notes
        -----
        One pass over the shipments per stage of the chain; a sparse solve where processes feed each other in loops.
        """
        if row not in self._tables["table"].index:
            raise UnknownNameError.of("row", row, self._tables["table"].index)
        net = cast("SupplyNetwork", self.network)
        params = self.params
        chains = Chains.of(net, Question(params["to"], params["stage"], params["rows"], params.get("blocs")))
        traced, place = chains.traced, int(chains.index.get_indexer(pd.Index([row]))[0])
        passing = tracing.solve(traced.matrix().T.tocsr(), np.where(chains.row == place, traced.demand, 0.0))
        flow = traced.step * passing[traced.destination]
        columns = ["origin", "destination", "product", "route", "basis"]
        rows = net.shipments.loc[traced.shipments, columns].assign(flow_t=flow, share=flow / chains.demand[place])
        kept: pd.DataFrame = rows[rows["flow_t"] > ROUNDING * chains.demand[place]]
        return kept.sort_values("flow_t", ascending=False, kind="stable")

    def _share(self, table: str, row: str, column: str) -> float | None:
        """Return a share, 0 for a supplier that a table does not name; None where it was not asked for."""
        frame = self._tables.get(table)
        if frame is None:
            return None
        return float(frame[column].to_numpy()[frame.index.get_indexer(pd.Index([row]))[0]]) if column in frame else 0.0


def words_of(column: str, named: str, *, at_sea: bool) -> str:
    """Return how a column stands in a sentence about a share."""
    if at_sea:
        return f"through {named}"
    return {UNKNOWN: "of unknown origin", NONE: "that crossed no site of the stage"}.get(column, f"from {named}")


def _explain(result: ExposureResult, row: str, column: str) -> str:
    params = result.params
    question = Question(params["to"], params["stage"], params["rows"], params.get("blocs"))
    chains = Chains.of(cast("SupplyNetwork", result.network), question)
    named = str(chains.names("columns").get(column, column))
    whose = str(chains.names("rows").get(row, row))
    share = result._share("table", row, column) or 0.0  # noqa: SLF001 - our own result
    direct = result._share("direct", row, column) or 0.0  # noqa: SLF001
    last = "passed by the last shipment" if question.at_sea else "by who shipped it last"
    told = f"{whose}: {share:.1%} {words_of(column, named, at_sea=question.at_sea)}; {direct:.1%} {last}"
    low, high = (result._share(f"bound_{end}", row, column) for end in ("low", "high"))  # noqa: SLF001
    if low is not None and high is not None:
        if high - low > ROUNDING:
            told += f"; {low:.1%} to {high:.1%} over all ways to match inputs to outputs"
        else:
            told += "; the same over all ways to match inputs to outputs"
    if not share > 0:
        return f"{told}."
    place = int(chains.index.get_indexer(pd.Index([row]))[0])
    paths = _largest_paths(chains, place, column)
    lines = [f"  {weight:.1%}  {_path_in_words(chains.traced, steps)}" for weight, steps in paths]
    return "\n".join([f"{told}. Largest paths:", *lines])


class _Search:
    """What a search for paths needs: where chains are complete, and what they earn there."""

    def __init__(self, chains: Chains, column: str) -> None:
        self.ends, self.inside = chains.sources, chains.inside
        self.gain: NDArray[np.float64] | None = None
        self.marked = np.zeros(len(chains.traced.flow), dtype=bool)
        if chains.question.at_sea:
            self.gain = np.ones(len(chains.row))
            self.marked = chains.passes[chains.columns.index(column)]
        elif column != NONE:
            self.gain = np.where(chains.inside, chains.payoff[:, chains.columns.index(column)], 0.0)
        self.at_sea = chains.question.at_sea
        self.into = _links_into(chains.traced, self.marked)
        self.origin = chains.traced.origin

    def push(self, queue: list[_Walk], walk: _Walk) -> None:
        """Queue a walk; where its chain is complete, it earns its gain or nothing."""
        weight, steps, process, done, passed = walk
        if not done and self.ends[process]:
            if self.gain is None:  # asked for what crossed no process of the stage
                weight *= not self.inside[process]
            else:
                weight *= float(self.gain[process]) * (passed or not self.at_sea)
            done = True
        if weight > 0:
            heapq.heappush(queue, (-weight, steps, process, done, passed))


def _largest_paths(chains: Chains, row: int, column: str) -> list[_Path]:
    """Search best-first, so that the paths come in order of size.

    A path is a tuple of links, each named by its largest shipment, from demand backward to its source.
    """
    search, queue = _Search(chains, column), list[_Walk]()
    start = np.where(chains.row == row, chains.traced.demand, 0.0) / chains.demand[row]
    for process in np.flatnonzero(start):
        search.push(queue, (float(start[process]), (), int(process), False, False))
    found: list[_Path] = []
    for _ in range(_MOST_STEPS):
        if not queue or len(found) == _PATHS_TOLD:
            break
        weight, steps, at, done, passed = heapq.heappop(queue)
        if not search.into[at]:
            found.append((-weight, steps))
        for shipment, share in search.into[at]:
            here = passed or (not done and bool(search.marked[shipment]))
            further = (-weight * share, (*steps, shipment), int(search.origin[shipment]), done, here)
            search.push(queue, further)
    return found


def _links_into(traced: Trace, marked: NDArray[np.bool_]) -> list[list[tuple[int, float]]]:
    """Return per process its suppliers: the largest shipment of each, and the share of all of them.

    What passes a strait is a link of its own.
    """
    size = len(traced.processes)
    pair = (traced.destination * size + traced.origin) * 2 + marked
    order = np.lexsort((np.arange(len(pair)), -traced.step, pair))
    pairs, first = np.unique(pair[order], return_index=True)
    share = np.add.reduceat(traced.step[order], first) if len(first) else np.zeros(0)
    into: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for process, shipment, part in zip(pairs // (2 * size), order[first], share, strict=True):
        into[process].append((int(shipment), float(part)))
    return into


def _path_in_words(traced: Trace, steps: tuple[int, ...]) -> str:
    """Name the sites of a path from its source to demand, traders as such, and the straits on each link."""
    net = traced.network
    nodes, edges, routes, role = net.nodes, net.edges, net.shipments["route"], net.processes["role"]
    name = nodes["name"].to_dict()
    stops: list[tuple[str, str]] = []
    for shipment in reversed(steps):
        route = routes[traced.shipments[shipment]]
        for process in (traced.origin[shipment], traced.destination[shipment]):
            stops.append((nodes.index[traced.node[process]], " (trader)" if role.iloc[process] == "trade" else ""))
            if process == traced.origin[shipment] and isinstance(route, str):
                along = edges.loc[route.split(LIST_SEPARATOR), "target"]
                stops += [(stop, "") for stop in along if nodes.loc[stop, "kind"] == "passage"]
    told = [stop for position, stop in enumerate(stops) if position == 0 or stop != stops[position - 1]]
    return " > ".join(f"{name[stop]}{what}" for stop, what in told)
