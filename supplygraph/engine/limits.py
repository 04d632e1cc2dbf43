"""What a scenario leaves: limits of processes, sites and edges, in t/yr."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.expanded import EXTRACT, TRANSFORM, USE, tally
from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints


class Ban(NamedTuple):
    """What may leave a country of one product; destination -1 = every other country.

    Either ``keep``, the share of today's exports that remains allowed (0 = none), or ``limit_t`` in t/yr.
    """

    origin: int
    product: int
    destination: int
    keep: float = 0.0
    limit_t: float = float("nan")


@dataclass(frozen=True, eq=False)
class Scenario:
    """What a shock leaves, as arrays over one :class:`~supplygraph.engine.expanded.Expanded`.

    Attributes
    ----------
    process, node, arc
        Factors in [0, inf): 1 = as today, 0 = closed. Below 1 a factor is a share of *today's flow*
        (halving a plant halves what it makes today, spare capacity or not); above 1 it scales capacity.
    bans
        Export limits, all plants of a country together.
    """

    process: Floats
    node: Floats
    arc: Floats
    bans: tuple[Ban, ...] = ()

    @classmethod
    def calm(cls, graph: Expanded) -> Scenario:
        """Return the scenario in which nothing happens."""
        return cls(np.ones(len(graph.processes)), np.ones(len(graph.nodes)), np.ones(len(graph.edges)))

    @property
    def closed_node(self) -> Bools:
        """Sites that nothing may use."""
        return self.node <= 0

    @property
    def closed_arc(self) -> Bools:
        """Edges that nothing may use."""
        return self.arc <= 0


@dataclass(frozen=True, eq=False)
class Quota:
    """Most that may leave a country, in t/yr, of one product, to one country (-1 = all others)."""

    origin: int
    product: int
    destination: int
    limit: float

    def covers(self, graph: Expanded, origins: Ints, destinations: Ints) -> Bools:
        """Tell which shipments (origin and destination processes, elementwise) count against it."""
        home = graph.country[graph.at[origins]]
        abroad = graph.country[graph.at[destinations]]
        # An unnamed rest of the world is not known to be the home country: a general limit covers it.
        to = abroad != self.origin if self.destination < 0 else abroad == self.destination
        return np.asarray((home == self.origin) & to & (graph.gives[origins] == self.product))


def quotas(graph: Expanded, scenario: Scenario) -> tuple[Quota, ...]:
    """Return the export limits of a scenario, bans included (limit 0)."""
    found = []
    for ban in scenario.bans:
        quota = Quota(ban.origin, ban.product, ban.destination, 0.0)
        if ban.limit_t >= 0:
            quota = replace(quota, limit=ban.limit_t)
        elif ban.keep > 0:
            hit = quota.covers(graph, graph.ship_origin, graph.ship_destination)
            quota = replace(quota, limit=ban.keep * float(graph.ship_flow[hit].sum()))
        found.append(quota)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Limits:
    """Upper limits in t/yr; ``inf`` = none.

    Attributes
    ----------
    output
        Per process: most it can send out.
    intake
        Per process: most a use or a stock build can take in.
    demand
        Per process: what a use asks for, before any shock.
    node, arc
        Most that can start, pass or end at a site, and most that can move over an edge.
    quotas
        Export limits above zero (those at zero close pairs).
    """

    output: Floats
    intake: Floats
    demand: Floats
    node: Floats
    arc: Floats
    quotas: tuple[Quota, ...] = ()

    @property
    def couples(self) -> bool:
        """Whether a site or an edge limits the sum of several routes."""
        return bool(np.isfinite(self.node).any() or np.isfinite(self.arc).any())


def today(graph: Expanded) -> Floats:
    """Return the flow of each process today: its activity, else its shipments, else NaN (unknown)."""
    size = len(graph.processes)
    sent = np.bincount(graph.ship_origin, graph.ship_flow, size)
    taken = np.bincount(graph.ship_destination, graph.ship_flow, size)
    shipped = np.where(graph.gives >= 0, sent, taken)
    known = np.zeros(size, dtype=np.bool_)
    known[graph.ship_origin] = known[graph.ship_destination] = True
    return np.where(np.isnan(graph.activity), np.where(known, shipped, np.nan), graph.activity)


def limits(graph: Expanded, scenario: Scenario, *, ramp: float | None, demand: Floats | None = None) -> Limits:
    """Return what can be made, taken and moved under a scenario.

    Mines and plants: ``min(capacity, (1 + ramp) x today)``; ``ramp=None`` leaves capacity alone. Stock
    releases go on at today's level, stock builds take at most today's (they rank after demand and may
    be drawn down to nothing). A site's throughput counts every shipment that starts, passes or ends
    there, once per visit.

    Raises
    ------
    DataError
        If a factor between 0 and 1 meets a limit that is infinite and a flow that is unknown.
    """
    now = today(graph)
    known = ~np.isnan(now)
    level = np.where(known, now, 0.0)
    most = np.where(known, np.maximum(graph.limit, level), graph.limit)
    if ramp is not None:
        ramped = known & ((graph.role == EXTRACT) | (graph.role == TRANSFORM))
        most = np.where(ramped, np.minimum(most, (1.0 + ramp) * level), most)
    still = known & (graph.is_release | graph.is_build)
    most = np.where(still, level, most)
    wanted = graph.demand if demand is None else demand
    most = np.where(graph.role == USE, wanted, most)
    factor = np.where(scenario.node[graph.at] <= 0, 0.0, scenario.process)
    base = np.where((factor < 1) & known & (graph.role != USE), level, most)
    _refuse_unknown(graph, (factor > 0) & (factor < 1) & np.isinf(base))
    left = np.where(factor <= 0, 0.0, base * np.where(factor <= 0, 1.0, factor))
    # A factory that could take more has no more demand; only a smaller one takes less.
    left = np.where(graph.role == USE, np.minimum(left, most), left)
    return Limits(
        np.where(graph.gives >= 0, left, np.inf),
        np.where(graph.gives < 0, left, np.inf),
        wanted,
        _scaled(graph.throughput, scenario.node, _through_nodes(graph), graph, sites=True),
        _scaled(graph.capacity, scenario.arc, _over_arcs(graph), graph, sites=False),
        tuple(quota for quota in quotas(graph, scenario) if quota.limit > 0),
    )


def _refuse_unknown(graph: Expanded, bad: Bools) -> None:
    if bad.any():
        problems = [
            Problem(f"process {name!r}", "has neither a capacity nor a flow to take a share of", "Give capacity_t.")
            for name in graph.processes[bad]
        ]
        raise DataError("a partial closure needs a known capacity or flow", problems)


def _scaled(limit: Floats, factor: Floats, flow: Floats, graph: Expanded, *, sites: bool) -> Floats:
    """Scale limits: what is closed has no route and needs no row; scaled down, a share of today's flow."""
    partly = (factor > 0) & (factor < 1)
    if sites:
        # A site works through its processes, which carry the factor themselves.
        partly &= ~np.isin(np.arange(len(limit)), graph.at)
    most = np.maximum(limit, flow)  # what moves today can move
    return np.where(partly, factor * flow, most * np.maximum(factor, 1.0))


def _over_arcs(graph: Expanded) -> Floats:
    flow = np.repeat(graph.ship_flow, np.diff(graph.ship_ptr))
    return tally(graph.ship_edge, flow, len(graph.edges))


def _through_nodes(graph: Expanded) -> Floats:
    """Today's flow through each site by its baseline shipments, once per visit."""
    into = graph.visits(graph.ship_edge)
    flow = np.repeat(graph.ship_flow, np.diff(graph.ship_ptr))
    start = graph.at[graph.ship_origin]
    total = tally(start, graph.ship_flow, len(graph.nodes))
    return total + tally(into[into >= 0], flow[into >= 0], len(graph.nodes))
