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
class Rule:
    """A limit on who may serve the first audience: ``sum weight[p] x sent_p <= share x sum member[p] x sent_p``.

    Both sums run over what processes send for the first audience. ``share`` 0 keeps the weighted plants out
    altogether; 0.65 lets them supply at most 65 %.

    Attributes
    ----------
    weight
        Per process, how much of a tonne counts against the rule (1 = all of it).
    member
        Per process, whether its tonnes count in the whole.
    share
        Largest share, 0 to 1.
    label
        The rule in words.
    """

    weight: Floats
    member: Bools
    share: float
    label: str

    @property
    def matters(self) -> Bools:
        """Of which processes it matters whom they serve."""
        return np.asarray((self.weight != 0) | (self.member & (self.share > 0)))

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two rules the same."""
        return self.weight.tobytes(), self.member.tobytes(), self.share, self.label


@dataclass(frozen=True, eq=False)
class Audiences:
    """Whose demand a tonne is for. All audiences share every capacity.

    Attributes
    ----------
    of
        Per process, the audience of a use; stock builds belong to the last audience.
    allowed
        Audience x process: whether an origin may serve that audience.
    labelled
        Per product, whether its tonnes carry the name of their audience. They need not before the first
        plant that a rule is about: then everything moves in the last audience.
    """

    of: Ints
    allowed: Bools
    labelled: Bools

    @property
    def count(self) -> int:
        """How many audiences there are."""
        return len(self.allowed)

    @classmethod
    def one(cls, graph: Expanded, *, barred: Bools | None = None) -> Audiences:
        """Everyone in one audience; every origin allowed but those barred."""
        size = len(graph.processes)
        open_to = np.ones((1, size), dtype=np.bool_) if barred is None else ~barred[None, :]
        return cls(np.zeros(size, dtype=np.int64), open_to, np.zeros(len(graph.products), dtype=np.bool_))

    @classmethod
    def zone_and_rest(cls, graph: Expanded, zone: Bools, matters: Bools) -> Audiences:
        """Two audiences: uses inside a zone, and the rest.

        ``matters`` tells of which processes it matters whom they serve; their output, and all that is made of it,
        carries the name of its audience.
        """
        labelled = np.zeros(len(graph.products), dtype=np.bool_)
        while True:
            fed = (graph.takes >= 0) & labelled[graph.takes]
            named = (matters | fed) & (graph.gives >= 0)
            more = labelled.copy()
            more[graph.gives[named]] = True
            if (more == labelled).all():
                break
            labelled = more
        of = np.where(zone, 0, 1).astype(np.int64)
        return cls(of, np.ones((2, len(of)), dtype=np.bool_), labelled)


@dataclass(frozen=True, eq=False)
class Rows:
    """Row numbers; -1 where there is no such row.

    balance[a, p]: what process p sends to audience a = recovery x what it takes for it (one row for all
    audiences where what it takes names none);
    output[p]: all it sends <= its limit; intake[p]: what a use takes + unmet = its demand, or what a
    stock build takes <= its limit; node[n], arc[e]: throughput where it is finite; rule[r]: who may serve
    the first audience; quota[q]: exports.
    """

    graph: Expanded
    audiences: Audiences
    balance: Ints
    output: Ints
    intake: Ints
    node: Ints
    arc: Ints
    rules: tuple[Rule, ...]
    rule: Ints
    wholes: tuple[Bools, ...]
    whole: Ints
    quotas: tuple[Quota, ...]
    quota: Ints
    lower: Floats
    upper: Floats

    @classmethod
    def of(
        cls, graph: Expanded, audiences: Audiences, left: Limits, rules: tuple[Rule, ...] = (),
        *, finite: tuple[Bools, Bools] | None = None,
    ) -> Rows:
        """Lay out the rows with their bounds; the export limits come last.

        ``finite`` says which sites and edges have a row, limit or not; by default those with a limit.
        """
        sites, edges = (np.isfinite(left.node), np.isfinite(left.arc)) if finite is None else finite
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
        names = (graph.takes >= 0) & audiences.labelled[graph.takes]
        own = made & np.column_stack([names] * (audiences.count - 1) + [np.ones(size, dtype=np.bool_)]).T
        balance = take(own, zero, zero)
        balance = np.where(names, balance, balance[-1])
        output = take(graph.gives >= 0, free, left.output)
        use = graph.role == USE
        intake = take(graph.gives < 0, np.where(use, left.demand, -np.inf), np.where(use, left.demand, left.intake))
        node = take(sites, np.full(len(left.node), -np.inf), left.node)
        arc = take(edges, np.full(len(left.arc), -np.inf), left.arc)
        rule = take(np.ones(len(rules), dtype=np.bool_), np.full(len(rules), -np.inf), np.zeros(len(rules)))
        wholes = tuple({rule.member.tobytes(): rule.member for rule in rules if rule.share > 0}.values())
        whole = take(np.ones(len(wholes), dtype=np.bool_), np.zeros(len(wholes)), np.zeros(len(wholes)))
        allowed = np.array([quota.limit for quota in left.quotas])
        quota = take(np.ones(len(allowed), dtype=np.bool_), np.full(len(allowed), -np.inf), allowed)
        lower, upper = (np.concatenate([pair[side] for pair in bounds]) for side in (0, 1))
        return cls(
            graph, audiences, balance, output, intake, node, arc, rules, rule, wholes, whole, left.quotas, quota,
            lower, upper,
        )

    def __len__(self) -> int:
        return len(self.lower)

    def sending(self, origins: Ints, audience: Ints) -> list[tuple[Ints, Floats]]:
        """Entries of a tonne leaving its origin."""
        ones = np.ones(len(origins))
        entries = [(self.output[origins], ones), (self.balance[audience, origins], ones)]
        for rule, row in zip(self.rules, self.rule, strict=True):
            part = rule.weight[origins]
            entries.append((np.where((audience == 0) & (part != 0), row, -1), part))
        for member, row in zip(self.wholes, self.whole, strict=True):
            entries.append((np.where((audience == 0) & member[origins], row, -1), ones))
        return entries

    def sums(self) -> list[tuple[Ints, Floats]]:
        """Entries of the columns that hold what all members of a rule send, one per whole."""
        entries = [(self.whole, np.full(len(self.wholes), -1.0))]
        for rule, row in zip(self.rules, self.rule, strict=True):
            mine = np.array([rule.share > 0 and bool((rule.member == member).all()) for member in self.wholes])
            entries.append((np.where(mine, row, -1), np.full(len(mine), -rule.share)))
        return entries

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

    def matrix(self, rows: int | None = None) -> csc_array:
        """Return all columns; ``rows`` where rows were appended since."""
        return assemble(*self._pieces, (self.rows if rows is None else rows, self.count))
