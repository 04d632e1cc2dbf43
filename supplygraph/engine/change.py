"""The least change that serves whom was decided to be served, then even spreading among equals.

Shared by rerouting (:mod:`supplygraph.response`) and chokepoints (:mod:`supplygraph.measures`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from supplygraph.engine.expanded import USE, tally
from supplygraph.engine.model import USD, Shape, fix
from supplygraph.engine.paths import KEEP, MOVED, NEW
from supplygraph.errors import InfeasibleError, SupplyGraphError

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.engine.limits import Limits
    from supplygraph.engine.model import Model
    from supplygraph.engine.paths import Columns
    from supplygraph.engine.solver import Solution

#: Room (in units, 1e-4 of total demand) around what each use goes without; the next when one is too narrow.
ROOM = (1e-6, 1e-4, 1e-2)
#: What a tonne of a link on another way is worth when spreading; as it was: -1, from elsewhere: 0.
_MOVED = -0.5


@dataclass(frozen=True, eq=False)
class Change:
    """The last two phases.

    Attributes
    ----------
    x
        All columns, units.
    found
        The optimum of the third phase; its duals are per unit and hundred USD.
    objective_usd
        What the change costs.
    even
        Whether ties were spread evenly; if that failed numerically they are the solver's.
    """

    x: Floats
    found: Solution
    objective_usd: float
    even: bool


def least_change(model: Model, unmet: Floats, left: Limits) -> Change:
    """Find the cheapest change for this unmet demand (per use, units), then spread evenly.

    Raises
    ------
    InfeasibleError
        If this unmet demand cannot be had.
    """
    model.reset()
    free = model.face
    for room in ROOM:
        free = free.widened(model.columns - len(free.lower))
        lower, upper = free.lower.copy(), free.upper.copy()
        low, high = lower[model.unmet], upper[model.unmet]
        upper[model.unmet] = np.clip(unmet + room, low, high)
        lower[model.unmet] = np.clip(unmet - room, low, high)
        model.face = replace(free, lower=lower, upper=upper)
        try:
            found = model.cheapest()
            break
        except InfeasibleError:
            if room == ROOM[-1]:
                raise
    fix(model, found, paid=True)
    cost = found.objective * USD * model.unit
    try:
        return Change(_evenly(model, left), found, cost, even=True)
    except SupplyGraphError:
        return Change(found.x, found, cost, even=False)


def _evenly(model: Model, left: Limits) -> Floats:
    """Keep each baseline shipment in proportion, new tonnes in proportion to both ends."""
    graph = model.rows.graph
    if model.table is None or not len(model.table.number):
        return np.zeros(model.columns)
    size = np.where(np.isfinite(left.output), left.output, 0.0) / model.unit
    taken = tally(graph.ship_destination, graph.ship_flow, len(size))
    taken = np.maximum(taken, np.where(graph.role == USE, left.demand, 0.0)) / model.unit

    def weight(table: Columns) -> Floats:
        return np.sqrt(np.maximum(size[table.origin] * taken[table.destination], 1e-4))

    def key(table: Columns) -> Ints:
        """Return the number of what counts as one: all new ways of a link or a pair, for one audience."""
        pair = table.origin * len(size) + table.destination
        return np.asarray((pair * (NEW + 1) + table.kind) * model.rows.audiences.count + table.audience)

    def free(table: Columns) -> Floats:
        return np.where(table.kind == MOVED, _MOVED, 0.0)

    def shape() -> Shape:
        table = cast("Columns", model.table)
        kept = table.kind == KEEP
        own, group = key(table), np.full(model.columns, -1)
        if model.price is not None:  # only then has a pair several ways
            group[table.number] = np.where(kept, -1, np.unique(own, return_inverse=True)[1])
        today = np.maximum(np.where(table.today > 0, table.today, weight(table)), 1e-9)
        if model.price is not None:
            today = np.where(kept, today, weight(table))
        curve, cost = np.zeros(model.columns), np.zeros(model.columns)
        curve[table.number] = 1.0 / np.where(table.kind == NEW, weight(table), today)
        cost[table.number] = np.where(kept, -1.0, free(table))
        known = np.unique(own)
        return Shape(curve, cost, group, lambda block: _place(known, key(block)), free)

    return model.spread(shape)


def _place(known: Ints, keys: Ints) -> Ints:
    """Return the place of each key among those known; -1 where it is not."""
    place = np.searchsorted(known, keys)
    return np.where(np.append(known, -1)[place] == keys, place, -1)
