"""The product-expanded graph: a network as integer arrays, made in one place.

People see sites and edges; algorithms need to know *what* is moving, or ore would reach a factory
without passing a refinery. So a vertex is (product, node, berth), an arc is an edge of the network
(ids kept, parallel edges apart), and processes are the only way from one product to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from supplygraph.network.schema import LIST_SEPARATOR, ROLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

EXTRACT, TRANSFORM, USE, STOCK, TRADE = range(len(ROLES))


@dataclass(frozen=True, eq=False)
class Expanded:
    """A network as arrays. All indices count from 0 in canonical (sorted id) order; -1 = none.

    Attributes
    ----------
    nodes, products, processes, edges
        Ids, sorted.
    country, throughput
        Per node: index into ``countries`` (-1 unknown or at sea) and t/yr (``inf`` = no limit).
    vertex_product, vertex_node, vertex_berth
        Per vertex, ordered by product first, so that each product owns a block of vertices.
    block
        ``block[p]:block[p + 1]`` are the vertices of product ``p``.
    source, target, cost, km, days, capacity
        Per arc (edge): end vertices, USD/t, km, days, t/yr. A missing cost, km or day counts as 0.
    at, role, takes, gives, limit, recovery, activity, fee
        Per process: node, role, input and output product, capacity, recovery (missing = 1), activity
        (NaN unknown) and processing cost (USD per t of output, missing = 0). A trader is a plant
        (``TRANSFORM``) whose output is its input.
    takes_at, gives_at
        Per process: the vertex where it takes its input and puts its output.
    makes, accepts
        Per process, one column per form: which forms it makes and takes; an empty row = not known.
    ship_origin, ship_destination, ship_product, ship_flow, ship_ptr, ship_edge
        Baseline shipments; the route of shipment s is ``ship_edge[ship_ptr[s]:ship_ptr[s + 1]]``.
    """

    nodes: pd.Index[str]
    products: pd.Index[str]
    processes: pd.Index[str]
    edges: pd.Index[str]
    countries: pd.Index[str]
    shipments: pd.Index[str]
    country: Ints
    throughput: Floats
    vertex_product: Ints
    vertex_node: Ints
    vertex_berth: Ints
    block: Ints
    source: Ints
    target: Ints
    cost: Floats
    km: Floats
    days: Floats
    capacity: Floats
    at: Ints
    role: Ints
    takes: Ints
    gives: Ints
    limit: Floats
    recovery: Floats
    activity: Floats
    fee: Floats
    takes_at: Ints
    gives_at: Ints
    makes: Bools
    accepts: Bools
    ship_origin: Ints
    ship_destination: Ints
    ship_product: Ints
    ship_flow: Floats
    ship_ptr: Ints
    ship_edge: Ints

    @cached_property
    def arc_product(self) -> Ints:
        """The product each arc carries."""
        return self.vertex_product[self.source]

    @cached_property
    def out_arcs(self) -> tuple[Ints, Ints]:
        """CSR over vertices: ``arcs[ptr[v]:ptr[v + 1]]`` leave vertex v, by arc number."""
        from supplygraph.engine.kernels.csr import index

        return index(self.source, len(self.vertex_node))

    @cached_property
    def in_arcs(self) -> tuple[Ints, Ints]:
        """CSC over vertices: ``arcs[ptr[v]:ptr[v + 1]]`` enter vertex v, by arc number."""
        from supplygraph.engine.kernels.csr import index

        return index(self.target, len(self.vertex_node))

    @cached_property
    def demand(self) -> Floats:
        """Demand of each process in t/yr: today's intake of a use (capacity where unknown), else 0."""
        known = np.where(np.isnan(self.activity), self.limit, self.activity)
        return np.where(self.role == USE, known, 0.0)

    @cached_property
    def is_build(self) -> Bools:
        """Stock builds: stock processes that take an input and give nothing."""
        return np.asarray((self.role == STOCK) & (self.takes >= 0) & (self.gives < 0))

    @cached_property
    def is_release(self) -> Bools:
        """Stock releases: stock processes that give an output out of nothing."""
        return np.asarray((self.role == STOCK) & (self.takes < 0))

    def pairs(self, product: int) -> tuple[Ints, Ints, Bools]:
        """Return origins, destinations and which pairs are possible for one product.

        A pair is possible if either side's forms are unknown or they share one, or if it ships at
        baseline. Routes are another matter (see :mod:`supplygraph.engine.routing`).
        """
        origins = np.flatnonzero(self.gives == product)
        destinations = np.flatnonzero(self.takes == product)
        makes, accepts = self.makes[origins], self.accepts[destinations]
        shared: Bools = np.asarray(makes.astype(np.float32) @ accepts.T.astype(np.float32) > 0)
        unknown_makes, unknown_accepts = (~np.asarray(forms.any(axis=1)) for forms in (makes, accepts))
        possible: Bools = shared | unknown_makes[:, None] | unknown_accepts[None, :]
        # A release that fills a build would be stock moved for its own sake.
        possible &= ~(self.is_release[origins][:, None] & self.is_build[destinations][None, :])
        here = (self.ship_product == product) & (self.ship_flow > 0)
        rows = np.searchsorted(origins, self.ship_origin[here])
        columns = np.searchsorted(destinations, self.ship_destination[here])
        possible[rows, columns] = True
        possible[origins[:, None] == destinations[None, :]] = False
        return origins, destinations, possible

    def visits(self, arcs: Ints) -> Ints:
        """Node entered by each arc; -1 for a move between berths of one strait."""
        into = self.vertex_node[self.target[arcs]]
        return np.where(self.vertex_node[self.source[arcs]] == into, -1, into)


