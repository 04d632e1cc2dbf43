"""Rows and columns of the program: what a shipment touches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import TRANSFORM, USE
from supplygraph.engine.solver import assemble

if TYPE_CHECKING:
    from scipy.sparse import csc_array

    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Limits, Quota


@dataclass(frozen=True, eq=False)
class Audiences:
    """Whose demand a tonne is for. All audiences share every capacity.

    Attributes
    ----------
    of
        Per process, the audience of a use; stock builds belong to the last audience.
    allowed
        Audience x process: whether an origin may serve that audience.
    """

    of: Ints
    allowed: Bools

    @property
    def count(self) -> int:
        """How many audiences there are."""
        return len(self.allowed)

    @classmethod
    def one(cls, graph: Expanded) -> Audiences:
        """Everyone in one audience, every origin allowed."""
        size = len(graph.processes)
        return cls(np.zeros(size, dtype=np.int64), np.ones((1, size), dtype=np.bool_))


@dataclass(frozen=True, eq=False)
class Rows:
    """Row numbers; -1 where there is no such row.

    balance[a, p]: what process p sends to audience a = recovery x what it takes for it;
    output[p]: all it sends <= its limit; intake[p]: what a use takes + unmet = its demand, or what a
    stock build takes <= its limit; node[n], arc[e]: throughput where it is finite; quota[q]: exports.
    """

    graph: Expanded
    audiences: Audiences
    balance: Ints
    output: Ints
    intake: Ints
    node: Ints
    arc: Ints
    quotas: tuple[Quota, ...]
    quota: Ints
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, graph: Expanded, audiences: Audiences, left: Limits) -> Rows:
        """Lay out the rows with their bounds."""
        size = len(graph.processes)
        made = graph.role == TRANSFORM
        bounds: list[tuple[Floats, Floats]] = []
        start = 0

        def take(mask: Bools, low: Floats, high: Floats) -> Ints:
            nonlocal start
            numbers = np.full(mask.shape, -1, dtype=np.int64)
            numbers[mask] = np.arange(start, start + int(mask.sum()))
            start += int(mask.sum())
            bounds.append((low[mask], high[mask]))
            return numbers

        free = np.full(size, -np.inf)
        zero = np.zeros((audiences.count, size))
        balance = take(np.broadcast_to(made, zero.shape).copy(), zero, zero)
        output = take(graph.gives >= 0, free, left.output)
        use = graph.role == USE
        intake = take(graph.gives < 0, np.where(use, left.demand, -np.inf), np.where(use, left.demand, left.intake))
        node = take(np.isfinite(left.node), np.full(len(left.node), -np.inf), left.node)
        arc = take(np.isfinite(left.arc), np.full(len(left.arc), -np.inf), left.arc)
        allowed = np.array([quota.limit for quota in left.quotas])
        quota = take(np.ones(len(allowed), dtype=np.bool_), np.full(len(allowed), -np.inf), allowed)
        lower, upper = (np.concatenate([pair[side] for pair in bounds]) for side in (0, 1))
        return cls(graph, audiences, balance, output, intake, node, arc, left.quotas, quota, lower, upper)

    def __len__(self) -> int:
        return len(self.lower)

    def sending(self, origins: Ints, audience: Ints) -> list[tuple[Ints, Floats]]:
        """Entries of a tonne leaving its origin."""
        ones = np.ones(len(origins))
        return [(self.output[origins], ones), (self.balance[audience, origins], ones)]

    def taking(self, destinations: Ints, audience: Ints) -> list[tuple[Ints, Floats]]:
        """Entries of a tonne entering its destination."""
        ones = np.ones(len(destinations))
        return [
            (self.intake[destinations], ones),
            (self.balance[audience, destinations], -self.graph.recovery[destinations]),
        ]

    def leaving(self, origins: Ints, destinations: Ints) -> list[tuple[Ints, Floats]]:
        """Entries of a tonne in the export limits it counts against."""
        ones = np.ones(len(origins))
        return [
            (np.where(quota.covers(self.graph, origins, destinations), row, -1), ones)
            for quota, row in zip(self.quotas, self.quota, strict=True)
        ]

    def moving(self, origins: Ints, steps: Ints) -> list[tuple[Ints, Floats]]:
        """Entries of a tonne on its route (``steps``: columns x arcs, padded with -1)."""
        ones = np.ones(len(origins))
        entries = [(self.node[self.graph.at[origins]], ones)]
        for column in range(steps.shape[1]):
            arcs = steps[:, column]
            on = arcs >= 0
            into = np.where(on, self.graph.visits(np.where(on, arcs, 0)), -1) if len(self.graph.source) else arcs
            entries.append((np.where(on, self.arc[arcs], -1), ones))
            entries.append((np.where(into >= 0, self.node[into], -1), ones))
        return entries


@dataclass(eq=False)
class Builder:
    """Columns being collected, block by block."""

    rows: int
    count: int = 0
    _pieces: tuple[list[Ints], list[Ints], list[Floats]] = field(default_factory=lambda: ([], [], []))

    def add(self, count: int, entries: list[tuple[Ints, Floats]]) -> slice:
        """Append columns; every entry gives one row number (-1 = none) and value per column."""
        numbers = np.arange(self.count, self.count + count)
        for row, value in entries:
            there = row >= 0
            self._pieces[0].append(row[there])
            self._pieces[1].append(numbers[there])
            self._pieces[2].append(value[there])
        block = slice(self.count, self.count + count)
        self.count += count
        return block

    def matrix(self) -> csc_array:
        """Return all columns."""
        return assemble(*self._pieces, (self.rows, self.count))
