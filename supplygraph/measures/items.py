"""What can fail: sites, edges, straits, all of a country, all of an owner; for chokepoints and interdiction alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.errors import UnknownNameError
from supplygraph.measures import stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.engine.expanded import Expanded
    from supplygraph.engine.flowgraph import FlowGraph
    from supplygraph.engine.limits import Scenario
    from supplygraph.network.network import SupplyNetwork

#: What can fail together, by name: ``passage`` are straits and canals only; an owner loses its share of every plant.
KINDS = ("node", "edge", "country", "owner", "passage")
#: What people call one of each kind.
TOLD = {"node": "site", "edge": "link", "country": "country", "owner": "owner", "passage": "strait"}
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Items:
    """All items of one grouping.

    Attributes
    ----------
    by
        One of ``KINDS``.
    table
        Indexed by id, sorted: ``name``, ``kind``, ``country``, ``residual`` (an unnamed rest, which nobody can attack,
        protect or rank).
    """

    net: SupplyNetwork
    by: str
    table: pd.DataFrame

    @classmethod
    def of(cls, net: SupplyNetwork, by: str) -> Items:
        """List what can fail.

        Raises
        ------
        UnknownNameError
            If the grouping is unknown.

        Examples
        --------
        >>> from toys import chain
        >>> Items.of(chain(), "passage").table["name"].tolist()
        ['Strait of Malacca', 'Suez Canal']
        """
        if by not in KINDS:
            raise UnknownNameError.of("grouping", by, KINDS)
        return cls(net, by, _table(net, by))

    @property
    def whole(self) -> bool:
        """Whether items fail altogether (an owner holds only shares of plants)."""
        return self.by != "owner"

    def labels(self) -> pd.Series:
        """Return the item of each node (by edge: of each edge); missing where it belongs to none.

        A site belongs to an owner that holds all of it.
        """
        if self.by == "edge":
            return self.net.edges.index.to_series()
        if self.by == "country":
            return self.net.nodes["country"]
        ids = self.net.nodes.index.to_series()
        if self.by == "owner":
            held = self.net.owners.reset_index().groupby(["node", "owner"])["share"].sum().reset_index()
            return ids.map(held[held["share"] >= 1.0 - _ROUNDING].set_index("node")["owner"])
        return ids.where(ids.isin(self.table.index)) if self.by == "passage" else ids

    def shares(self, item: str) -> pd.Series:
        """Return what share of each process an owner holds (0 < share <= 1), by process."""
        owners = self.net.owners.reset_index()
        share = owners[owners["owner"] == item].groupby("node")["share"].sum()
        return self.net.processes["node"].map(share).dropna().clip(upper=1.0)

    def fail(self, graph: Expanded, items: Iterable[str], before: Scenario) -> Scenario:
        """Return a scenario in which these items fail on top of another."""
        chosen = list(items)
        after = replace(before, process=before.process.copy(), node=before.node.copy(), arc=before.arc.copy())
        if self.by == "edge":
            after.arc[graph.edges.get_indexer(pd.Index(chosen, dtype="str"))] = 0.0
        elif self.by == "owner":
            lost = np.zeros(len(graph.processes))
            for item in chosen:
                shares = self.shares(item)
                lost[graph.processes.get_indexer(shares.index)] += shares.to_numpy()
            after.process[:] *= 1.0 - np.minimum(lost, 1.0)
        else:
            after.node[self.labels().isin(chosen).to_numpy()] = 0.0
        return after

    def arcs(self, flow: FlowGraph) -> tuple[np.ndarray, np.ndarray]:
        """Return the arcs of each item as CSR, in the order of the table; of an owner, what it holds altogether."""
        of = flow.edge if self.by == "edge" else flow.node
        place = self.table.index.get_indexer(pd.Index(self.labels()))
        item = np.where(of >= 0, np.append(place, -1)[of], -1)
        return flow.items(item, len(self.table))


def _table(net: SupplyNetwork, by: str) -> pd.DataFrame:
    nodes = net.nodes
    if by == "edge":
        edges = net.edges
        ends = [edges[side].map(nodes["name"]) for side in ("source", "target")]
        return pd.DataFrame(
            {"name": ends[0] + " > " + ends[1], "kind": edges["mode"], "country": None, "residual": False},
            index=edges.index,
        )
    if by in {"node", "passage"}:
        kept = nodes[nodes["kind"] == "passage"] if by == "passage" else nodes
        return kept[["name", "kind", "country"]].assign(residual=kept["status"].eq("residual").fillna(value=False))
    codes = nodes["country"] if by == "country" else net.owners["owner"]
    index = pd.Index(sorted(codes.dropna().unique()), name=by)
    named = stages.told(index, stages.names(net, "country"))
    return pd.DataFrame({"name": named, "kind": by, "country": index, "residual": False}, index=index)
