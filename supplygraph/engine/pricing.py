"""Routes that the present duals would pay for: Dijkstra with the shadow prices of limits as tolls.

Repeated until no pair can improve, which proves the optimum over all routes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.hubs import serves
from supplygraph.engine.paths import MOVED, NEW, Columns, route_columns
from supplygraph.engine.routing import Routes, cheapest

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.model import Model
    from supplygraph.engine.paths import Draft, Prices
    from supplygraph.engine.solver import Solver
    from supplygraph.engine.ways import Ways

#: Weight of earlier phases when later ones look for routes.
_BEFORE = 1e4


@dataclass(eq=False)
class Pricer:
    """Appends improving routes to a model and its solver."""

    graph: Expanded
    ways: list[Ways]
    scenario: Scenario
    draft: Draft
    prices: Prices
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def __call__(
        self, model: Model, solver: Solver | None, dual: Floats, *, paid: bool,
        marginal: Callable[[Columns], Floats] | None = None,
    ) -> int:
        """Append routes of negative reduced cost that no earlier phase forbids; return how many.

        ``paid`` tells whether tonnes cost what :class:`Prices` says, or nothing; ``marginal`` is then the cost of one
        tonne on given columns (None = nothing, and links have no new ways).
        """
        weight = self._tolls(dual) + (self.graph.cost if paid else 0.0)
        for before, with_cost in model.held:  # first of all a route must be as good as any in earlier phases
            weight = weight + _BEFORE * (self._tolls(before) + (self.graph.cost if with_cost else 0.0))
        # What an earlier phase holds full may now pay for being used; what it priced outweighs that.
        weight = np.maximum(weight, 0.0)
        if not self._seen and model.table is not None:
            self._seen.update(_names(model.table))
        start = len(self.draft.blocks)
        count = self.draft.builder.count
        kinds = (NEW, MOVED) if paid or marginal is not None else (NEW,)
        for product, way in enumerate(self.ways):
            found = cheapest(
                self.graph, product, self.graph.gives_at[way.origins], self.graph.takes_at[way.destinations],
                weight=weight, closed_node=self.scenario.closed_node, closed_arc=self.scenario.closed_arc,
            )  # fmt: skip
            for audience in range(self.draft.rows.audiences.count):
                on = serves(self.graph, self.draft.rows.audiences, way, audience) & np.isfinite(found.weight)
                for kind in kinds:
                    self._add(model, way, found, on, audience, kind, dual, marginal, paid=paid)
        count = self.draft.builder.count - count
        if count:
            more = Columns.join(self.draft.blocks[start:])
            model.grow(solver, self.draft, more, self.prices.of(self.graph, more), paid=paid)
        return count

    def _tolls(self, dual: Floats) -> Floats:
        rows, graph = self.draft.rows, self.graph
        toll = np.where(rows.arc >= 0, -dual[rows.arc], 0.0)
        into = graph.visits(np.arange(len(graph.source)))
        return toll + np.where((into >= 0) & (rows.node[into] >= 0), -dual[rows.node[into]], 0.0)

    def _add(
        self, model: Model, way: Ways, found: Routes, on: Bools, audience: int, kind: int, dual: Floats,
        marginal: Callable[[Columns], Floats] | None, *, paid: bool,
    ) -> None:
        """Append the columns of one product, audience and kind that have a negative reduced cost."""
        row, column = np.nonzero(on)
        links = self._link(way)[row, column]
        if kind == MOVED:
            row, column, links = row[links >= 0], column[links >= 0], links[links >= 0]
        haul = found.total(self.graph.cost)[row, column]
        block = route_columns(
            kind, way.origins[row], way.destinations[column], audience, found.steps[row, column], haul,
            way.calm[row, column],
        )
        usd = self.prices.of(self.graph, block)
        cost = usd if paid else np.zeros(len(usd)) if marginal is None else marginal(block)
        numbers = self.draft.pair_row[links] if kind == MOVED else np.full(len(haul), -1)
        tight = 1e-7 if marginal is None else 1e-9  # a quadratic turns a small price into many tonnes
        good = cost + self._reduced(block, numbers, dual) < -tight * (1.0 + np.abs(cost))
        for before, with_cost in model.held:
            spent = usd if with_cost else np.zeros(len(usd))
            good &= spent + self._reduced(block, numbers, before) < 1e-7 * (1.0 + np.abs(spent))
        # Prices of a degenerate optimum may make a route look good that is there already.
        good[good] = [name not in self._seen for name in _names(block.where(good))]
        if good.any():
            self._seen.update(_names(block.where(good)))
            self.draft.add(block.where(good), np.inf, [(numbers[good], np.ones(int(good.sum())))])

    def _link(self, way: Ways) -> Ints:
        """Return the number of the link of each pair, -1 where they do not trade today."""
        links = self.draft.links
        numbers = np.full(way.open.shape, -1)
        row, column = way.row[links.origin], way.column[links.destination]
        there = (row >= 0) & (column >= 0)
        there &= links.product == (self.graph.gives[way.origins[0]] if len(way.origins) else -1)
        numbers[row[there], column[there]] = np.flatnonzero(there)
        return numbers

    def _reduced(self, block: Columns, links: Ints, dual: Floats) -> Floats:
        """Return minus the duals of everything a tonne touches."""
        rows = self.draft.rows
        entries = [
            *rows.sending(block.origin, block.audience), *rows.taking(block.destination, block.audience),
            *rows.moving(block.origin, block.steps), *rows.leaving(block.origin, block.destination),
            (links, np.ones(len(links))),
        ]  # fmt: skip
        value = np.zeros(len(block.origin))
        for row, part in entries:
            value += np.where(row >= 0, dual[row] * part, 0.0)
        return -value


def _names(table: Columns) -> list[tuple[object, ...]]:
    """Return what tells route columns apart: kind, ends, audience, arcs."""
    ends = zip(
        table.kind.tolist(), table.origin.tolist(), table.destination.tolist(), table.audience.tolist(), strict=True
    )
    return [(*four, steps[steps >= 0].tobytes()) for four, steps in zip(ends, table.steps, strict=True)]
