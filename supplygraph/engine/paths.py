"""Routes as columns: who ships to whom, by which way, for which audience.

Needed where cost matters (rerouting) and where ports, straits or edges have limits of their own. In
the second case a route that is not there yet may help: :mod:`supplygraph.engine.pricing` looks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.expanded import USE, tally
from supplygraph.engine.hubs import serves
from supplygraph.engine.rows import Builder, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.ways import Links, Ways

KEEP, MOVED, NEW = range(3)
#: USD per tonne for a link that does not exist today. From 50 to 5 000 the answer is much the same;
#: near zero customers change suppliers at random.
RELINK_USD_T = 300.0
#: USD/t for changing the route of an existing link: enough that nothing moves without a reason.
SHIFT = 1.0


class Columns(NamedTuple):
    """All route columns as arrays.

    ``number`` in the program, ``kind`` (KEEP, MOVED or NEW), origin and destination process, ``audience``,
    ``shipment`` (-1 = none), ``today`` (flow kept or moved, units), ``haul`` (freight of the route, USD/t), ``calm``
    (freight of the pair's cheapest undisturbed route), ``steps`` (arcs, padded with -1).
    """

    number: Ints
    kind: Ints
    origin: Ints
    destination: Ints
    audience: Ints
    shipment: Ints
    today: Floats
    haul: Floats
    calm: Floats
    steps: Ints

    @classmethod
    def join(cls, blocks: Sequence[Columns]) -> Columns:
        """Put blocks together, in order."""
        if not blocks:
            none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
            return cls(none, none, none, none, none, none, nothing, nothing, nothing, np.zeros((0, 0), dtype=np.int64))
        width = max(block.steps.shape[1] for block in blocks)
        padded = [pad(block.steps, width) for block in blocks]
        flat = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in cls._fields[:-1]}
        return cls(**flat, steps=np.concatenate(padded))

    def where(self, mask: Bools) -> Columns:
        """Return some of the columns."""
        return Columns(**{name: getattr(self, name)[mask] for name in self._fields})


@dataclass(frozen=True)
class Prices:
    """What a tonne costs, by objective.

    Attributes
    ----------
    relink
        USD/t of a link that does not exist today.
    least_cost
        Whether today's shipments pay their way like all others; else keeping them is free, and only
        changes cost.
    extra
        Audience x process: USD/t more for what a process sends for an audience; None = nothing.
    """

    relink: float = 0.0
    least_cost: bool = False
    extra: Floats | None = None

    def of(self, graph: Expanded, table: Columns) -> Floats:
        """Return USD/t of every route column."""
        fee = graph.fee[table.origin]
        if self.least_cost:
            cost = table.haul + fee
        else:
            moved = table.haul - table.calm + SHIFT
            cost = np.select([table.kind == KEEP, table.kind == MOVED], [0.0, moved], table.haul + fee + self.relink)
        return cost if self.extra is None else cost + self.extra[table.audience, table.origin]


@dataclass(eq=False)
class Draft:
    """Columns being collected, with their meaning and bounds.

    ``pair_row`` holds, with transport limits, one row per link: what is kept of it over all its routes.
    """

    graph: Expanded
    rows: Rows
    builder: Builder
    links: Links
    unit: float
    couples: bool
    next_row: int
    pair_row: Ints
    blocks: list[Columns] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    row_upper: list[Floats] = field(default_factory=list)
    row_lower: list[Floats] = field(default_factory=list)
    _shared: dict[str, Ints] = field(default_factory=dict)

    def number(self, count: int, lower: Floats | float, upper: Floats | float) -> Ints:
        """Append rows; return their numbers."""
        numbers = np.arange(self.next_row, self.next_row + count)
        self.next_row += count
        for pile, bound in ((self.row_lower, lower), (self.row_upper, upper)):
            pile.append(np.broadcast_to(np.asarray(bound, dtype=np.float64), count).copy())
        return numbers

    def shared(self, name: str, members: Ints, destination: Ints, limit: Floats, size: int) -> Ints:
        """Rows that hold the sum over audiences to a limit; -1 where there is one audience only.

        A tonne of feed that changes its audience is still the same shipment.
        """
        graph = self.graph
        several = (graph.gives[destination] >= 0) & self.rows.audiences.labelled[graph.takes[destination]]
        known = self._shared.setdefault(name, np.full(size, -1))
        new = several & (known[members] < 0)
        known[members[new]] = self.number(int(new.sum()), -np.inf, limit[new])
        return np.where(several, known[members], -1)

    def plain(self, count: int, entries: list[tuple[Ints, Floats]], upper: Floats | float) -> slice:
        """Append columns that are no routes."""
        block = self.builder.add(count, entries)
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), count).copy())
        return block

    def add(self, block: Columns, upper: Floats | float, more: Sequence[tuple[Ints, Floats]] = ()) -> None:
        """Append route columns; their numbers are filled in."""
        entries = [
            *self.rows.sending(block.origin, block.audience),
            *self.rows.taking(block.destination, block.audience),
            *self.rows.moving(block.origin, block.steps),
            *self.rows.leaving(block.origin, block.destination),
            *more,
        ]
        place = self.plain(len(block.origin), entries, upper)
        self.blocks.append(block._replace(number=np.arange(place.start, place.stop)))

    def baseline(self, way: Ways, on: Bools, audience: int) -> None:
        """Append today's shipments as they are."""
        graph, links = self.graph, self.links
        product = int(graph.gives[way.origins[0]]) if len(way.origins) else -1
        ships = np.flatnonzero((graph.ship_product == product) & (graph.ship_flow > 0))
        ships = ships[on[way.row[graph.ship_origin[ships]], way.column[graph.ship_destination[ships]]]]
        if not len(ships):
            return
        flow, steps = graph.ship_flow[ships] / self.unit, ship_steps(graph, ships)
        ends = graph.ship_origin[ships], graph.ship_destination[ships]
        kept = self.pair_row[links.pair[ships]]
        limited = self.shared("ship", ships, ends[1], flow, len(graph.ship_flow))
        haul = np.where(steps >= 0, graph.cost[steps], 0.0).sum(axis=1) if steps.shape[1] else np.zeros(len(ships))
        calm = way.calm[way.row[ends[0]], way.column[ends[1]]]
        block = route_columns(KEEP, *ends, audience, steps, haul, calm)._replace(shipment=ships, today=flow)
        self.add(block, flow, [(kept, np.ones(len(ships))), (limited, np.ones(len(ships)))])

    def moved(self, way: Ways, pairs: Ints, lost: Floats, audience: int) -> None:
        """Append links that change their way: ``lost`` tonnes (units) of each; any amount with transport limits."""
        origin, destination = self.links.origin[pairs], self.links.destination[pairs]
        row, column = way.row[origin], way.column[destination]
        ones = np.ones(len(pairs))
        more = [(self.pair_row[pairs], ones)]
        if not self.couples:
            more.append((self.shared("moved", pairs, destination, lost, len(self.links.flow)), ones))
        block = route_columns(
            MOVED, origin, destination, audience, way.routes.steps[row, column], way.routes.weight[row, column],
            way.calm[row, column],
        )
        self.add(block._replace(today=lost), np.inf if self.couples else lost, more)

    def fresh(self, way: Ways, on: Bools, audience: int) -> None:
        """Append new tonnes for pairs, each on its cheapest route."""
        row, column = np.nonzero(on)
        self.add(
            route_columns(
                NEW, way.origins[row], way.destinations[column], audience, way.routes.steps[row, column],
                way.routes.weight[row, column], way.calm[row, column],
            ),
            np.inf,
        )


def first_draft(
    graph: Expanded, ways: list[Ways], rows: Rows, links: Links, unit: float, *, couples: bool
) -> Draft:
    """Start the program over routes: unmet demand, today's shipments, and new tonnes for every open pair."""
    uses = np.flatnonzero(graph.role == USE)
    draft = Draft(graph, rows, Builder(len(rows)), links, unit, couples, len(rows), np.full(len(links.flow), -1))
    if couples:
        draft.pair_row = draft.number(len(links.flow), 0.0, 0.0)
    draft.plain(len(uses), [(rows.intake[uses], np.ones(len(uses)))], np.inf)
    draft.plain(len(rows.wholes), rows.sums(), np.inf)
    for way in ways:
        for audience in range(rows.audiences.count):
            on = serves(graph, rows.audiences, way, audience)
            draft.baseline(way, on, audience)
            if couples:
                pairs = open_links(graph, links, way, on)
                draft.moved(way, pairs, np.zeros(len(pairs)), audience)
            draft.fresh(way, on, audience)
    return draft


def open_links(graph: Expanded, links: Links, way: Ways, on: Bools) -> Ints:
    """Return the links of one product whose pair is among those given."""
    product = int(graph.gives[way.origins[0]]) if len(way.origins) else -1
    here = np.flatnonzero((links.product == product) & (links.flow > 0))
    return here[on[way.row[links.origin[here]], way.column[links.destination[here]]]]


def route_columns(
    kind: int, origin: Ints, destination: Ints, audience: int, steps: Ints, haul: Floats, calm: Floats
) -> Columns:
    """Return a block of route columns without numbers, shipments or flows of today."""
    count = len(origin)
    none = np.full(count, -1, dtype=np.int64)
    return Columns(
        none, np.full(count, kind), origin, destination, np.full(count, audience), none, np.zeros(count), haul, calm,
        steps,
    )


def lost_links(links: Links, table: Columns, broken: Bools, audience: int) -> Floats:
    """Return per link what of it was on broken shipments of one audience (units)."""
    hit = broken & (table.kind == KEEP) & (table.audience == audience)
    return tally(links.pair[table.shipment[hit]], table.today[hit], len(links.flow))


def ship_steps(graph: Expanded, ships: Ints) -> Ints:
    """Routes of shipments as a matrix of arcs, padded with -1."""
    length = graph.ship_ptr[ships + 1] - graph.ship_ptr[ships]
    steps = np.full((len(ships), int(length.max(initial=0))), -1, dtype=np.int64)
    for column in range(steps.shape[1]):
        on = length > column
        steps[on, column] = graph.ship_edge[graph.ship_ptr[ships[on]] + column]
    return steps


def touches(graph: Expanded, steps: Ints, scenario: Scenario) -> Bools:
    """Tell which routes go over something closed."""
    shut = scenario.closed_node[graph.vertex_node]
    closed = scenario.closed_arc | shut[graph.source] | shut[graph.target]
    if not steps.shape[1]:
        return np.zeros(len(steps), dtype=np.bool_)
    return np.asarray(np.where(steps >= 0, closed[steps], False).any(axis=1))


def broken_shipments(graph: Expanded, scenario: Scenario) -> Bools:
    """Tell which baseline shipments go over something closed."""
    return touches(graph, ship_steps(graph, np.arange(len(graph.ship_flow))), scenario)


def pad(steps: Ints, width: int) -> Ints:
    """Widen a matrix of arcs with -1."""
    return np.pad(steps, ((0, 0), (0, width - steps.shape[1])), constant_values=-1)


def route_text(edges: pd.Index, steps: Ints) -> str | None:
    """Return arcs as edge ids joined by ``;``; missing for an empty route."""
    ids = [str(edges[step]) for step in steps if step >= 0]
    return ";".join(ids) or None
