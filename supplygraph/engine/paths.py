"""Routes as columns: who ships to whom, by which way, for which audience.

Needed where cost matters (rerouting) and where ports, straits or edges have limits of their own. In
the second case a route that is not there yet may help: pricing looks for the cheapest route under the
present duals (Dijkstra with the shadow prices of limits as tolls) until no pair can improve, which
proves the optimum over all routes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE, tally
from supplygraph.engine.hubs import serves
from supplygraph.engine.model import USD, Face, Model, unit_of
from supplygraph.engine.routing import Routes, cheapest
from supplygraph.engine.rows import Builder, Rows

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Limits, Scenario
    from supplygraph.engine.rows import Audiences
    from supplygraph.engine.solver import Solver
    from supplygraph.engine.ways import Links, Ways

KEEP, MOVED, NEW = range(3)
#: USD/t for changing the route of an existing link: enough that nothing moves without a reason.
SHIFT = 1.0
#: Weight of earlier phases when later ones look for routes.
_BEFORE = 1e4


@dataclass(eq=False)
class Paths:
    """What each route column is: kind, ends, audience, shipment (-1 = none) and arcs.

    ``first`` is the number of the first route column; columns appended later follow at the end.
    """

    graph: Expanded
    number: list[Ints] = field(default_factory=list)
    kind: list[Ints] = field(default_factory=list)
    origin: list[Ints] = field(default_factory=list)
    destination: list[Ints] = field(default_factory=list)
    audience: list[Ints] = field(default_factory=list)
    shipment: list[Ints] = field(default_factory=list)
    steps: list[Ints] = field(default_factory=list)
    today: list[Floats] = field(default_factory=list)

    def note(
        self, block: slice, kind: int, origin: Ints, destination: Ints, audience: int, steps: Ints,
        *, shipment: Ints | None = None, flow: Floats | None = None,
    ) -> None:
        """Remember a block of columns."""
        count = len(origin)
        self.number.append(np.arange(block.start, block.stop))
        self.kind.append(np.full(count, kind))
        self.origin.append(origin)
        self.destination.append(destination)
        self.audience.append(np.full(count, audience))
        self.shipment.append(np.full(count, -1) if shipment is None else shipment)
        self.today.append(np.zeros(count) if flow is None else flow)
        self.steps.append(steps)

    def table(self) -> dict[str, Ints | Floats]:
        """All route columns as arrays; ``steps`` padded with -1."""
        width = max((steps.shape[1] for steps in self.steps), default=0)
        padded = [np.pad(s, ((0, 0), (0, width - s.shape[1])), constant_values=-1) for s in self.steps]
        names = ("number", "kind", "origin", "destination", "audience", "shipment", "today")
        found: dict[str, Ints | Floats] = {name: _join(getattr(self, name)) for name in names}
        found["steps"] = np.concatenate(padded) if padded else np.zeros((0, 0), dtype=np.int64)
        return found


def path_model(
    graph: Expanded, left: Limits, ways: list[Ways], audiences: Audiences, links: Links, scenario: Scenario,
    *, relink: float = 0.0,
) -> Model:
    """Build the program over routes.

    Columns: unmet demand; every baseline shipment that is still open, as it is; baseline links whose
    route is closed (or, with transport limits, all of them) moved to another route; new tonnes on the
    cheapest route of every open pair, at freight + processing + ``relink`` USD/t.
    """
    rows = Rows.of(graph, audiences, left)
    uses = np.flatnonzero(graph.role == USE)
    unit = unit_of(left)
    draft = _Draft(graph, rows, Builder(len(rows)), Paths(graph), links, unit, left.couples)
    unmet = draft.builder.add(len(uses), [(rows.intake[uses], np.ones(len(uses)))])
    draft.settle(unmet, 0.0, np.inf)
    for way in ways:
        for audience in range(audiences.count):
            on = serves(graph, audiences, way, audience)
            draft.baseline(way, on, audience, scenario)
            draft.fresh(way, on, audience, relink)
    keep, keep_flow = draft.contracts()
    builder = draft.builder
    builder.rows = draft.next_row
    upper = np.concatenate(draft.upper)
    lower = np.zeros(builder.count)
    wanted = left.demand[uses]
    lower[unmet], upper[unmet] = np.maximum(wanted - left.intake[uses], 0.0) / unit, wanted / unit
    face = Face(
        lower, upper, np.concatenate([rows.lower / unit, *draft.row_lower]),
        np.concatenate([rows.upper / unit, *draft.row_upper]),
    )
    price = _Pricer(graph, ways, audiences, scenario, draft, relink) if left.couples else None
    model = Model(
        rows, builder.matrix(), face, unit, unmet, uses, keep, keep_flow, draft.domestic(), price,
        np.concatenate(draft.freight),
    )
    model.paths, model.paths_face = draft.paths, face
    return model


@dataclass(eq=False)
class _Draft:
    """Columns being collected, with their meaning, bounds and freight."""

    graph: Expanded
    rows: Rows
    builder: Builder
    paths: Paths
    links: Links
    unit: float
    couples: bool
    upper: list[Floats] = field(default_factory=list)
    freight: list[Floats] = field(default_factory=list)
    next_row: int = 0
    row_upper: list[Floats] = field(default_factory=list)
    row_lower: list[Floats] = field(default_factory=list)
    _shared: dict[str, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.next_row = len(self.rows)
        self.pair_row = np.full(len(self.links.flow), -1)
        if self.couples:  # what is kept of a link, over all its routes and audiences
            self.pair_row = self._number(len(self.links.flow), 0.0, 0.0)

    def _number(self, count: int, lower: Floats | float, upper: Floats | float) -> Ints:
        """Append rows; return their numbers."""
        numbers = np.arange(self.next_row, self.next_row + count)
        self.next_row += count
        for pile, bound in ((self.row_lower, lower), (self.row_upper, upper)):
            pile.append(np.broadcast_to(np.asarray(bound, dtype=np.float64), count).copy())
        return numbers

    def shared(self, name: str, members: Ints, limit: Floats, size: int) -> Ints:
        """Rows that hold the sum over audiences to a limit; -1 where there is one audience only.

        A tonne of feed that changes its audience is still the same shipment.
        """
        if self.rows.audiences.count == 1 or not len(members):
            return np.full(len(members), -1)
        known = self._shared.setdefault(name, np.full(size, -1))
        new = known[members] < 0
        known[members[new]] = self._number(int(new.sum()), -np.inf, limit[new])
        return known[members]

    def settle(self, block: slice, freight: Floats | float, upper: Floats | float) -> None:
        """Note bounds and freight of a block."""
        count = block.stop - block.start
        self.freight.append(np.broadcast_to(np.asarray(freight, dtype=np.float64), count).copy())
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), count).copy())

    def entries(
        self, origin: Ints, destination: Ints, audience: int, steps: Ints
    ) -> list[tuple[Ints, Floats]]:
        """Return what a tonne from origin to destination by a route touches."""
        who = np.full(len(origin), audience)
        return [
            *self.rows.sending(origin, who), *self.rows.taking(destination, who), *self.rows.moving(origin, steps),
            *self.rows.leaving(origin, destination),
        ]

    def baseline(self, way: Ways, on: Bools, audience: int, scenario: Scenario) -> None:
        """Append today's shipments, and what may move of them."""
        graph, links = self.graph, self.links
        product = int(graph.gives[way.origins[0]]) if len(way.origins) else -1
        ships = np.flatnonzero((graph.ship_product == product) & (graph.ship_flow > 0))
        if not len(ships):
            return
        row, column = way.row[graph.ship_origin[ships]], way.column[graph.ship_destination[ships]]
        ships = ships[on[row, column]]
        flow = graph.ship_flow[ships] / self.unit
        steps = _ship_steps(graph, ships)
        broken = _touches(graph, steps, scenario)
        pairs, where = np.unique(links.pair[ships], return_inverse=True)
        numbers = self.pair_row[pairs]
        whole = ~broken
        kept = ships[whole]
        limited = self.shared("ship", kept, flow[whole], len(graph.ship_flow))
        block = self.builder.add(
            len(kept),
            [
                *self.entries(graph.ship_origin[kept], graph.ship_destination[kept], audience, steps[whole]),
                (numbers[where[whole]], np.ones(len(kept))),
                (limited, np.ones(len(kept))),
            ],
        )
        self.settle(block, 0.0, flow[whole])
        self.paths.note(
            block, KEEP, graph.ship_origin[kept], graph.ship_destination[kept], audience, steps[whole],
            shipment=kept, flow=flow[whole],
        )
        lost = tally(where, np.where(broken, flow, 0.0), len(pairs))
        moving = np.ones(len(pairs), dtype=np.bool_) if self.couples else lost > 0
        self._moved(way, pairs[moving], numbers[moving], lost[moving], audience)

    def _moved(self, way: Ways, pairs: Ints, numbers: Ints, lost: Floats, audience: int) -> None:
        origin, destination = self.links.origin[pairs], self.links.destination[pairs]
        row, column = way.row[origin], way.column[destination]
        steps = way.routes.steps[row, column]
        ones = np.ones(len(pairs))
        entries = [*self.entries(origin, destination, audience, steps), (numbers, ones)]
        if not self.couples:
            entries.append((self.shared("moved", pairs, lost, len(self.links.flow)), ones))
        block = self.builder.add(len(pairs), entries)
        extra = way.routes.weight[row, column] - way.calm[row, column] + SHIFT
        self.settle(block, extra, np.inf if self.couples else lost)
        self.paths.note(block, MOVED, origin, destination, audience, steps, flow=lost)

    def fresh(self, way: Ways, on: Bools, audience: int, relink: float) -> None:
        """Append new tonnes for every open pair on its cheapest route."""
        row, column = np.nonzero(on)
        origin, destination = way.origins[row], way.destinations[column]
        steps = way.routes.steps[row, column]
        block = self.builder.add(len(row), self.entries(origin, destination, audience, steps))
        self.settle(block, way.routes.weight[row, column] + self.graph.fee[origin] + relink, np.inf)
        self.paths.note(block, NEW, origin, destination, audience, steps)

    def contracts(self) -> tuple[Ints, Floats]:
        """Columns that measure what is kept of each link, and what it carries today."""
        if self.couples:
            flow = self.links.flow / self.unit
            block = self.builder.add(len(flow), [(self.pair_row, np.full(len(flow), -1.0))])
            self.settle(block, 0.0, flow)
            return np.arange(block.start, block.stop), flow
        table = self.paths.table()
        kept = table["kind"] != NEW
        return table["number"][kept].astype(np.int64), table["today"][kept].astype(np.float64)

    def domestic(self) -> Ints:
        """Columns that serve a use from its own country."""
        graph, table = self.graph, self.paths.table()
        origin, end = (graph.country[graph.at[table[side].astype(np.int64)]] for side in ("origin", "destination"))
        is_use = graph.role[table["destination"].astype(np.int64)] == USE
        return np.asarray(table["number"][(origin == end) & (origin >= 0) & is_use], dtype=np.int64)


