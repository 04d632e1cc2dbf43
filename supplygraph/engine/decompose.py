"""From flows on arcs to shipments: who sends to whom, by which route, how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.arcs import DELIVER, MOVE, SEND

if TYPE_CHECKING:
    from supplygraph.engine.arcs import ArcProgram
    from supplygraph.engine.expanded import Floats, Ints


@dataclass(frozen=True, eq=False)
class Shipped:
    """Shipments as arrays; the route of shipment s is ``arcs[ptr[s]:ptr[s + 1]]`` in travel order.

    ``circling`` is the flow per arc that was left out because it only went in circles, and ``dust_t`` the
    tonnes that round-off kept from arriving (at most the tolerance per plant).
    """

    origin: Ints
    destination: Ints
    product: Ints
    flow: Floats
    ptr: Ints
    arcs: Ints
    circling: Floats
    dust_t: float


def shipments(program: ArcProgram, x: Floats, *, tolerance: float = 1e-9) -> Shipped:
    """Split a solution over arcs into shipments.

    Parameters
    ----------
    program, x
        The program and a feasible solution of it, in tonnes.
    tolerance
        Flows of at most this share of the largest flow count as none.

    Returns
    -------
    Shipped
        Per commodity at most one shipment per column with a flow. Their sums are the flows sent,
        moved and delivered, less flows in circles.

    Notes
    -----
    Which origin serves which destination within a commodity is not determined by flows on arcs: origins
    are taken in order, and at every vertex the first destination, then the first arc, that still has
    flow. Every walk empties at least one column, or one arc of a circle: O(columns x length of a route).

    Examples
    --------
    >>> from supplygraph.engine.arcs import arc_program
    >>> from supplygraph.engine.expanded import expand
    >>> from supplygraph.engine.linear import solve
    >>> from toys import chain
    >>> program = arc_program(expand(chain()), price=30000.0)
    >>> sent = shipments(program, solve(program.linear).x)
    >>> round(float(sent.flow[sent.product == 1].sum()), 6)
    99.0
    """
    graph = program.graph
    small = tolerance * max(float(np.max(x, initial=0.0)), 1.0)
    found: list[tuple[int, int, int, float, list[int]]] = []
    circling = np.zeros(len(graph.source))
    dust = 0.0
    for number, group in enumerate(program.commodities):
        own = np.flatnonzero((program.commodity == number) & (x > small))
        walker = _Walker.of(program, own, x[own], small, circling)
        for column in own[program.kind[own] == SEND].tolist():
            left = float(x[column])
            origin = int(program.item[column])
            while left > small:
                destination, amount, route = walker.walk(int(graph.gives_at[origin]), left)
                if destination < 0:
                    dust += left
                    break
                left -= amount
                found.append((origin, destination, group.product, amount, route))
        walker.leave()
    ptr = np.zeros(len(found) + 1, dtype=np.int64)
    np.cumsum([len(row[4]) for row in found], out=ptr[1:])
    origin_of, destination_of, product_of = (
        np.array([row[side] for row in found], dtype=np.int64) for side in range(3)
    )
    return Shipped(
        origin_of, destination_of, product_of, np.array([row[3] for row in found], dtype=np.float64), ptr,
        np.array([arc for row in found for arc in row[4]], dtype=np.int64), circling, dust,
    )


@dataclass(eq=False)
class _Walker:
    """What is left of one commodity's flow: per vertex, its deliveries and then its arcs, in order."""

    ways: dict[int, list[list[float]]]  # vertex -> [flow left, item, vertex it leads to (-1 = a destination)]
    small: float
    circling: Floats

    @classmethod
    def of(cls, program: ArcProgram, own: Ints, flow: Floats, small: float, circling: Floats) -> _Walker:
        graph = program.graph
        ways: dict[int, list[list[float]]] = {}
        for kind in (MOVE, DELIVER):  # taken from the end: deliveries first
            on = np.flatnonzero(program.kind[own] == kind)[::-1]
            items = program.item[own[on]]
            tails = graph.source[items] if kind == MOVE else graph.takes_at[items]
            heads = graph.target[items] if kind == MOVE else np.full(len(items), -1)
            for tail, amount, item, head in zip(
                tails.tolist(), flow[on].tolist(), items.tolist(), heads.tolist(), strict=True
            ):
                ways.setdefault(tail, []).append([amount, item, head])
        return cls(ways, small, circling)

    def walk(self, start: int, most: float) -> tuple[int, float, list[int]]:
        """Follow flow from a vertex to a destination; return it (-1 = lost to round-off), tonnes and route."""
        at, seen = start, {start: 0}
        steps: list[list[float]] = []
        while True:
            here = self.ways.get(at, [])
            while here and here[-1][0] <= self.small:
                here.pop()
            if not here:
                if not steps:
                    return -1, 0.0, []
                # Round-off: what came this way has nowhere to go.
                steps[-1][0] = 0.0
                at, steps, seen = start, [], {start: 0}
                continue
            step = here[-1]
            head = int(step[2])
            if head < 0:
                amount = min(most, step[0], *(s[0] for s in steps))
                for s in (*steps, step):
                    s[0] -= amount
                return int(step[1]), amount, [int(s[1]) for s in steps]
            steps.append(step)
            if head in seen:
                steps = self._cancel(steps, seen, head)
                at = head
                continue
            seen[head] = len(steps)
            at = head

    def leave(self) -> None:
        """Count what no walk has met: it starts and ends nowhere, so it goes in circles."""
        for here in self.ways.values():
            for amount, item, head in here:
                if head >= 0 and amount > self.small:
                    self.circling[int(item)] += amount

    def _cancel(self, steps: list[list[float]], seen: dict[int, int], head: int) -> list[list[float]]:
        """Take a circle out of the flow; return the steps before it."""
        first = seen[head]
        circle = steps[first:]
        amount = min(step[0] for step in circle)
        for step in circle:
            step[0] -= amount
            self.circling[int(step[1])] += amount
        for vertex in [v for v, place in seen.items() if place > first]:
            del seen[vertex]
        return steps[:first]
