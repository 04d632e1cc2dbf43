"""The one linear program: what can still be delivered, and to whom.

Rows: balance of every transform process (what leaves = recovery x what enters), its limit, demand of
every use, throughput of sites and edges where finite, rules and export limits. Columns: unmet demand, and
flows from origin to destination process over routes (:mod:`supplygraph.engine.paths`), compiled once
(:mod:`supplygraph.engine.compiled`). Asked only *how much* can be delivered, and without finite transport
limits, a route has no part in any row: the flows meet in hubs (:mod:`supplygraph.engine.hubs`), a much smaller
program with the same optimum.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from supplygraph.engine.certificate import Certificate, certify
from supplygraph.engine.compiled import Compiled
from supplygraph.engine.expanded import USE, Expanded, expand
from supplygraph.engine.hubs import add_hubs, serves
from supplygraph.engine.limits import Ban, Limits, Scenario, limits
from supplygraph.engine.model import Face, Model, fix, share_shortage, unit_of
from supplygraph.engine.paths import Prices
from supplygraph.engine.rows import Audiences, Builder, Rows, Rule
from supplygraph.engine.ways import Links, Ways, baseline_serves, calm_ways, only_links, ways_under
from supplygraph.errors import DataError, Problem, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from supplygraph.engine.expanded import Bools, Floats, Ints
    from supplygraph.engine.solver import Solution, Solver
    from supplygraph.network.network import SupplyNetwork

RATIONINGS = ("proportional", "home_first", "zone_first")
#: Compiled programs kept at most: one per set of audiences and rules.
_COMPILED = 6
#: Undisturbed solutions kept at most: one per demand asked for.
_DEMANDS = 4


@dataclass(frozen=True, eq=False)
class Served:
    """What can be delivered at most.

    Attributes
    ----------
    total_t
        Most tonnes of demand that can be served (exact).
    demand_t
        Demand of all uses.
    by_process
        Served tonnes per use process under the rationing asked for; missing without one, because
        the most that can be served says nothing about who is served.
    """

    total_t: float
    demand_t: float
    by_process: pd.Series | None
    _certify: Callable[[], Certificate]

    @cached_property
    def certificate(self) -> Certificate:
        """The cut that proves nothing more can be delivered."""
        return self._certify()

    @property
    def unmet_t(self) -> float:
        """Demand that cannot be served."""
        return self.demand_t - self.total_t


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything a model needs of one scenario."""

    scenario: Scenario
    left: Limits
    ways: list[Ways]
    lost: bool


class ShockOnNetwork(Protocol):
    """A shock resolved on a network: factors by id, and limits on exports by row (see ``Shock.resolve``)."""

    @property
    def process_factor(self) -> pd.Series: ...
    @property
    def node_factor(self) -> pd.Series: ...
    @property
    def edge_factor(self) -> pd.Series: ...
    @property
    def bans(self) -> pd.DataFrame: ...


