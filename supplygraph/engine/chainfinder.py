"""The cheapest chain of plants from a source to a target, with anything closed.

A chain is a row of processes with a leg (a simple way of one product) between each two. It is found by
one sweep over the products, in the order in which they turn into each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.expanded import TRANSFORM
from supplygraph.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints


@dataclass(frozen=True, eq=False)
class Prices:
    """What is added up along a chain.

    Attributes
    ----------
    arc
        Per arc and tonne moved, at least 0.
    fee
        Per process and tonne of output; below 0 where by-products pay more than processing costs.
    gain
        Per process: tonnes out per tonne in; all 1 for quantities that do not shrink (km, days).
    """

    arc: Floats
    fee: Floats
    gain: Floats


@dataclass(frozen=True, eq=False)
class Marks:
    """What chains may avoid: each mark is a set of nodes, processes and arcs that close together.

    Parallel arcs are one step: closing one closes all of them.
    """

    nodes: tuple[Ints, ...]
    processes: tuple[Ints, ...]
    arcs: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.nodes)


class Chain(NamedTuple):
    """Processes from the origin to the target, and the arcs of each leg between them."""

    processes: tuple[int, ...]
    legs: tuple[tuple[int, ...], ...]
    value: float


class _Block(NamedTuple):
    """One product: its steps as CSR with a row in front of each class of origins, and who takes it."""

    low: int
    size: int
    arcs: Ints
    tails: Ints
    heads: Ints
    weight: Floats
    keys: Ints
    origins: Ints
    kind: Ints
    kinds: int
    takers: Ints
    fits: Bools


class _Sweep(NamedTuple):
    """One search of one product: predecessors per class, and the origin behind each first vertex."""

    block: _Block
    before: Ints
    origin: dict[tuple[int, int], int]


class Finder:
    """Cheapest chains from some origins into one product's takers, with any marks closed.

    Parameters
    ----------
    graph
        The expanded network.
    prices
        What to add up.
    starts
        Processes where a chain may begin.
    product
        The product delivered.
    marks
        What can be closed.
    open_arc, open_node, open_process
        What may be used at all.

    Notes
    -----
    Between plants the material is of one form class (origins with the same possible takers), so a
    search runs one Dijkstra per product and class; plants turn the cost of a tonne taken, c, into
    c / gain + fee per tonne given. Products are swept in the order of the chain: with gains below one
    this is what a plain graph search cannot do.
    """

    def __init__(
        self, graph: Expanded, prices: Prices, starts: Ints, product: int, marks: Marks, *,
        open_arc: Bools, open_node: Bools, open_process: Bools,
    ) -> None:  # fmt: skip
        self.graph, self.prices, self.starts, self.marks = graph, prices, starts, marks
        self._product, self._open_node = product, open_node
        self._open_process = open_process & open_node[graph.at]
        self._is_start = np.zeros(len(graph.processes), dtype=np.bool_)
        self._is_start[starts] = True
        self._order = _product_order(graph, product)
        bundle = open_arc & np.isfinite(prices.arc)
        self._blocks = {item: self._block(item, bundle) for item in self._order}
        self._found: dict[int, Found] = {}

    def search(self, closed: int = 0) -> Found:
        """Search with the marks in the bits of ``closed`` shut; the same question is answered from memory."""
        found = self._found.get(closed)
        if found is None:
            found = self._found[closed] = self._search(closed)
        return found

    def known(self, closed: int) -> Found | None:
        """Return an earlier answer, if there is one."""
        return self._found.get(closed)

    @property
    def searches(self) -> int:
        """How many different searches were run."""
        return len(self._found)

    def _block(self, product: int, open_arc: Bools) -> _Block:
        graph, weight = self.graph, self.prices.arc
        low, size = int(graph.block[product]), int(graph.block[product + 1] - graph.block[product])
        arcs = np.flatnonzero(open_arc & (graph.arc_product == product))
        tails, heads = graph.source[arcs] - low, graph.target[arcs] - low
        order = np.lexsort((arcs, weight[arcs], heads, tails))
        arcs, keys = arcs[order], (tails * size + heads)[order]
        keys, first = np.unique(keys, return_index=True)  # the lightest of each parallel bundle, then the first id
        arcs = arcs[first]
        origins, takers, possible = graph.pairs(product)
        if product != self._product:  # only what turns it into something needed is of use on the way
            useful = np.isin(graph.gives[takers], self._order)
            takers, possible = takers[useful], possible[:, useful]
        fits, kind = np.unique(possible, axis=0, return_inverse=True)
        tails, heads = np.divmod(keys, max(size, 1))
        return _Block(
            low, size, arcs, tails, heads, weight[arcs], keys, origins, kind.reshape(-1), len(fits), takers, fits
        )

    @cached_property
    def _step_marks(self) -> list[Ints]:
        """Per mark, the arcs that close, as any arc of the same bundle."""
        ends = self.graph.source * len(self.graph.vertex_node) + self.graph.target
        return [np.unique(ends[arcs]) for arcs in self.marks.arcs]

    def _shut(self, closed: int) -> tuple[Bools, Bools, Ints]:
        node, process = ~self._open_node, ~self._open_process
        steps: list[Ints] = []
        if closed:
            node, process = node.copy(), process.copy()
            for mark in bits_of(closed):
                node[self.marks.nodes[mark]] = True
                process[self.marks.processes[mark]] = True
                if len(self.marks.arcs[mark]):
                    steps.append(self._step_marks[mark])
            process |= node[self.graph.at]
        return node, process, np.concatenate(steps) if steps else np.zeros(0, dtype=np.int64)

    def _search(self, closed: int) -> Found:
        graph, prices = self.graph, self.prices
        node, process, steps = self._shut(closed)
        size = len(graph.processes)
        given = np.full(size, np.inf)
        begin = self.starts[~process[self.starts]]
        given[begin] = prices.fee[begin]
        found = Found(self._is_start, np.full(size, np.inf), np.full(size, -1), np.full(size, -1), [])
        waiting = {int(item) for item in graph.gives[begin]} & set(self._order)
        left = (size + 1) * max(len(self._order), 1)
        while waiting:
            product = min(waiting, key=self._order.index)
            waiting.discard(product)
            better = self._sweep(found, self._blocks[product], given, (node, process, steps))
            plants = better[(graph.role[better] == TRANSFORM) & ~self._is_start[better]]
            after = found.value[plants] / prices.gain[plants] + prices.fee[plants]
            lower = after < given[plants]
            given[plants[lower]] = after[lower]
            waiting |= {int(item) for item in graph.gives[plants[lower]]} & set(self._order)
            left -= 1
            if left < 0:
                message = "products turn into each other at recoveries above 1, so going round would get ever cheaper"
                raise LimitError(f"{message}; rank by km or days, or correct `recovery` in processes.")
        return found

    def _sweep(
        self, found: Found, block: _Block, given: Floats, shut: tuple[Bools, Bools, Ints]
    ) -> Ints:
        """Move one product from all its origins; return the takers reached at a lower value than before."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        graph = self.graph
        node, process, steps = shut
        closed = node[graph.vertex_node[block.low : block.low + block.size]]
        weight = np.where(closed[block.tails] | closed[block.heads], np.inf, block.weight)
        if len(steps):
            ends = (block.tails + block.low) * len(graph.vertex_node) + block.heads + block.low
            weight = np.where(np.isin(ends, steps), np.inf, weight)
        ready = np.flatnonzero(np.isfinite(given[block.origins]))
        origins, kind = block.origins[ready], block.kind[ready]
        entry = graph.gives_at[origins] - block.low
        order = np.lexsort((origins, given[origins], entry, kind))
        origins, kind, entry = origins[order], kind[order], entry[order]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (kind[1:] != kind[:-1]) | (entry[1:] != entry[:-1])
        origins, kind, entry = origins[first], kind[first], entry[first]
        rows = block.size + block.kinds
        indptr = np.zeros(rows + 1, dtype=np.int32)
        np.cumsum(
            np.concatenate([
                np.bincount(block.tails, minlength=block.size), np.bincount(kind, minlength=block.kinds)
            ]), out=indptr[1:],
        )  # fmt: skip
        base = float(given[origins].min())  # entries may be below 0, weights of a search may not
        data = np.concatenate([weight, given[origins] - base])
        heads = np.concatenate([block.heads, entry]).astype(np.int32)
        matrix = csr_array((data, heads, indptr), shape=(rows, rows))
        used = np.unique(kind)
        distance, before = dijkstra(matrix, indices=block.size + used, return_predecessors=True)
        into = graph.takes_at[block.takers] - block.low
        reach = np.where(block.fits[used], distance[:, into], np.inf)
        reach[:, process[block.takers]] = np.inf
        best = reach.argmin(axis=0)
        value = reach[best, np.arange(len(into))] + base
        lower = value < found.value[block.takers]
        better: Ints = block.takers[lower]
        found.value[better] = value[lower]
        found.sweep[better], found.kind[better] = len(found.sweeps), best[lower]
        behind = dict(zip(zip(np.searchsorted(used, kind).tolist(), entry.tolist(), strict=True), origins.tolist(),
                          strict=True))  # fmt: skip
        found.sweeps.append(_Sweep(block, before, behind))
        return better


