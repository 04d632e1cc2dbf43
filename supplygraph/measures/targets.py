"""What can be attacked, and the network under attack: a maximum flow where that is exact, else a linear program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.arcs import DELIVER, MOVE, SEND, UNMET, arc_program, commodities
from supplygraph.engine.attacks.oracle import FlowOracle, Shares
from supplygraph.engine.attacks.programs import Parts, ProgramOracle
from supplygraph.engine.expanded import USE
from supplygraph.engine.flowgraph import SINK, SOURCE, worths
from supplygraph.errors import DataError, LimitError, Problem, UnknownNameError
from supplygraph.measures.capacity import FLOW, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.engine.arcs import ArcProgram
    from supplygraph.engine.attacks.oracle import Oracle
    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.measures.items import Items
    from supplygraph.measures.study import Study

#: A linear program with more columns than this is not solved again and again.
_COLUMNS = 300_000


@dataclass(frozen=True, eq=False)
class Targets:
    """The items that may fail, and what tells how much is delivered without them.

    Attributes
    ----------
    table
        Of the items that may fail, in the oracle's numbering.
    oracle
        The network.
    unit
        Tonnes per unit of the oracle.
    method
        Which engine answers.
    """

    table: pd.DataFrame
    oracle: Oracle
    unit: float
    method: str

    @classmethod
    def of(
        cls, study: Study, kinds: Iterable[str] | str | None, exclude: Iterable[str] | str, *, residuals: bool,
        engine: str = "auto",
    ) -> Targets:  # fmt: skip
        """Choose candidates and the engine.

        Raises
        ------
        UnknownNameError
            If a kind or an item to exclude is unknown.
        LimitError
            If the question needs a linear program and the network is too large for one.
        """
        table = study.items.table
        if study.items.by == "edge":  # so is what leads to or from an unnamed rest
            ends = study.net.edges[["source", "target"]].apply(lambda end: end.map(study.net.nodes["status"]))
            table = table.assign(residual=ends.eq("residual").any(axis=1))
        chosen = _choose(table, kinds, exclude, residuals=residuals)
        flow = study.capacity.flow()
        table = table.iloc[chosen]
        if engine == "program" or (engine == "auto" and not flow.exact):
            program = _program(study, flow.why)
            owned = not study.items.whole
            oracle = _owned_program(study, program, table) if owned else _program_oracle(study, program, chosen)
            return cls(table, oracle, oracle.unit, PROGRAM)
        found = _flow_oracle(study, chosen) if study.items.whole else _owned_flow(study, table)
        return cls(table, found, flow.unit, FLOW)


def _choose(
    table: pd.DataFrame, kinds: Iterable[str] | str | None, exclude: Iterable[str] | str, *, residuals: bool
) -> Ints:
    """Return the rows that may fail."""
    kept = np.ones(len(table), dtype=np.bool_) if residuals else ~table["residual"].to_numpy(dtype=np.bool_)
    if kinds is not None:
        wanted = [kinds] if isinstance(kinds, str) else list(kinds)
        known = set(table["kind"].dropna())
        for kind in wanted:
            if kind not in known:
                raise UnknownNameError.of("kind", kind, known)
        kept &= table["kind"].isin(wanted).to_numpy()
    for item in [exclude] if isinstance(exclude, str) else exclude:
        if item not in table.index:
            raise UnknownNameError.of("item to exclude", item, table.index)
        kept &= (table.index != item).astype(np.bool_)
    return np.flatnonzero(kept)


def check_count(name: str, value: object) -> int:
    """Return a number of items, or refuse it.

    Raises
    ------
    DataError
        If it is not a whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        problem = Problem(name, f"is {value!r}; expected a whole number of at least 1", "For example 2.")
        raise DataError(f"{name} out of range", [problem])
    return int(value)