def tally(group: Ints, amount: Floats, size: int) -> Floats:
    """Sum amounts by group number, from 0 to ``size - 1``."""
    return np.bincount(group, amount, size).astype(np.float64)


def expand(net: SupplyNetwork) -> Expanded:
    """Turn a network into arrays.

    Parameters
    ----------
    net
        The network.

    Returns
    -------
    Expanded
        In time and memory O(edges + processes + shipments x route length).

    Examples
    --------
    >>> from toys import chain
    >>> graph = expand(chain())
    >>> len(graph.edges) == len(graph.source)
    True
    """
    nodes, products, edges = net.nodes, net.products, net.edges
    processes, shipments = net.processes, net.shipments
    node_ids, product_ids = pd.Index(nodes.index), pd.Index(products.index)
    country_ids = pd.Index(sorted(set(nodes["country"].dropna())), dtype="str")

    at = _codes(node_ids, processes["node"])
    takes, gives = _codes(product_ids, processes["input"]), _codes(product_ids, processes["output"])
    vertices = _vertices(edges, node_ids, product_ids, (at, takes, gives))
    makes, accepts = _forms(processes["makes"], processes["accepts"])
    ptr, routes = _routes(pd.Index(edges.index), shipments["route"])
    return Expanded(
        nodes=node_ids,
        products=product_ids,
        processes=pd.Index(processes.index),
        edges=pd.Index(edges.index),
        countries=country_ids,
        shipments=pd.Index(shipments.index),
        country=_codes(country_ids, nodes["country"]),
        throughput=_numbers(nodes["throughput_t"]),
        vertex_product=vertices.product,
        vertex_node=vertices.node,
        vertex_berth=vertices.berth,
        block=np.searchsorted(vertices.product, np.arange(len(product_ids) + 1)).astype(np.int64),
        source=vertices.source,
        target=vertices.target,
        cost=np.nan_to_num(_numbers(edges["cost_usd_t"])),
        km=np.nan_to_num(_numbers(edges["distance_km"])),
        days=np.nan_to_num(_numbers(edges["days"])),
        capacity=_numbers(edges["capacity_t"]),
        at=at,
        role=_works(processes["role"]),
        takes=takes,
        gives=gives,
        limit=_numbers(processes["capacity_t"]),
        recovery=np.nan_to_num(_numbers(processes["recovery"]), nan=1.0),
        activity=_numbers(processes["activity_t"]),
        fee=np.nan_to_num(_numbers(processes["cost_usd_t"])),
        takes_at=vertices.takes_at,
        gives_at=vertices.gives_at,
        makes=makes,
        accepts=accepts,
        ship_origin=_codes(pd.Index(processes.index), shipments["origin"]),
        ship_destination=_codes(pd.Index(processes.index), shipments["destination"]),
        ship_product=_codes(product_ids, shipments["product"]),
        ship_flow=_numbers(shipments["flow_t"]),
        ship_ptr=ptr,
        ship_edge=routes,
    )