class Program:
    """A network compiled once, to be asked many times.

    Parameters
    ----------
    net
        The network.
    ramp
        Mines and plants can reach at most ``(1 + ramp) x today`` (and their capacity); None = their capacity.
    method
        ``"simplex"``, or ``"ipm"`` (interior point, never warm): the answers are the same.
    links_only
        Only suppliers and customers that trade today may trade.

    Notes
    -----
    Repeated questions start warm from the basis of the undisturbed network, put back every time, so the order
    of questions never matters.
    """

    def __init__(
        self, net: SupplyNetwork | Expanded, *, ramp: float | None = None, method: str = "simplex",
        links_only: bool = False,
    ) -> None:
        if ramp is not None and not (np.isfinite(ramp) and ramp >= 0):
            problem = Problem("ramp", f"is {ramp!r}; expected a number of at least 0, or None", "0.2 means +20 %.")
            raise DataError("ramp out of range", [problem])
        self.graph = net if isinstance(net, Expanded) else expand(net)
        self.ramp = ramp
        self.links = Links.of(self.graph)
        self._calm = [calm_ways(self.graph, product) for product in range(len(self.graph.products))]
        if links_only:
            self._calm = [only_links(ways, self.links) for ways in self._calm]
        self.method = method
        self._warm: dict[bytes, tuple[Model, Solver, Any]] = {}
        self._compiled: dict[tuple[object, ...], Compiled] = {}

    def scenario(
        self,
        *,
        closed_nodes: Iterable[str] = (),
        closed_processes: Iterable[str] = (),
        closed_edges: Iterable[str] = (),
        factors: Mapping[str, float] | None = None,
        bans: tuple[Ban, ...] = (),
    ) -> Scenario:
        """Turn names into a scenario; ``factors`` are by process (else site, else edge)."""
        graph = self.graph
        calm = Scenario.calm(graph)
        for kind, ids, names, factor in (
            ("node", graph.nodes, closed_nodes, calm.node),
            ("process", graph.processes, closed_processes, calm.process),
            ("edge", graph.edges, closed_edges, calm.arc),
        ):
            factor[_find(kind, ids, [names] if isinstance(names, str) else list(names))] = 0.0
        for name, value in (factors or {}).items():
            if not (np.isfinite(value) and value >= 0):
                problem = Problem(f"factors[{name!r}]", f"is {value!r}; expected a finite number of at least 0")
                raise DataError("a factor must not be negative", [problem])
            for ids, factor in ((graph.processes, calm.process), (graph.nodes, calm.node), (graph.edges, calm.arc)):
                if name in ids:
                    factor[ids.get_loc(name)] = value
                    break
            else:
                raise UnknownNameError.of("process, node or edge", name, graph.processes)
        return replace(calm, bans=bans)

    def setting(self, scenario: Scenario, *, demand: Floats | None = None) -> Setting:
        """Return limits and open ways under a scenario."""
        left = limits(self.graph, scenario, ramp=self.ramp, demand=demand)
        found = [ways_under(self.graph, p, calm, scenario) for p, calm in enumerate(self._calm)]
        return Setting(scenario, left, [ways for ways, _ in found], any(lost for _, lost in found))

    def demand(self, given: Mapping[str, float] | pd.Series | None) -> Floats | None:
        """Turn a demand by process into an array; processes not named ask for nothing."""
        if given is None:
            return None
        wanted = np.zeros(len(self.graph.processes))
        names = list(given.keys())
        places = _find("process", self.graph.processes, names)
        not_use = [name for name, place in zip(names, places, strict=True) if self.graph.role[place] != USE]
        if not_use:
            problems = [Problem(f"demand[{name!r}]", "is not a use process") for name in not_use]
            raise DataError("only uses have demand", problems)
        wanted[places] = np.array([float(given[name]) for name in names])
        if not (np.isfinite(wanted).all() and (wanted >= 0).all()):
            raise DataError("demand must be finite and at least 0")
        return wanted

    def model(
        self, setting: Setting, audiences: Audiences | None = None, rules: tuple[Rule, ...] = (),
        *, links: bool = False, home: bool = False,
    ) -> Model:
        """Build the program of one setting for questions of how much: hubs where they suffice, else routes."""
        groups = Audiences.one(self.graph) if audiences is None else audiences
        if setting.left.couples:
            return self.routes(setting, groups, rules)
        model = _hub_model(self.graph, setting, groups, rules, self.links if links else None, home=home)
        model.method = self.method
        return model

    def routes(
        self, setting: Setting, audiences: Audiences | None = None, rules: tuple[Rule, ...] = (),
        prices: Prices | None = None,
    ) -> Model:
        """Return the program over routes of one setting, from the compiled one."""
        groups = Audiences.one(self.graph) if audiences is None else audiences
        finite = np.isfinite(setting.left.node), np.isfinite(setting.left.arc)
        parts = (groups.of, groups.allowed, groups.labelled, *finite)
        key = (*(part.tobytes() for part in parts), *(rule.key for rule in rules))
        if key not in self._compiled:
            while len(self._compiled) >= _COMPILED:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[key] = Compiled(
                self.graph, self.links, self._calm, groups, rules, finite, self.ramp, self.method
            )
        found = self._compiled[key]
        return found.model(setting.left, setting.ways, setting.scenario, Prices() if prices is None else prices)

    def max_served(
        self,
        *,
        closed_nodes: Iterable[str] = (),
        closed_processes: Iterable[str] = (),
        closed_edges: Iterable[str] = (),
        factors: Mapping[str, float] | None = None,
        demand: Mapping[str, float] | pd.Series | None = None,
        rationing: str | None = None,
        zone: Iterable[str] = (),
        scenario: Scenario | None = None,
    ) -> Served:
        """Return the most demand that can be served; see :func:`max_served`."""
        if rationing is not None and rationing not in RATIONINGS:
            raise UnknownNameError.of("rationing", rationing, RATIONINGS)
        if scenario is None:
            scenario = self.scenario(
                closed_nodes=closed_nodes, closed_processes=closed_processes, closed_edges=closed_edges,
                factors=factors,
            )
        wanted = self.demand(demand)
        setting = self.setting(scenario, demand=wanted)
        inside = np.isin(self.graph.processes, list(zone))
        if rationing is not None:
            model = self.model(setting, links=True, home=rationing == "home_first")
            found, unmet = ration(model, rationing, inside)
            return self._answer(model, setting, found, unmet)
        return self.most(setting)

    def most(self, setting: Setting) -> Served:
        """Return the most demand that can be served in a setting."""
        if setting.lost or setting.left.couples or setting.left.quotas:
            model = self.model(setting)
            found = model.best(model.cost_of_unmet(np.ones(len(model.uses))))
        else:
            model, found = self._resolve(setting)
        return self._answer(model, setting, found, None)

    def _resolve(self, setting: Setting) -> tuple[Model, Solution]:
        """Solve a scenario that changes only process limits, warm from the undisturbed basis."""
        graph, demand = self.graph, setting.left.demand
        key = demand.tobytes()
        if key not in self._warm:
            while len(self._warm) >= _DEMANDS:
                del self._warm[next(iter(self._warm))]
            model = self.model(self.setting(Scenario.calm(graph), demand=demand))
            solver = model.open(model.face, model.cost_of_unmet(np.ones(len(model.uses))))
            solver.solve()
            self._warm[key] = (model, solver, solver.basis())
        model, solver, basis = self._warm[key]
        rows = Rows.of(graph, model.rows.audiences, setting.left)
        face = _face(rows, setting.left, model.uses, model.columns, len(model.face.row_lower), model.unit)
        solver.set_rows(face.row_lower, face.row_upper)
        solver.set_columns(face.lower, face.upper)
        solver.restore(basis)
        return replace(model, rows=rows, face=face), solver.solve()

    def _answer(self, model: Model, setting: Setting, found: Solution, unmet: Floats | None) -> Served:
        graph = self.graph
        demand = float(setting.left.demand.sum())
        served = None
        if unmet is not None:
            wanted = setting.left.demand[model.uses]
            amounts = np.clip(wanted - unmet * model.unit, 0.0, wanted)
            index = pd.Index(graph.processes[model.uses], name="process")
            served = pd.Series(amounts, index=index, name="served_t")
        total = max(demand - found.objective * model.unit, 0.0)
        return Served(total, demand, served, lambda: certify(graph, model, setting.left, setting.scenario, found))


