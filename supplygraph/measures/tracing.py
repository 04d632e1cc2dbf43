"""Tracing: where the material that reaches final demand was mined, refined and shipped.

Cargoes keep their identity in ports and straits and mix only in processes. With ``f_ij`` the
shipments from process i to j and ``X_j`` the intake of j, a tonne found in j came from i with
probability ``R_ji = f_ij / X_j``. Following a tonne of demand backward is a walk over these
probabilities, so losses and loops cancel: all figures are shares of final demand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem
from supplygraph.network.schema import LIST_SEPARATOR

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

#: A chain has fewer stages than this; a longer walk runs in a loop and is solved, not swept.
_SWEEPS = 64


@dataclass(frozen=True, eq=False)
class Trace:
    """The backward walk over processes, as integer arrays.

    Attributes
    ----------
    processes
        Ids of the processes; positions below refer to them.
    node
        Position of the node of each process in the network's nodes.
    demand
        Tonnes that end in each process: intake of final demand and of stock builds.
    origin, destination, step
        Per shipment, the two processes and the probability to step back from the one to the other.
    shipments
        Ids of the shipments, in the same order.
    routes, flow
        Their routes (edge ids in one text) and tonnes.
    """

    network: SupplyNetwork
    processes: pd.Index
    node: NDArray[np.int64]
    demand: NDArray[np.float64]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    step: NDArray[np.float64]
    shipments: pd.Index
    routes: pd.Series
    flow: NDArray[np.float64]

    def redrawn(self, network: SupplyNetwork) -> Trace | None:
        """Return the walk of another draw of an ensemble: the same tables, other tonnes.

        Returns
        -------
        Trace or None
            None if the other network has other processes or shipments, or moves nothing by some of them.

        Notes
        -----
        Looks up no name, so that a thousand draws take no longer than their arithmetic.
        """
        shipments = network.shipments
        moves = shipments["flow_t"].to_numpy(dtype=np.float64) > 0
        if not moves.all():
            shipments = shipments[moves]
        if not (shipments.index.equals(self.shipments) and network.processes.index.equals(self.processes)):
            return None
        flow = shipments["flow_t"].to_numpy(dtype=np.float64)
        intake = np.bincount(self.destination, weights=flow, minlength=len(self.processes))
        demand = np.where(self.demand > 0, intake, 0.0)
        return replace(self, network=network, demand=demand, step=flow / intake[self.destination], flow=flow)

    def matrix(self, *, keep: NDArray[np.bool_] | None = None) -> Any:
        """Return R as a sparse matrix (row: where the tonne is; column: where it came from)."""
        from scipy.sparse import csr_array

        steps = self.step if keep is None else self.step * keep
        size = len(self.processes)
        return csr_array((steps, (self.destination, self.origin)), shape=(size, size))

    def ahead(self, ends: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of each process's output that ends in some processes (``ends``: 1 there, else 0).

        Complexity: one pass over the shipments per stage of the chain; a sparse solve with loops.
        """
        from scipy.sparse import csr_array

        size = len(self.processes)
        sent = np.bincount(self.origin, self.flow, size)
        step = self.flow / np.where(sent > 0, sent, 1.0)[self.origin]
        return solve(csr_array((step, (self.origin, self.destination)), shape=(size, size)), ends)

    def last(self, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the tonnes of demand whose last process among ``inside`` was each of them.

        Complexity: one pass over the shipments per stage of the chain; a sparse solve with loops.
        """
        back = _keep_rows(self.matrix(), ~inside).T.tocsr()
        return np.where(inside, solve(back, self.demand), 0.0)

    def expect(
        self,
        inside: NDArray[np.bool_],
        payoff: NDArray[np.float64],
        *,
        keep: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """Return, for a tonne in each process, the expected payoff of its last process ``inside``.

        The process itself counts. A tonne that crosses none of them earns nothing, nor does one
        that takes a step not kept.

        Parameters
        ----------
        inside
            The processes at which the walk back from demand ends.
        payoff
            One row per process (rows of others are not read); one or more columns.
        keep
            The shipments (steps) that count.
        """
        walk = self.matrix(keep=keep)
        ends = inside if payoff.ndim == 1 else inside[:, None]
        return np.where(ends, payoff, solve(_keep_columns(walk, ~inside), walk @ (payoff * ends)))


def trace(network: SupplyNetwork, shipments: pd.DataFrame | None = None) -> Trace:
    """Return the backward walk of a network, along its own shipments or along others (a plan).

    Raises
    ------
    DataError
        If the network has no shipments, or none that reach final demand.
    """
    processes = network.processes
    shipments = network.shipments if shipments is None else shipments
    moves = shipments["flow_t"].to_numpy(dtype=np.float64) > 0
    if not moves.all():
        shipments = shipments[moves]
    origin, destination = (_positions(processes.index, shipments[end]) for end in ("origin", "destination"))
    flow = shipments["flow_t"].to_numpy(dtype=np.float64)
    intake = np.bincount(destination, weights=flow, minlength=len(processes))
    demand = np.where(processes["output"].isna().to_numpy(), intake, 0.0)
    if not demand.any():
        problem = Problem("shipments", "no tonne reaches final demand.", "Estimate the flows: build(...).")
        raise DataError("nothing to trace", [problem])
    return Trace(
        network=network,
        processes=processes.index,
        node=_positions(network.nodes.index, processes["node"]),
        demand=demand,
        origin=origin,
        destination=destination,
        step=flow / intake[destination],
        shipments=shipments.index,
        routes=shipments["route"],
        flow=flow,
    )


def visits(traced: Trace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which shipments touch which nodes: pairs (position of shipment, position of node).

    A shipment touches the nodes of both its processes and every node along its route, once each.
    """
    network = traced.network
    edges, nodes = network.edges, network.nodes
    count = np.arange(len(traced.flow))
    on_leg, legs = _legs(traced.routes)
    where = _positions(edges.index, legs)
    ends = [_positions(nodes.index, edges[side])[where] for side in ("source", "target")]
    shipment = np.concatenate([on_leg, on_leg, count, count])
    node = np.concatenate([*ends, traced.node[traced.origin], traced.node[traced.destination]])
    node, shipment = np.divmod(np.unique(node * max(len(count), 1) + shipment), max(len(count), 1))
    return shipment, node


def _legs(routes: pd.Series) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the edges of all routes, each with the position of its route."""
    given = np.flatnonzero(routes.notna().to_numpy())
    texts = routes.iloc[given].tolist()
    count = np.array([text.count(LIST_SEPARATOR) + 1 for text in texts], dtype=np.int64)
    return np.repeat(given, count), np.array(LIST_SEPARATOR.join(texts).split(LIST_SEPARATOR)[: count.sum()], object)


def solve(walk: Any, given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve ``x = given + walk x`` exactly.

    Without loops the powers of the walk vanish after as many steps as the chain has stages, and a
    sweep over them is exact; with loops each group of processes that feed each other is solved exactly.

    Raises
    ------
    DataError
        If some processes feed only each other, so that their material has no origin.
    """
    total, wave = given.copy(), given
    for _ in range(_SWEEPS):
        wave = walk @ wave
        if not wave.any():
            return total
        total += wave
    from supplygraph.engine.kernels.tracing import sweep
    from supplygraph.errors import InfeasibleError

    arcs = walk.tocoo()
    try:
        return sweep(walk.shape[0], arcs.col, arcs.row, arcs.data, given)
    except InfeasibleError:
        problem = Problem("shipments", "some processes feed only each other.", "Give their loop a source.")
        raise DataError("material without an origin", [problem]) from None


def _positions(index: pd.Index, labels: pd.Series | NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(index.get_indexer(labels), dtype=np.int64)  # type: ignore[arg-type]


def _keep_rows(matrix: Any, kept: NDArray[np.bool_]) -> Any:
    from scipy.sparse import diags_array

    return (diags_array(kept.astype(float)) @ matrix).tocsr()


def _keep_columns(matrix: Any, kept: NDArray[np.bool_]) -> Any:
    from scipy.sparse import diags_array

    return (matrix @ diags_array(kept.astype(float))).tocsr()
