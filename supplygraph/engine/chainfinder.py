"""The cheapest chain of plants from a source to a target, with anything closed.

A chain is a row of processes with a leg (a simple way of one product) between each two. It is found by
one sweep over the products, in the order in which they turn into each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

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
    """One product: its steps, and behind them a row per class of origins that enters where they stand.

    Origins of one class at one vertex share a slot: ``origins[slot[i]:slot[i + 1]]``. The weights of
    ``matrix`` are those of the steps, then of the slots.
    """

    low: int
    size: int
    arcs: Ints
    tails: Ints
    heads: Ints
    weight: Floats
    keys: Ints
    origins: Ints
    slot: Ints
    kind: Ints
    entry: Ints
    takers: Ints
    fits: Bools
    matrix: Any
    touched: int


class _Sweep(NamedTuple):
    """One search of one product: distance and predecessors per class used, less ``base``; what origins gave."""

    block: _Block
    kinds: Ints
    distance: Floats
    before: Ints
    base: float
    given: Floats

    def origin(self, row: int, vertex: int) -> int:
        """Return the origin behind the first vertex of a way: the best of its slot, of equals the first."""
        block = self.block
        at = int(np.flatnonzero((block.kind == self.kinds[row]) & (block.entry == vertex))[0])
        low, high = int(block.slot[at]), int(block.slot[at + 1])
        return int(block.origins[low + int(self.given[low:high].argmin())])


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
        What can be closed. ``keep`` names, for some of them, a further mark that closes what a chain
        that touches the first cannot use.
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
        self.graph, self.prices, self.starts = graph, prices, starts
        self._product, self._open_node = product, open_node
        self._open_process = open_process & open_node[graph.at]
        self._is_start = np.zeros(len(graph.processes), dtype=np.bool_)
        self._is_start[starts] = True
        self._order, acyclic = product_order(graph, product)
        self.marks, self.keep = _with_others(graph, marks, self._order) if acyclic else (marks, {})
        bundle = open_arc & np.isfinite(prices.arc)
        self._blocks = {item: self._block(item, bundle) for item in self._order}
        self._place = {item: place for place, item in enumerate(self._order)}
        self._found: dict[int, Found] = {}
        self._sweeps: dict[tuple[int, int, bytes], _Sweep] = {}

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
        from scipy.sparse import csr_array

        graph, weight = self.graph, self.prices.arc
        low, size = int(graph.block[product]), int(graph.block[product + 1] - graph.block[product])
        arcs = np.flatnonzero(open_arc & (graph.arc_product == product))
        tails, heads = graph.source[arcs] - low, graph.target[arcs] - low
        order = np.lexsort((arcs, weight[arcs], heads, tails))
        arcs, keys = arcs[order], (tails * size + heads)[order]
        keys, first = np.unique(keys, return_index=True)  # the lightest of each parallel bundle, then the first id
        arcs = arcs[first]
        tails, heads = np.divmod(keys, max(size, 1))
        origins, takers, possible = graph.pairs(product)
        if product != self._product:  # only what turns it into something needed is of use on the way
            useful = np.isin(graph.gives[takers], self._order)
            takers, possible = takers[useful], possible[:, useful]
        fits, kind = np.unique(possible, axis=0, return_inverse=True)
        entry, kind = graph.gives_at[origins] - low, kind.reshape(-1)
        order = np.lexsort((origins, entry, kind))
        origins, places = origins[order], (kind * size + entry)[order]
        places, first = np.unique(places, return_index=True)
        kind, entry = np.divmod(places, max(size, 1))
        rows = size + len(fits)
        indptr = np.zeros(rows + 1, dtype=np.int32)
        np.cumsum(np.bincount(np.concatenate([tails, size + kind]), minlength=rows), out=indptr[1:])
        into = np.concatenate([heads, entry]).astype(np.int32)
        matrix = csr_array((np.zeros(len(into)), into, indptr), shape=(rows, rows))
        return _Block(
            low, size, arcs, tails, heads, weight[arcs], keys, origins, np.append(first, len(origins)), kind, entry,
            takers, fits, matrix, self._touching(product),
        )  # fmt: skip

    def _touching(self, product: int) -> int:
        """Return the marks that close a place or a step of a product."""
        graph, bits = self.graph, 0
        here = np.zeros(len(graph.nodes), dtype=np.bool_)
        here[graph.vertex_node[graph.vertex_product == product]] = True
        for mark in range(len(self.marks)):
            if here[self.marks.nodes[mark]].any() or (graph.arc_product[self.marks.arcs[mark]] == product).any():
                bits |= 1 << mark
        return bits

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
        shut = self._shut(closed)
        process = shut[1]
        size = len(graph.processes)
        given = np.full(size, np.inf)
        begin = self.starts[~process[self.starts]]
        given[begin] = prices.fee[begin]
        found = Found(self._is_start, np.full(size, np.inf), np.full(size, -1), np.full(size, -1), [])
        waiting = set(graph.gives[begin].tolist()) & self._place.keys()
        left = (size + 1) * max(len(self._order), 1)
        while waiting:
            product = min(waiting, key=self._place.__getitem__)
            waiting.discard(product)
            sweep = self._sweep(self._blocks[product], given, closed, shut)
            better = found.note(graph, sweep, process)
            plants = better[(graph.role[better] == TRANSFORM) & ~self._is_start[better]]
            after = found.value[plants] / prices.gain[plants] + prices.fee[plants]
            lower = after < given[plants]
            given[plants[lower]] = after[lower]
            waiting |= set(graph.gives[plants[lower]].tolist()) & self._place.keys()
            left -= 1
            if left < 0:
                message = "products turn into each other at recoveries above 1, so going round would get ever cheaper"
                raise LimitError(f"{message}; rank by km or days, or correct `recovery` in processes.")
        return found

    def _sweep(self, block: _Block, given: Floats, closed: int, shut: tuple[Bools, Bools, Ints]) -> _Sweep:
        """Move one product from all its origins; the same question is answered from memory."""
        from scipy.sparse.csgraph import dijkstra

        inputs = given[block.origins]
        key = (block.low, closed & block.touched, inputs.tobytes())
        known = self._sweeps.get(key)
        if known is not None:
            return known
        node, _, steps = shut
        dead = node[self.graph.vertex_node[block.low : block.low + block.size]]
        weight = np.where(dead[block.tails] | dead[block.heads], np.inf, block.weight)
        if len(steps):
            ends = (block.tails + block.low) * len(self.graph.vertex_node) + block.heads + block.low
            weight = np.where(np.isin(ends, steps), np.inf, weight)
        # Fees may be below 0, weights of a search may not: every way begins with just one of them.
        entering = np.minimum.reduceat(inputs, block.slot[:-1])
        base = float(entering.min())
        data = block.matrix.data
        data[: len(weight)], data[len(weight) :] = weight, entering - base
        kinds = np.unique(block.kind[np.isfinite(entering)])
        distance, before = dijkstra(block.matrix, indices=block.size + kinds, return_predecessors=True)
        found = _Sweep(block, kinds, distance, before, base, inputs)
        self._sweeps[key] = found
        return found


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

    def note(self, graph: Expanded, sweep: _Sweep, shut: Bools) -> Ints:
        """Take over what a sweep reaches at a lower value than before; return those takers."""
        block = sweep.block
        into = graph.takes_at[block.takers] - block.low
        reach = np.where(block.fits[sweep.kinds], sweep.distance[:, into], np.inf)
        reach[:, shut[block.takers]] = np.inf
        best = reach.argmin(axis=0)
        value = reach[best, np.arange(len(into))] + sweep.base
        lower = value < self.value[block.takers]
        better: Ints = block.takers[lower]
        self.value[better] = value[lower]
        self.sweep[better], self.kind[better] = len(self.sweeps), best[lower]
        self.sweeps.append(sweep)
        return better

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
            at = sweep.origin(row, vertex)
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


def _with_others(graph: Expanded, marks: Marks, order: list[int]) -> tuple[Marks, dict[int, int]]:
    """Append, for marks that are plants giving one product, a mark of all others giving it.

    Where products do not turn into each other a chain has one giver of a product: one that touches the
    first mark does without the second.
    """
    of_use = np.isin(graph.gives, order)
    more: list[Ints] = []
    keep: dict[int, int] = {}
    for mark, members in enumerate(marks.processes):
        given = np.unique(graph.gives[members[of_use[members]]])
        if len(marks.nodes[mark]) or len(marks.arcs[mark]) or len(given) != 1:
            continue
        keep[mark] = len(marks) + len(more)
        more.append(np.setdiff1d(np.flatnonzero(graph.gives == given[0]), members))
    none = (np.zeros(0, dtype=np.int64),) * len(more)
    return Marks(marks.nodes + none, marks.processes + tuple(more), marks.arcs + none), keep


def product_order(graph: Expanded, product: int) -> tuple[list[int], bool]:
    """Products that can become this one, those that come first in the chain first; whether none comes back."""
    made = graph.role == TRANSFORM
    needed, wave = [product], [product]
    while wave:
        feeds = graph.takes[made & np.isin(graph.gives, wave)]
        wave = sorted({int(item) for item in feeds} - set(needed))
        needed += wave
    order: list[int] = []
    left, acyclic = set(needed), True
    while left:
        fed = {
            int(give)
            for take, give in zip(graph.takes[made], graph.gives[made], strict=True)
            if int(take) in left and int(give) in left
        }
        acyclic &= bool(left - fed)
        free = sorted(left - fed) or [min(left)]  # where products turn into each other any order will do
        order += free
        left -= set(free)
    return order, acyclic