def shocked(graph: Expanded, resolved: ShockOnNetwork) -> Scenario:
    """Turn a shock that was resolved on the network into a scenario."""
    ban = resolved.bans
    origins = graph.countries.get_indexer(pd.Index(ban["origin_country"]))
    products = graph.products.get_indexer(pd.Index(ban["product"]))
    targets = graph.countries.get_indexer(pd.Index(ban["destination_country"]))
    everyone = ban["destination_country"].isna().to_numpy()
    keep, most = ban["keep"].to_numpy(), ban["limit_t"].to_numpy()
    bans = tuple(
        Ban(int(origins[row]), int(products[row]), -1 if everyone[row] else int(targets[row]), keep[row], most[row])
        for row in range(len(ban))
        if origins[row] >= 0 and (everyone[row] or targets[row] >= 0)
    )
    factors = (resolved.process_factor, resolved.node_factor, resolved.edge_factor)
    process, node, edge = (factor.to_numpy(dtype=np.float64) for factor in factors)
    return Scenario(process, node, edge, bans)


def max_served(
    net: SupplyNetwork | Program,
    *,
    closed_nodes: Iterable[str] = (),
    closed_processes: Iterable[str] = (),
    closed_edges: Iterable[str] = (),
    factors: Mapping[str, float] | None = None,
    demand: Mapping[str, float] | pd.Series | None = None,
    rationing: str | None = None,
    zone: Iterable[str] = (),
) -> Served:
    """Return the most demand that can be served with sites, processes or edges closed. Exact.

    Parameters
    ----------
    net
        A network, or a :class:`Program` of it (build it once to ask many times).
    closed_nodes, closed_processes, closed_edges
        Ids. A closed site can neither work nor be passed.
    factors
        By process (or site, or edge) id: below 1 a share of today's flow, above 1 a multiple of capacity.
    demand
        Tonnes by use process, instead of today's; uses not named ask for nothing.
    rationing
        Who goes without: ``"proportional"``, ``"home_first"`` or ``"zone_first"``; fills ``by_process``.
    zone
        Use processes inside the zone (for ``"zone_first"``).

    Raises
    ------
    UnknownNameError
        If a name does not exist.
    DataError
        If a factor or a demand is negative or not finite.

    Examples
    --------
    >>> from toys import chain
    >>> whole = max_served(chain())
    >>> round(whole.total_t, 6), round(whole.demand_t, 6)
    (99.0, 99.0)
    >>> round(max_served(chain(), closed_nodes=["kokkola"]).total_t, 6)
    90.0
    """
    program = net if isinstance(net, Program) else Program(net)
    return program.max_served(
        closed_nodes=closed_nodes, closed_processes=closed_processes, closed_edges=closed_edges,
        factors=factors, demand=demand, rationing=rationing, zone=zone,
    )