def check_time(value: object) -> float:
    """Return a time limit in seconds, or refuse it.

    Raises
    ------
    DataError
        If it is not a number of at least 0, nor None.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (number and value >= 0):  # type: ignore[operator]
        problem = Problem("time_limit", f"is {value!r}; expected seconds of at least 0, or None", "None = no limit.")
        raise DataError("time limit out of range", [problem])
    return np.inf if value is None else float(value)  # type: ignore[arg-type]


def _numbers(items: Items, chosen: Ints) -> Ints:
    """Return the candidate of each node (by edge: of each edge), -1 for none; at the end, -1 for no node."""
    place = items.table.index.get_indexer(pd.Index(items.labels()))
    number = np.full(len(items.table) + 1, -1)
    number[chosen] = np.arange(len(chosen))
    return np.append(number[place], -1)


def _flow_oracle(study: Study, chosen: Ints) -> FlowOracle:
    flow, items = study.capacity.flow(), study.items
    number = _numbers(items, chosen)
    region = None
    if items.by == "edge":
        of = number[flow.edge].astype(np.int32)
    else:
        of = number[flow.node].astype(np.int32)
        site = np.full(flow.size, -1)
        site[2 : 2 + len(study.graph.processes)] = study.graph.at
        splits = flow.node >= 0
        site[flow.tail[splits]] = site[flow.head[splits]] = flow.node[splits]
        region = number[site]
    ptr, arcs = flow.items(of, len(chosen))
    return FlowOracle(flow.size, flow.tail, flow.head, flow.capacity, SOURCE, SINK, ptr, arcs, region=region)


def _owned_flow(study: Study, table: pd.DataFrame) -> FlowOracle:
    """Return the flow network whose plants belong to owners in part."""
    flow, graph = study.capacity.flow(), study.graph
    arc_of = np.full(len(graph.processes), -1)
    own = np.flatnonzero(flow.process >= 0)
    arc_of[flow.process[own]] = own
    owner, process, share = _holdings(study, table)
    worth = np.where(graph.gives >= 0, flow.worth[graph.gives], 1.0)[process] / flow.unit
    has = arc_of[process] >= 0
    owner, process, share, worth = owner[has], process[has], share[has], worth[has]
    low, high = (limit[process] * worth for limit in _damaged(study, process))
    most = float(flow.most)
    shares = Shares(share, np.minimum(low, most), np.minimum(high, most), study.before.process[process])
    ptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(table)))])
    return FlowOracle(
        flow.size, flow.tail, flow.head, flow.capacity, SOURCE, SINK, ptr, arc_of[process], shares=shares
    )  # fmt: skip


def _holdings(study: Study, table: pd.DataFrame) -> tuple[Ints, Ints, Floats]:
    """Return owner, process and share of all that candidates own."""
    parts = [study.items.shares(str(owner)) for owner in table.index]
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    process = [study.graph.processes.get_indexer(part.index) for part in parts]
    share = [part.to_numpy(dtype=np.float64) for part in parts]
    empty = np.zeros(0)
    return owner, np.concatenate([empty.astype(np.int64), *process]), np.concatenate([empty, *share])


def _damaged(study: Study, owned: Ints) -> tuple[Floats, Floats]:
    """Return per process what it can make (a use: take) if any of it fails, scaled up to all of it, and if none does.

    A plant of which a share fails keeps its share of what it makes today, not of what it could make.
    """
    before, graph = study.before, study.graph
    part = np.ones(len(graph.processes))
    part[owned] = 0.5 / np.maximum(before.process[owned], 1.0)
    limits = [
        study.capacity.limits(replace(before, process=before.process * part)), study.capacity.limits(before)
    ]  # fmt: skip
    low, high = (np.where(graph.gives >= 0, left.output, left.intake) for left in limits)
    low = low / part
    return low, np.where(graph.role == USE, low, high)


def _program(study: Study, why: str) -> ArcProgram:
    layers = commodities(study.graph, study.capacity.limits(study.before), study.before)
    columns = sum(len(layer.arcs) + len(layer.origins) + len(layer.destinations) for layer in layers)
    if columns > _COLUMNS:
        because = f" ({why})" if why else ""
        message = (
            f"a maximum flow is not exact for this network{because}, and its linear program has {columns:,} columns; "
            f"one that is solved again and again takes at most {_COLUMNS:,}. Ask about a part: net.select(...)."
        )
        raise LimitError(message)
    return arc_program(study.graph, study.before, demand=study.capacity.wanted)


def _program_oracle(study: Study, program: ArcProgram, chosen: Ints) -> ProgramOracle:
    """Return the program in which whole sites or edges fail."""
    from scipy.sparse import csr_array

    graph, items = study.graph, study.items
    number = _numbers(items, chosen)
    kind, what = program.kind, program.item
    moves = np.flatnonzero(kind == MOVE)
    worth, _ = worths(graph)
    on = np.zeros(len(kind))
    on[moves] = worth[graph.arc_product[what[moves]]]
    if items.by == "edge":
        item = number[what[moves]]
        pairs = [(item, moves)]
        exits, columns = item, moves
    else:
        tail, head = (number[graph.vertex_node[end[what[moves]]]] for end in (graph.source, graph.target))
        works = np.flatnonzero((kind == SEND) | (kind == DELIVER))
        at = number[graph.at[what[works]]]  # noqa: PD008 - an array
        pairs = [(tail, moves), (np.where(head != tail, head, -1), moves), (at, works)]
        # What passes an item leaves it, or is used there.
        used = (kind[works] == DELIVER) & (graph.role[what[works]] == USE)
        on[works[used]] = 1.0
        exits = np.concatenate([np.where(head != tail, tail, -1), np.where(used, at, -1)])
        columns = np.concatenate([moves, works])
    out = exits >= 0
    shape = (len(chosen), len(kind))
    cover = csr_array((on[columns[out]], (exits[out], columns[out])), shape=shape)
    item, column = (np.concatenate(side) for side in zip(*pairs, strict=True))
    inside = item >= 0
    order = np.lexsort((column[inside], item[inside]))
    item, column = item[inside][order], column[inside][order]
    ptr = np.concatenate([[0], np.cumsum(np.bincount(item, minlength=len(chosen)))])
    return ProgramOracle(program.linear, float(program.left.demand.sum()), ptr, column, cover)


def _owned_program(study: Study, program: ArcProgram, table: pd.DataFrame) -> ProgramOracle:
    """Return the program whose plants belong to owners in part: of a use, what it leaves unmet grows."""
    from scipy.sparse import csr_array

    graph, kind = study.graph, program.kind
    column_of = np.full(len(graph.processes), -1)
    ends = np.flatnonzero((kind == SEND) | (kind == UNMET))
    column_of[program.item[ends]] = ends
    owner, process, share = _holdings(study, table)
    worth, _ = worths(graph)
    each = np.where(graph.gives >= 0, worth[graph.gives], 1.0)
    has = (column_of[process] >= 0) & (each[process] > 0)
    owner, process, share = owner[has], process[has], share[has]
    low, high = (limit[process] for limit in _damaged(study, process))
    is_use = graph.role[process] == USE
    asked = np.where(is_use, program.left.demand[process], np.nan)
    shares = Shares(share, low, high, study.before.process[process])
    column = column_of[process]
    guide = np.where(is_use, -1.0, 1.0) * each[process] * share
    cover = csr_array((guide, (owner, column)), shape=(len(table), len(kind)))
    ptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(table)))])
    parts = Parts(shares, each[process], asked)
    return ProgramOracle(program.linear, float(program.left.demand.sum()), ptr, column, cover, parts=parts)
