"""What would happen if nobody rerouted: the shock runs down the existing shipments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import TRANSFORM
from supplygraph.engine.limits import limits, quotas, today
from supplygraph.engine.paths import broken_shipments

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.program import Program

_ROUNDS = 10_000


def without_rerouting(program: Program, scenario: Scenario) -> Floats:
    """Return what each process takes in (uses: what they are served) if every shipment keeps its ends and its way.

    A plant makes what its limit and its feed allow, and cuts all its customers alike; a shipment over
    something closed, or under a ban, stops; nobody makes more than today. Exact for chains; with loops the
    largest fixed point, reached from above.
    """
    graph = program.graph
    left = limits(graph, scenario, ramp=0.0)
    now = today(graph)
    size = len(graph.processes)
    through = _open_share(program, scenario)
    flow = np.where(broken_shipments(graph, scenario), 0.0, graph.ship_flow * through)
    taken = np.bincount(graph.ship_destination, graph.ship_flow, size)
    made = graph.gives >= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(made & (now > 0), np.minimum(left.output / now, 1.0), 1.0)
    own = np.where(np.isnan(own), 1.0, own)
    ratio = own
    for _ in range(_ROUNDS):
        fed = np.bincount(graph.ship_destination, flow * ratio[graph.ship_origin], size)
        share = np.where((graph.role == TRANSFORM) & (taken > 0), fed / np.where(taken > 0, taken, 1.0), 1.0)
        after = np.minimum(own, share)
        if np.abs(after - ratio).max(initial=0.0) < 1e-12:
            break
        ratio = after
    served = np.bincount(graph.ship_destination, flow * ratio[graph.ship_origin], size)
    return np.minimum(served, np.where(graph.gives < 0, left.intake, np.inf))


def _open_share(program: Program, scenario: Scenario) -> Floats:
    """Share of each shipment that scaled-down sites, edges and export quotas on its way let pass."""
    graph = program.graph
    share = np.ones(len(graph.ship_flow))
    legs = np.repeat(np.arange(len(share)), np.diff(graph.ship_ptr))
    into = graph.visits(graph.ship_edge)
    passing = np.where(np.isin(np.arange(len(graph.nodes)), graph.at), 1.0, np.minimum(scenario.node, 1.0))
    np.minimum.at(share, legs, np.minimum(scenario.arc, 1.0)[graph.ship_edge])
    np.minimum.at(share, legs[into >= 0], passing[into[into >= 0]])
    for quota in quotas(graph, scenario):
        hit = quota.covers(graph, graph.ship_origin, graph.ship_destination)
        exported = float(graph.ship_flow[hit].sum())
        share[hit] = np.minimum(share[hit], quota.limit / exported if exported > 0 else 1.0)
    return share