_SHARED = threading.local()
_PROGRAMS = 4


def shared(net: SupplyNetwork, *, ramp: float | None = None) -> Program:
    """Return the program of a network, compiled once per thread and kept for the next question.

    The last few networks are remembered, by fingerprint.
    """
    known: dict[tuple[str, float | None], Program] = _SHARED.__dict__.setdefault("known", {})
    key = (net.fingerprint, ramp)
    program = known.pop(key, None)
    if program is None:
        program = Program(net, ramp=ramp)
        while len(known) >= _PROGRAMS:
            del known[next(iter(known))]
    known[key] = program
    return program


def ration(
    model: Model, rationing: str, zone: Bools, *, first: list[Floats] | None = None
) -> tuple[Solution, Floats]:
    """Least unmet demand, then who goes without. Leaves the model on the face of these phases.

    Parameters
    ----------
    model
        The program.
    rationing
        One of ``RATIONINGS``.
    zone
        Per process: whether its demand is inside the zone.
    first
        Weights per use, minimised one after another before the world's unmet demand.

    Returns
    -------
    Solution, numpy.ndarray
        The optimum of the world's unmet demand, and unmet per use (in units).
    """
    for weight in first or []:
        fix(model, model.best(model.cost_of_unmet(weight)))
    found = model.best(model.cost_of_unmet(np.ones(len(model.uses))))
    fix(model, found)
    if rationing == "zone_first":
        fix(model, model.best(model.cost_of_unmet(zone[model.uses].astype(np.float64))))
    elif rationing == "home_first":
        cost = np.zeros(model.columns)
        cost[model.home] = -1.0
        fix(model, model.best(cost))
    if found.objective <= 1e-9:
        return found, np.zeros(len(model.uses))
    return found, share_shortage(model)


def _face(rows: Rows, left: Limits, uses: Ints, columns: int, row_count: int, unit: float) -> Face:
    """Bounds in units; rows after the first are equations to zero."""
    lower, upper = np.zeros(columns), np.full(columns, np.inf)
    wanted = left.demand[uses]
    lower[: len(uses)] = np.maximum(wanted - left.intake[uses], 0.0) / unit
    upper[: len(uses)] = wanted / unit
    extra = np.zeros(row_count - len(rows))
    return Face(lower, upper, np.append(rows.lower / unit, extra), np.append(rows.upper / unit, extra))


