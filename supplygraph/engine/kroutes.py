"""Ranked chains from mines to factories that avoid each other: exact, by branching on what to avoid.

The next chain worth listing is the cheapest that avoids, of every chain listed before, at least one
*mark* (a country, a strait, a site, a step).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.chainfinder import Chain, bits_of

if TYPE_CHECKING:
    from supplygraph.engine.chainfinder import Finder, Marks
    from supplygraph.engine.expanded import Expanded, Ints


class Signer:
    """Reads the marks of a chain, as bits."""

    def __init__(self, graph: Expanded, marks: Marks) -> None:
        self._graph = graph
        self._node: dict[int, int] = {}
        self._process: dict[int, int] = {}
        self._arc: dict[tuple[int, int], int] = {}
        for mark in range(len(marks)):
            for table, members in ((self._node, marks.nodes[mark]), (self._process, marks.processes[mark])):
                for member in members.tolist():
                    table[member] = table.get(member, 0) | 1 << mark
            for arc in marks.arcs[mark].tolist():
                ends = (int(graph.source[arc]), int(graph.target[arc]))
                self._arc[ends] = self._arc.get(ends, 0) | 1 << mark

    def __call__(self, chain: Chain) -> int:
        """Return the marks that a chain touches."""
        graph, bits = self._graph, 0
        for process in chain.processes:
            bits |= self._process.get(process, 0) | self._node.get(int(graph.at[process]), 0)
        for arc in (step for leg in chain.legs for step in leg):
            tail, head = int(graph.source[arc]), int(graph.target[arc])
            bits |= self._arc.get((tail, head), 0)
            bits |= self._node.get(int(graph.vertex_node[tail]), 0) | self._node.get(int(graph.vertex_node[head]), 0)
        return bits


def ranked(finder: Finder, signer: Signer, targets: Ints, k: int) -> list[Chain]:
    """Return up to k chains: each the cheapest that avoids a mark of every one before it.

    Parameters
    ----------
    finder, signer
        Over the same marks.
    targets
        Processes of which any will do.
    k
        How many chains.

    Returns
    -------
    list of Chain
        In rising value; fewer than k if there are no more. Of equal values the first found.

    Notes
    -----
    Exact. The chains are split into cells: those that avoid some marks and touch others; a cell is
    bounded by its cheapest chain (what it must touch counts only where other plants can be closed for it). The
    cell of least bound is popped. If its chain contains all marks of a listed one, or is listed now, any later
    chain of the cell avoids one of these marks: the first, or the second but not the first, and so on, which are
    the next cells. A cell that must touch all of them has no later chain. One search per set of
    closed marks, shared between targets; exponential in k at worst.
    """
    limit = _useful(finder, targets)
    listed: list[tuple[Chain, int]] = []
    heap: list[tuple[float, int, int, int, Chain | None]] = [(0.0, 0, 0, 0, None)]
    number = 0
    while heap and len(listed) < k:
        _, _, closed, kept, chain = heappop(heap)
        if chain is None:
            found = finder.search(closed)
            value = found.best(targets)
            if np.isfinite(value):
                number += 1
                heappush(heap, (value, number, closed, kept, found.chain(finder.graph, targets)))
            continue
        marks = signer(chain)
        inside = [bits & limit & ~kept for _, bits in listed if not bits & ~marks]
        if not inside:
            listed.append((chain, marks))
            inside = [marks & limit & ~kept]
        for mark in sorted(bits_of(min(inside, key=int.bit_count)), key=lambda mark: (mark not in finder.keep, mark)):
            bound = _bound(finder, closed | 1 << mark, targets, chain.value)
            if np.isfinite(bound):
                number += 1
                heappush(heap, (bound, number, closed | 1 << mark, kept, None))
            kept |= 1 << mark
            if mark in finder.keep:
                closed |= 1 << finder.keep[mark]
    return [chain for chain, _ in listed]


def least_cause(finder: Finder, targets: Ints, marks: list[int]) -> list[int] | None:
    """Return a smallest set of marks (none can be spared) that cuts the targets off; None if all together do not.

    Notes
    -----
    Divide and conquer over the marks in their order: later ones are blamed first. O(m log(n / m)) searches for m of n.
    """

    def blocked(chosen: list[int]) -> bool:
        return not np.isfinite(finder.search(sum(1 << mark for mark in chosen)).best(targets))

    def split(base: list[int], fresh: bool, rest: list[int]) -> list[int]:  # noqa: FBT001
        if fresh and blocked(base):
            return []
        if len(rest) == 1:
            return rest
        late, early = rest[len(rest) // 2 :], rest[: len(rest) // 2]
        found = split(base + late, bool(late), early)
        return split(base + found, bool(found), late) + found

    if not blocked(marks):
        return None
    if blocked([]):
        return []
    return sorted(split([], False, marks))


def _bound(finder: Finder, closed: int, targets: Ints, least: float) -> float:
    """Bound a set from below by those of its parts that were searched: closing more never gets cheaper."""
    for mark in bits_of(closed):
        known = finder.known(closed & ~(1 << mark))
        if known is not None:
            least = max(least, known.best(targets))
    return least


def _useful(finder: Finder, targets: Ints) -> int:
    """Return the marks whose closing leaves some start and some target."""
    bits, at = 0, finder.graph.at
    for mark in range(len(finder.marks) - len(finder.keep)):
        shut = np.zeros(len(at), dtype=np.bool_)
        shut[finder.marks.processes[mark]] = True
        shut |= np.isin(at, finder.marks.nodes[mark])
        if not (shut[targets].all() or shut[finder.starts].all()):
            bits |= 1 << mark
    return bits
