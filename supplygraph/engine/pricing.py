"""Routes that the present duals would pay for: Dijkstra with the shadow prices of limits as tolls.

Repeated until no pair can improve, which proves the optimum over all routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.hubs import serves
from supplygraph.engine.paths import MOVED, NEW, Columns, route_columns
from supplygraph.engine.routing import Routes, cheapest

if TYPE_CHECKING:
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

    def __call__(
        self, model: Model, solver: Solver | None, dual: Floats, *, paid: bool, moved: float | None = None
    ) -> int:
        """Append routes of negative reduced cost that no earlier phase forbids; return how many.

        ``paid`` tells whether tonnes cost what :class:`Prices` says, or nothing; ``moved`` is then the cost of a
        new way of a link (None = there are none).
        """
        weight = self._tolls(dual) + (self.graph.cost if paid else 0.0)
        for before, with_cost in model.held:  # first of all a route must be as good as any in earlier phases
            weight = weight + _BEFORE * (self._tolls(before) + (self.graph.cost if with_cost else 0.0))
        start = len(self.draft.blocks)
        count = self.draft.builder.count
        kinds = (NEW, MOVED) if paid or moved is not None else (NEW,)
        for product, way in enumerate(self.ways):
            found = cheapest(
                self.graph, product, self.graph.gives_at[way.origins], self.graph.takes_at[way.destinations],
                weight=weight, closed_node=self.scenario.closed_node, closed_arc=self.scenario.closed_arc,
            )  # fmt: skip
            for audience in range(self.draft.rows.audiences.count):
                on = serves(self.graph, self.draft.rows.audiences, way, audience) & np.isfinite(found.weight)
                for kind in kinds:
                    price = None if paid else (moved or 0.0) if kind == MOVED else 0.0
                    self._add(model, way, found, on, audience, kind, dual, price)
        count = self.draft.builder.count - count
        if count:
            more = Columns.join(self.draft.blocks[start:])
            model.grow(solver, self.draft, more, self.prices.of(self.graph, more), paid=paid)
        return count

    def _tolls(self, dual: Floats) -> Floats:
        rows, graph = self.draft.rows, self.graph
        toll = np.where(rows.arc >= 0, -dual[rows.arc], 0.0)
        into = graph.visits(np.arange(len(graph.source)))
        toll = toll + np.where((into >= 0) & (rows.node[into] >= 0), -dual[rows.node[into]], 0.0)
        return np.maximum(toll, 0.0)

    def _add(
        self, model: Model, way: Ways, found: Routes, on: Bools, audience: int, kind: int, dual: Floats,
        price: float | None,
    ) -> None:
        """Append the columns of one product, audience and kind that have a negative reduced cost.

        ``price`` per tonne; None = what :class:`Prices` says.
        """
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
        cost = usd if price is None else np.full(len(haul), price)
        numbers = self.draft.pair_row[links] if kind == MOVED else np.full(len(haul), -1)
        good = cost + self._reduced(block, numbers, dual) < -1e-7 * (1.0 + np.abs(cost))
        for before, with_cost in model.held:
            paid = usd if with_cost else np.zeros(len(usd))
            good &= paid + self._reduced(block, numbers, before) < 1e-7 * (1.0 + np.abs(paid))
        if good.any():
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