@dataclass(frozen=True, eq=False)
class Found:
    """Answer of one search.

    Attributes
    ----------
    value
        Per process: least total per tonne that it takes; ``inf`` = no chain.
    """

    is_start: Bools
    value: Floats
    sweep: Ints
    kind: Ints
    sweeps: list[_Sweep]

    def best(self, targets: Ints) -> float:
        """Return the least value among some targets."""
        return float(self.value[targets].min(initial=np.inf))

    def reached(self, graph: Expanded) -> Ints:
        """Return the nodes that anything from the starts gets to, sorted."""
        found = [
            graph.vertex_node[sweep.block.low + np.flatnonzero((sweep.before.max(axis=0) >= 0)[: sweep.block.size])]
            for sweep in self.sweeps
        ]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)

    def chain(self, graph: Expanded, targets: Ints) -> Chain:
        """Return the cheapest chain into one of the targets (of equals, the first)."""
        at = int(targets[self.value[targets].argmin()])
        value, processes, legs = float(self.value[at]), [at], []
        while True:
            sweep, row = self.sweeps[int(self.sweep[at])], int(self.kind[at])
            block, before = sweep.block, sweep.before[row]
            vertex, steps = int(graph.takes_at[at]) - block.low, []
            while (last := int(before[vertex])) < block.size:
                steps.append(int(block.arcs[np.searchsorted(block.keys, last * block.size + vertex)]))
                vertex = last
            at = sweep.origin[row, vertex]
            processes.append(at)
            legs.append(tuple(steps[::-1]))
            if self.is_start[at]:
                return Chain(tuple(processes[::-1]), tuple(legs[::-1]), value)


def bits_of(value: int) -> Iterator[int]:
    """Yield the places of the bits that are set, from the lowest."""
    while value:
        low = value & -value
        yield low.bit_length() - 1
        value ^= low


def _product_order(graph: Expanded, product: int) -> list[int]:
    """Products that can become this one, those that come first in the chain first."""
    made = graph.role == TRANSFORM
    needed, wave = [product], [product]
    while wave:
        feeds = graph.takes[made & np.isin(graph.gives, wave)]
        wave = sorted({int(item) for item in feeds} - set(needed))
        needed += wave
    order: list[int] = []
    left = set(needed)
    while left:
        fed = {
            int(give)
            for take, give in zip(graph.takes[made], graph.gives[made], strict=True)
            if int(take) in left and int(give) in left and take != give
        }
        free = sorted(left - fed) or [min(left)]  # where products turn into each other any order will do
        order += free
        left -= set(free)
    return order
