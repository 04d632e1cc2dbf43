"""How much goes through an item today: tonnes, and betweenness as it is meant for flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.measures import tracing
from supplygraph.network.schema import LIST_SEPARATOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.items import Items
    from supplygraph.measures.tracing import Trace

#: Shares under this are what rounding leaves of nothing.
_NOTHING = 1e-13


def through(traced: Trace, items: Items, wanted: NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """Return ``throughput_t`` and ``betweenness`` of every item, and ``ends``.

    Parameters
    ----------
    traced
        Today's shipments, or those of a plan.
    items
        What may fail.
    wanted
        Per process, whether its demand counts; None = all.

    Returns
    -------
    pandas.DataFrame
        Indexed by item. ``throughput_t``: tonnes that leave it, pass it, or end in it as final demand or stock. What a
        plant takes in to work on counts when it leaves again, so that nothing counts twice. All demand that touches
        an item is among these tonnes, and losses on the way only make them more, so no loss can be larger: it is
        always possible to give up just what touches the item. ``betweenness``: tonnes of demand that come through
        it and were neither mined nor are used there. ``ends``: whether everything that touches it ends there.

    Notes
    -----
    Flow-weighted betweenness: each chain of shipments from a mine to a factory counts with the demand it serves, along
    the way it really takes; where cargoes mix in a plant, in proportion. O(items x shipments).
    """
    uses = (traced.network.processes["role"] == "use").to_numpy()
    counts = uses if wanted is None else uses & wanted
    if items.by == "owner":
        return _by_owner(traced, items, counts, limited=wanted is not None)
    shipment, item = _touches(traced, items)
    share = np.ones(len(traced.flow)) if wanted is None else _towards(traced, counts)
    tonnes, ends = _tonnes(traced, items, shipment, item, share)
    table = pd.DataFrame({"throughput_t": tonnes, "ends": ends}, index=items.table.index)
    table["betweenness"] = _between(traced, items, shipment, item, np.where(counts, traced.demand, 0.0))
    return table


def touched(traced: Trace, items: Items, item: str) -> NDArray[np.int64]:
    """Return the positions of the shipments that touch one item."""
    if items.by == "owner":
        held = items.shares(item).index
        mine = np.isin(traced.processes, held)
        return np.flatnonzero(mine[traced.origin] | mine[traced.destination])
    shipment, place = _touches(traced, items)
    return np.sort(shipment[place == items.table.index.get_loc(item)])


def _touches(traced: Trace, items: Items) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (shipment, item), each once."""
    if items.by == "edge":
        legs = traced.routes.reset_index(drop=True).dropna().str.split(LIST_SEPARATOR).explode()
        shipment = legs.index.to_numpy(dtype=np.int64)
        item = items.table.index.get_indexer(pd.Index(legs)).astype(np.int64)
    else:
        shipment, node = tracing.visits(traced)
        item = _place(items)[node]
    pairs = np.unique(np.stack([item, shipment], axis=1)[item >= 0], axis=0)
    return pairs[:, 1], pairs[:, 0]


def _place(items: Items) -> NDArray[np.int64]:
    """Return the item of each node, -1 for none."""
    return items.table.index.get_indexer(pd.Index(items.labels())).astype(np.int64)


def _towards(traced: Trace, counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return per shipment the share of it that ends in the demand that counts."""
    return traced.ahead(counts.astype(float))[traced.destination]


def _tonnes(
    traced: Trace, items: Items, shipment: NDArray[np.int64], item: NDArray[np.int64], share: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    size = len(items.table)
    if items.by == "edge":
        arrives = ends = np.zeros(len(item), dtype=np.bool_)
    else:
        destination = traced.destination[shipment]
        arrives = _place(items)[traced.node[destination]] == item
        ends = arrives & traced.network.processes["output"].isna().to_numpy()[destination]
    counted = np.where(arrives & ~ends, 0.0, (traced.flow * share)[shipment])
    all_end = np.bincount(item[ends], minlength=size) == np.bincount(item, minlength=size)
    return np.bincount(item, counted, size).astype(np.float64), all_end & (np.bincount(item, minlength=size) > 0)


def _between(
    traced: Trace, items: Items, shipment: NDArray[np.int64], item: NDArray[np.int64], demand: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return, per item, the demand that is neither mined nor used there, less what never comes by."""
    size, processes = len(items.table), len(traced.processes)
    at = np.full(processes, -1) if items.by == "edge" else _place(items)[traced.node]
    source = np.bincount(traced.destination, minlength=processes) == 0
    whole = demand @ traced.expect(source, np.ones(processes))
    bounds = np.searchsorted(item, np.arange(size + 1))
    found = np.zeros(size)
    for number in np.flatnonzero(np.diff(bounds)):
        keep = np.ones(len(traced.flow), dtype=np.bool_)
        keep[shipment[bounds[number] : bounds[number + 1]]] = False
        own = at == number
        other = np.where(own, 0.0, demand)
        avoiding = other @ traced.expect(source, np.where(own, 0.0, 1.0), keep=keep)
        elsewhere = other @ traced.expect(source, np.where(own, 0.0, 1.0)) if own.any() else whole
        found[number] = elsewhere - avoiding
    return np.where(found > _NOTHING * max(float(whole), 1.0), found, 0.0)


def _by_owner(traced: Trace, items: Items, counts: NDArray[np.bool_], *, limited: bool) -> pd.DataFrame:
    """Count an owner's share of what goes through each of its sites."""
    own = type(items).of(items.net, "node")
    per_node = through(traced, own, counts if limited else None)
    share = items.net.owners.reset_index().groupby(["owner", "node"])["share"].sum().reset_index()
    columns = ["throughput_t", "betweenness"]
    tonnes = per_node[columns].reindex(share["node"]).fillna(0.0).mul(share["share"].to_numpy(), axis=0)
    return tonnes.groupby(share["owner"].to_numpy()).sum().reindex(items.table.index, fill_value=0.0).assign(ends=False)