def _hub_model(
    graph: Expanded, setting: Setting, audiences: Audiences, rules: tuple[Rule, ...], links: Links | None,
    *, home: bool,
) -> Model:
    rows = Rows.of(graph, audiences, setting.left, rules)
    uses = np.flatnonzero(graph.role == USE)
    builder = Builder(len(rows))
    unmet = builder.add(len(uses), [(rows.intake[uses], np.ones(len(uses)))])
    builder.add(len(rows.wholes), rows.sums())
    next_row = len(rows)
    for ways in setting.ways:
        for audience in range(audiences.count):
            next_row = add_hubs(builder, rows, ways, audience, next_row)
    keep, keep_flow = np.zeros(0, dtype=np.int64), np.zeros(0)
    if links is not None and len(links.flow):
        keep, keep_flow, next_row = _add_links(builder, rows, setting.ways, links, next_row)
    domestic = _add_home(builder, rows, setting.ways) if home else slice(0, 0)
    builder.rows = next_row
    unit = unit_of(setting.left)
    face = _face(rows, setting.left, uses, builder.count, next_row, unit)
    face.upper[keep] = keep_flow / unit
    return Model(
        rows, builder.matrix(), face, unit, unmet, uses,
        keep, keep_flow / unit, np.arange(domestic.start, domestic.stop),
    )


def _add_links(builder: Builder, rows: Rows, ways: list[Ways], links: Links, start: int) -> tuple[Ints, Floats, int]:
    """Append the baseline links that are still open; further rows count from ``start``.

    Returns the columns that measure what is kept of each link, its tonnes, and the next row. Feed that
    changes its audience is still kept: where several audiences share a plant, one column measures their sum.
    """
    graph = rows.graph
    keep, flows = [], []
    for product, way in enumerate(ways):
        here = np.flatnonzero((links.product == product) & (links.flow > 0))
        row, column = way.row[links.origin[here]], way.column[links.destination[here]]
        feeds = (graph.gives[links.destination[here]] >= 0) & rows.audiences.labelled[product]
        sums = np.full(len(links.flow), -1)
        sums[here[feeds]] = np.arange(start, start + int(feeds.sum()))
        start += int(feeds.sum())
        for audience in range(rows.audiences.count):
            pairs = here[serves(graph, rows.audiences, way, audience)[row, column]]
            ends, ones = (links.origin[pairs], links.destination[pairs]), np.ones(len(pairs))
            who = np.full(len(pairs), audience)
            entries = [*rows.sending(ends[0], who), *rows.taking(ends[1], who), *rows.leaving(*ends)]
            block = builder.add(len(pairs), [*entries, (sums[pairs], ones)])
            alone = sums[pairs] < 0
            keep.append(np.arange(block.start, block.stop)[alone])
            flows.append(links.flow[pairs][alone])
        total = builder.add(int(feeds.sum()), [(sums[here[feeds]], np.full(int(feeds.sum()), -1.0))])
        keep.append(np.arange(total.start, total.stop))
        flows.append(links.flow[here[feeds]])
    return np.concatenate(keep), np.concatenate(flows), start


def _add_home(builder: Builder, rows: Rows, ways: list[Ways]) -> slice:
    """Append a column for every pair that serves a use from a plant in its own country."""
    graph, start = rows.graph, builder.count
    for way in ways:
        is_use = graph.role[way.destinations] == USE
        origin, end = (graph.country[graph.at[side]] for side in (way.origins, way.destinations))  # noqa: PD008 - an array
        same = (origin[:, None] == end[None, :]) & (origin >= 0)[:, None] & is_use[None, :]
        for audience in range(rows.audiences.count):
            left, right = np.nonzero(serves(graph, rows.audiences, way, audience) & same)
            who = np.full(len(left), audience)
            ends = way.origins[left], way.destinations[right]
            entries = [*rows.sending(ends[0], who), *rows.taking(ends[1], who), *rows.leaving(*ends)]
            builder.add(len(left), entries)
    return slice(start, builder.count)


def _find(kind: str, ids: pd.Index, names: list[str]) -> Ints:
    places = ids.get_indexer(pd.Index(names, dtype="str"))
    for name, place in zip(names, places, strict=True):
        if place < 0:
            raise UnknownNameError.of(kind, name, ids)
    return places.astype(np.int64)


__all__ = [
    "RATIONINGS", "Certificate", "Program", "Served", "Setting", "baseline_serves", "max_served", "ration", "shared",
    "shocked",
]