@dataclass(eq=False)
class _Pricer:
    """Finds routes that the present duals would pay for."""

    graph: Expanded
    ways: list[Ways]
    audiences: Audiences
    scenario: Scenario
    draft: _Draft
    relink: float

    def __call__(self, model: Model, solver: Solver, dual: Floats, mode: str) -> int:
        """Append improving routes to the model and the solver; return how many."""
        combined = dual + _BEFORE * sum(model.held) if model.held else dual
        weight = self._tolls(combined) + (self.graph.cost if mode == "freight" else 0.0)
        builder, freight = Builder(model.matrix.shape[0]), []
        start = model.columns
        for product, way in enumerate(self.ways):
            found = cheapest(
                self.graph, product, self.graph.gives_at[way.origins], self.graph.takes_at[way.destinations],
                weight=weight, closed_node=self.scenario.closed_node, closed_arc=self.scenario.closed_arc,
            )  # fmt: skip
            cost = found.total(self.graph.cost) if mode == "freight" else np.zeros(found.weight.shape)
            for audience in range(self.audiences.count):
                on = serves(self.graph, self.audiences, way, audience) & np.isfinite(found.weight)
                new = np.where(on, cost + (self.graph.fee[way.origins][:, None] + self.relink), np.inf)
                new = np.where(on, 0.0, np.inf) if mode == "free" else new
                freight += self._add(model, builder, start, way, found, audience, NEW, new, dual)
                if mode == "freight":
                    moved = np.where(on, cost - way.calm + SHIFT, np.inf)
                    freight += self._add(model, builder, start, way, found, audience, MOVED, moved, dual)
        if builder.count:
            price = np.concatenate(freight)
            model.grow(solver, builder, price, price / USD if mode == "freight" else np.zeros(len(price)))
        return builder.count

    def _tolls(self, dual: Floats) -> Floats:
        rows, graph = self.draft.rows, self.graph
        toll = np.where(rows.arc >= 0, -dual[rows.arc], 0.0)
        into = graph.visits(np.arange(len(graph.source)))
        toll = toll + np.where((into >= 0) & (rows.node[into] >= 0), -dual[rows.node[into]], 0.0)
        return np.maximum(toll, 0.0)

    def _add(
        self, model: Model, builder: Builder, start: int, way: Ways, found: Routes, audience: int, kind: int,
        cost: Floats, dual: Floats,
    ) -> list[Floats]:
        """Append the columns of one product, audience and kind that have a negative reduced cost."""
        reduced = self._reduced(way, found, audience, kind, cost, dual)
        good = reduced < -1e-7 * (1.0 + np.where(np.isfinite(cost), np.abs(cost), 0.0))
        for held in model.held:
            before = self._reduced(way, found, audience, kind, np.zeros(cost.shape), held)
            good &= before < 1e-7
        row, column = np.nonzero(good & np.isfinite(cost))
        if not len(row):
            return []
        origin, destination = way.origins[row], way.destinations[column]
        steps = found.steps[row, column]
        entries = self.draft.entries(origin, destination, audience, steps)
        if kind == MOVED:
            entries.append((self._pair(way)[row, column], np.ones(len(row))))
        block = builder.add(len(row), entries)
        block = slice(start + block.start, start + block.stop)
        self.draft.paths.note(block, kind, origin, destination, audience, steps)
        true = found.total(self.graph.cost)[row, column]
        if kind == MOVED:
            return [true - way.calm[row, column] + SHIFT]
        return [true + self.graph.fee[origin] + self.relink]

    def _pair(self, way: Ways) -> Ints:
        links, known = self.draft.links, self.draft.pair_row
        numbers = np.full(way.open.shape, -1)
        row, column = way.row[links.origin], way.column[links.destination]
        there = (row >= 0) & (column >= 0) & (known >= 0)
        there &= links.product == (self.graph.gives[way.origins[0]] if len(way.origins) else -1)
        numbers[row[there], column[there]] = known[there]
        return numbers

    def _reduced(
        self, way: Ways, found: Routes, audience: int, kind: int, cost: Floats, dual: Floats
    ) -> Floats:
        rows, graph = self.draft.rows, self.graph

        def of(numbers: Ints) -> Floats:
            return np.where(numbers >= 0, dual[numbers], 0.0)

        source = of(rows.output[way.origins]) + of(rows.balance[audience, way.origins])
        source = source + of(rows.node[graph.at[way.origins]])
        sink = of(rows.intake[way.destinations])
        sink = sink - graph.recovery[way.destinations] * of(rows.balance[audience, way.destinations])
        tolls = np.nan_to_num(found.total(self._tolls(dual)))
        reduced = cost + tolls - source[:, None] - sink[None, :]
        for quota, row in zip(rows.quotas, rows.quota, strict=True):
            hit = quota.covers(graph, way.origins[:, None], way.destinations[None, :])
            reduced = reduced - np.where(hit, dual[row], 0.0)
        if kind == MOVED:
            numbers = self._pair(way)
            reduced = np.where(numbers >= 0, reduced - of(numbers), np.inf)
        return reduced


def _ship_steps(graph: Expanded, ships: Ints) -> Ints:
    """Routes of shipments as a padded matrix."""
    length = graph.ship_ptr[ships + 1] - graph.ship_ptr[ships]
    steps = np.full((len(ships), int(length.max(initial=0))), -1, dtype=np.int64)
    for column in range(steps.shape[1]):
        on = length > column
        steps[on, column] = graph.ship_edge[graph.ship_ptr[ships[on]] + column]
    return steps


def _touches(graph: Expanded, steps: Ints, scenario: Scenario) -> Bools:
    shut = scenario.closed_node[graph.vertex_node]
    closed = scenario.closed_arc | shut[graph.source] | shut[graph.target]
    if not steps.shape[1]:
        return np.zeros(len(steps), dtype=np.bool_)
    return np.asarray(np.where(steps >= 0, closed[steps], False).any(axis=1))


def broken_shipments(graph: Expanded, scenario: Scenario) -> Bools:
    """Tell which baseline shipments go over something closed."""
    return _touches(graph, _ship_steps(graph, np.arange(len(graph.ship_flow))), scenario)


def _join(parts: list[Ints] | list[Floats]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
