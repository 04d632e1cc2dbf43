"""The program over routes, compiled once: scenarios only edit bounds and costs, and start warm.

Its columns are today's shipments and new tonnes on the cheapest route of every pair, with nothing closed.
A scenario shuts columns, moves limits, and appends what only it needs (other routes, export limits); the next one
finds all of that taken off again and the basis of the undisturbed optimum put back, so that the order of
scenarios never matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE
from supplygraph.engine.hubs import serves
from supplygraph.engine.limits import Scenario, limits
from supplygraph.engine.model import USD, Face, Model, unit_of
from supplygraph.engine.paths import (
    MOVED,
    NEW,
    RELINK_USD_T,
    Columns,
    Draft,
    Prices,
    first_draft,
    lost_links,
    touches,
)
from supplygraph.engine.pricing import Pricer
from supplygraph.engine.rows import Builder, Rows

if TYPE_CHECKING:
    from scipy.sparse import csc_array

    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Limits
    from supplygraph.engine.rows import Audiences, Rule
    from supplygraph.engine.solver import Solver
    from supplygraph.engine.ways import Links, Ways

#: What a tonne that is not served costs in the undisturbed program, in hundreds of USD: more than any route.
_DEAR = 1e4


@dataclass(eq=False)
class Compiled:
    """The undisturbed program for given audiences, rules, and sites and edges that have limits.

    Parameters
    ----------
    graph, links, ways
        The network, its baseline links, and the undisturbed ways of each product.
    audiences, rules
        Whose demand, and who may serve it.
    finite
        Which sites and which edges have a limit of their own (some only under the scenarios asked about).
    ramp
        As in :func:`~supplygraph.engine.limits.limits`.
    """

    graph: Expanded
    links: Links
    ways: list[Ways]
    audiences: Audiences
    rules: tuple[Rule, ...]
    finite: tuple[Bools, Bools]
    ramp: float | None
    method: str = "simplex"
    _drafted: Draft = field(init=False)

    def __post_init__(self) -> None:
        calm = limits(self.graph, Scenario.calm(self.graph), ramp=self.ramp)
        self.unit = unit_of(calm)
        self.rows = self._rows(calm)
        couples = bool(self.finite[0].any() or self.finite[1].any())
        draft = first_draft(self.graph, self.ways, self.rows, self.links, self.unit, couples=couples)
        self.contracts = slice(0, 0)
        if couples:  # columns that measure what is kept of each link
            flow = self.links.flow / self.unit
            self.contracts = draft.plain(len(flow), [(draft.pair_row, np.full(len(flow), -1.0))], flow)
        draft.builder.rows = draft.next_row
        self._drafted = draft
        self.matrix: csc_array = draft.builder.matrix()
        self.table = Columns.join(draft.blocks)
        self.upper = np.concatenate(draft.upper)
        self.row_bounds = tuple(
            np.concatenate(piles) if piles else np.zeros(0) for piles in (draft.row_lower, draft.row_upper)
        )

    def _rows(self, left: Limits) -> Rows:
        return Rows.of(self.graph, self.audiences, replace(left, quotas=()), self.rules, finite=self.finite)

    @cached_property
    def warm(self) -> WarmSolver:
        """The solver, at the undisturbed optimum; routes that it took are part of the program from then on."""
        calm = Scenario.calm(self.graph)
        left = limits(self.graph, calm, ramp=self.ramp)
        model = self._model(left, self.ways, calm, Prices(relink=RELINK_USD_T))
        model.warm = None
        solver = model.open(model.face, model.freight / USD + model.cost_of_unmet(np.full(len(model.uses), _DEAR)))
        found = solver.solve()
        while model.price is not None and model.price(model, solver, found.dual * USD, paid=True):
            found = solver.solve()
        self._take(model)
        return WarmSolver(solver, int(self.matrix.shape[0]), int(self.matrix.shape[1]), solver.basis())

    def _take(self, model: Model) -> None:
        """Make the columns of an undisturbed model those of the program."""
        more = model.columns - self.matrix.shape[1]
        if more and model.table is not None:
            self.matrix, self.table = model.matrix, model.table
            self.upper = np.append(self.upper, np.full(more, np.inf))
            self._drafted.builder.count = model.columns

    def model(self, left: Limits, ways: list[Ways], scenario: Scenario, prices: Prices) -> Model:
        """Return the program under a scenario."""
        if self._drafted.couples and self.method == "simplex":
            _ = self.warm  # routes are priced in once, before the first scenario
        return self._model(left, ways, scenario, prices)

    def _model(self, left: Limits, ways: list[Ways], scenario: Scenario, prices: Prices) -> Model:
        rows = self._rows(left)
        draft = self._extras(rows, left, ways, scenario)
        extra = Columns.join(draft.blocks)
        table = Columns.join([self.table, extra]) if len(extra.number) else self.table
        uses = np.flatnonzero(self.graph.role == USE)
        face = self._face(rows, draft, left, ways, scenario, uses)
        freight = np.zeros(draft.builder.count)
        freight[table.number] = prices.of(self.graph, table)
        keep, keep_flow = self._contracts(table)
        model = Model(
            draft.rows, self._matrix(draft), face, self.unit,
            slice(0, len(uses)), uses, keep, keep_flow, self._domestic(table), freight, table,
            warm=None if self.method != "simplex" else _Later(self), method=self.method,
        )
        if draft.couples:
            model.price = Pricer(self.graph, ways, scenario, draft, prices)
        return model

    def _extras(self, rows: Rows, left: Limits, ways: list[Ways], scenario: Scenario) -> Draft:
        """Collect what only this scenario needs: export limits, and other routes for those that are closed."""
        base, graph = self._drafted, self.graph
        quotas = np.arange(base.next_row, base.next_row + len(left.quotas))
        limited = replace(rows, quotas=left.quotas, quota=quotas)
        draft = Draft(
            graph, limited, Builder(0, base.builder.count), self.links, self.unit, base.couples, base.next_row,
            base.pair_row,
        )
        draft.number(len(quotas), -np.inf, np.array([quota.limit / self.unit for quota in left.quotas]))
        broken = touches(graph, self.table.steps, scenario)
        if not broken.any():
            return draft
        shut = scenario.closed_node[graph.at]
        broken &= ~(shut[self.table.origin] | shut[self.table.destination])
        for way in ways:
            for audience in range(self.audiences.count):
                on = serves(graph, self.audiences, way, audience)
                lost = lost_links(self.links, self.table, broken, audience)
                pairs = np.flatnonzero(self._rerouted(MOVED, broken, audience) if base.couples else lost > 0)
                there = way.row[self.links.origin[pairs]], way.column[self.links.destination[pairs]]
                mine = (there[0] >= 0) & (there[1] >= 0)
                mine[mine] = on[there[0][mine], there[1][mine]]
                draft.moved(way, pairs[mine], lost[pairs[mine]], audience)
                draft.fresh(way, on & self._new(way, broken, audience), audience)
        return draft

    def _rerouted(self, kind: int, broken: Bools, audience: int) -> Bools:
        """Tell which links have a column of one kind and audience on a closed route."""
        size = len(self.graph.processes)
        hit = broken & (self.table.kind == kind) & (self.table.audience == audience)
        keys = self.table.origin[hit] * size + self.table.destination[hit]
        return np.isin(self.links.origin * size + self.links.destination, keys)

    def _new(self, way: Ways, broken: Bools, audience: int) -> Bools:
        """Tell which pairs have a column for new tonnes on a closed route."""
        hit = broken & (self.table.kind == NEW) & (self.table.audience == audience)
        row, column = way.row[self.table.origin[hit]], way.column[self.table.destination[hit]]
        mine = (row >= 0) & (column >= 0)
        mask = np.zeros(way.open.shape, dtype=np.bool_)
        mask[row[mine], column[mine]] = True
        return mask

    def _face(
        self, rows: Rows, draft: Draft, left: Limits, ways: list[Ways], scenario: Scenario, uses: Ints
    ) -> Face:
        table = self.table
        is_open = np.zeros(len(table.number), dtype=np.bool_)
        for way in ways:
            row, column = way.row[table.origin], way.column[table.destination]
            mine = (row >= 0) & (column >= 0)
            is_open[mine] = way.open[row[mine], column[mine]]
        upper = np.concatenate([self.upper, *draft.upper])
        upper[table.number[~is_open | touches(self.graph, table.steps, scenario)]] = 0.0
        lower = np.zeros(len(upper))
        wanted = left.demand[uses]
        lower[: len(uses)] = np.maximum(wanted - left.intake[uses], 0.0) / self.unit
        upper[: len(uses)] = wanted / self.unit
        low, high = self.row_bounds
        return Face(
            lower, upper, np.concatenate([rows.lower / self.unit, low, *draft.row_lower]),
            np.concatenate([rows.upper / self.unit, high, *draft.row_upper]),
        )

    def _matrix(self, draft: Draft) -> csc_array:
        from scipy.sparse import csc_array, hstack, vstack

        count, height = self.matrix.shape[1], draft.next_row
        matrix = self.matrix
        if height > matrix.shape[0]:
            limited = Builder(height, 0)
            # Only route columns count against an export limit; the others keep their place.
            entries = draft.rows.leaving(self.table.origin, self.table.destination)
            limited.add(len(self.table.number), entries)
            top = limited.matrix()[matrix.shape[0] :]
            wide = csc_array((top.shape[0], count))
            if top.nnz:
                coo = top.tocoo()
                wide = csc_array((coo.data, (coo.row, self.table.number[coo.col])), shape=(top.shape[0], count))
            matrix = csc_array(vstack([matrix, wide]))
        if draft.builder.count == count:
            return matrix
        return csc_array(hstack([matrix, draft.builder.matrix(height)[:, count:]]))

    def _contracts(self, table: Columns) -> tuple[Ints, Floats]:
        """Columns that measure what is kept of each link, and what it carries today."""
        if self._drafted.couples:
            return np.arange(self.contracts.start, self.contracts.stop), self.links.flow / self.unit
        kept = table.kind != NEW
        return table.number[kept], table.today[kept]

    def _domestic(self, table: Columns) -> Ints:
        """Columns that serve a use from its own country."""
        graph = self.graph
        origin, end = graph.country[graph.at[table.origin]], graph.country[graph.at[table.destination]]
        is_use = graph.role[table.destination] == USE
        return np.asarray(table.number[(origin == end) & (origin >= 0) & is_use], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Later:
    """Solves the undisturbed program when the first scenario asks."""

    compiled: Compiled

    def open(self, model: Model, face: Face, cost: Floats) -> Solver:
        """Return the solver with the program of a model."""
        return self.compiled.warm.open(model, face, cost)


@dataclass(eq=False)
class WarmSolver:
    """A solver at an undisturbed optimum: ``rows`` x ``columns`` are the program, ``basis`` its optimum."""

    solver: Solver
    rows: int
    columns: int
    basis: object
    holder: Model | None = None

    def open(self, model: Model, face: Face, cost: Floats) -> Solver:
        """Return the solver with the program of a model; a new one starts from the undisturbed optimum."""
        from scipy.sparse import csr_array

        solver = self.solver
        if self.holder is not model or solver.columns != model.columns:
            solver.cut_back(self.columns, self.rows)
            solver.restore(self.basis)
            if model.matrix.shape[0] > self.rows:
                more = csr_array(model.matrix[self.rows :, : self.columns])
                solver.add_rows(face.row_lower[self.rows :], face.row_upper[self.rows :], more)
            if model.columns > self.columns:
                solver.add(cost[self.columns :], face.upper[self.columns :], model.matrix[:, self.columns :])
            self.holder = model
        solver.set_rows(face.row_lower, face.row_upper)
        solver.set_columns(face.lower, face.upper)
        solver.set_cost(cost)
        return solver