class _Vertices(NamedTuple):
    product: Ints
    node: Ints
    berth: Ints
    source: Ints
    target: Ints
    takes_at: Ints
    gives_at: Ints


def _vertices(
    edges: pd.DataFrame, nodes: pd.Index, products: pd.Index, processes: tuple[Ints, Ints, Ints]
) -> _Vertices:
    """Find and number every (product, node, berth) that an edge or a process touches, products first."""
    at, takes, gives = processes
    moved = _codes(products, edges["product"])
    tails, heads = _codes(nodes, edges["source"]), _codes(nodes, edges["target"])
    berths = [edges[side].to_numpy(dtype="int64", na_value=-1) for side in ("source_berth", "target_berth")]
    berth_ids, codes = np.unique(np.concatenate([*berths, [-1]]), return_inverse=True)
    none = int(np.searchsorted(berth_ids, -1))

    def key(product: Ints, node: Ints, berth: Ints | int) -> Ints:
        return (product * len(nodes) + node) * len(berth_ids) + berth

    taking, giving = takes >= 0, gives >= 0
    parts = [
        key(moved, tails, codes[: len(edges)]),
        key(moved, heads, codes[len(edges) : -1]),
        key(takes[taking], at[taking], none),
        key(gives[giving], at[giving], none),
    ]
    keys, vertex = np.unique(np.concatenate(parts), return_inverse=True)
    ends = np.split(vertex.astype(np.int64), np.cumsum([len(part) for part in parts])[:-1])
    takes_at, gives_at = np.full(len(at), -1), np.full(len(at), -1)
    takes_at[taking], gives_at[giving] = ends[2], ends[3]
    product, rest = np.divmod(keys, max(len(nodes) * len(berth_ids), 1))
    node, berth = np.divmod(rest, len(berth_ids))
    return _Vertices(product, node, berth_ids[berth], ends[0], ends[1], takes_at, gives_at)


def _works(role: pd.Series) -> Ints:
    """Roles as numbers; what a trader sends comes from what it takes, as at a plant."""
    code = _codes(pd.Index(ROLES), role)
    return np.where(code == TRADE, TRANSFORM, code)


def _codes(ids: pd.Index, values: pd.Series) -> Ints:
    """Positions of values in ids; -1 where missing."""
    return ids.get_indexer(pd.Index(values)).astype(np.int64)


def _numbers(values: pd.Series) -> Floats:
    return values.to_numpy(dtype=np.float64).copy()


def _forms(makes: pd.Series, accepts: pd.Series) -> tuple[Bools, Bools]:
    """One boolean column per form, in sorted order (any number of forms)."""
    lists = [[_split(cell) for cell in column] for column in (makes, accepts)]
    forms = sorted({form for column in lists for cell in column for form in cell})
    place = {form: index for index, form in enumerate(forms)}
    masks = []
    for column in lists:
        mask = np.zeros((len(column), max(len(forms), 1)), dtype=np.bool_)
        for row, cell in enumerate(column):
            for form in cell:
                mask[row, place[form]] = True
        masks.append(mask)
    return masks[0], masks[1]


def _split(cell: object) -> list[str]:
    return [part for part in cell.split(LIST_SEPARATOR) if part] if isinstance(cell, str) else []


def _routes(edges: pd.Index, routes: pd.Series) -> tuple[Ints, Ints]:
    lists = [_split(cell) for cell in routes]
    ptr = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(steps) for steps in lists], out=ptr[1:])
    flat = edges.get_indexer(pd.Index([edge for steps in lists for edge in steps], dtype="str"))
    return ptr, flat.astype(np.int64)
