"""Layered supply networks of any size, and their multi-commodity programs as arrays.

Nine layers: mine > ore port > strait > ore port > refinery > metal port > strait > metal port > factory, with
direct legs between ports too. A strait is one physical site with two copies (ore, metal) that share its limit.
Mines dig one mineral of five; refineries and factories handle one or two; ports and straits handle all.
Degrees and capacities have heavy tails; about a quarter of the edges repeat a pair of sites by another mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from supplygraph.engine.expanded import EXTRACT, TRANSFORM, USE, Expanded
from supplygraph.engine.linear import Linear

MINE, REFINERY, FACTORY = 0, 4, 8
STRAITS = (2, 6)
#: Sites, edges, straits.
SIZES = {"S": (1_000, 10_000, 10), "S2": (4_000, 50_000, 15), "M": (20_000, 300_000, 30),
         "L": (200_000, 3_000_000, 60), "XL": (1_000_000, 10_000_000, 100)}  # fmt: skip
MINERALS = 5
PENALTY = 5000.0  # USD per tonne of demand that goes unmet
_SHARE = (0.25, 0.06, 0.0, 0.06, 0.10, 0.06, 0.0, 0.06)  # of the sites, by layer; factories are the rest
#: (from layer, to layer, share of edges)
_LEGS = ((0, 1, 0.25), (1, 2, 0.03), (2, 3, 0.03), (1, 3, 0.13), (3, 4, 0.20), (4, 5, 0.12), (5, 6, 0.03),
         (6, 7, 0.03), (5, 7, 0.10), (7, 8, 0.28))  # fmt: skip
#: Capacity of a layer over what the mines can dig; refineries and factories are tight.
_ROOM = {1: 1.6, 2: 1.2, 3: 1.6, 4: 1.05, 5: 1.6, 6: 1.2, 7: 1.6, 8: 0.95}


@dataclass(frozen=True, eq=False)
class Instance:
    """One network: per site its layer, physical site, capacity, minerals and recovery; per edge its ends."""

    layer: np.ndarray
    physical: np.ndarray
    capacity: np.ndarray
    handles: np.ndarray
    recovery: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    room: np.ndarray
    cost: np.ndarray


def draw(size: str, *, seed: int = 7) -> Instance:
    """Draw a network of a named size; the same arguments give the same network."""
    sites, edges, straits = SIZES[size]
    rng = np.random.default_rng(seed)
    counts = [int(sites * share) for share in _SHARE]
    for layer in STRAITS:
        counts[layer] = straits
    counts.append(sites - sum(counts))
    first = np.concatenate([[0], np.cumsum(counts)])
    layer = np.repeat(np.arange(9), counts)
    place = np.concatenate([np.sort(rng.random(count)) for count in counts])
    weight = rng.pareto(2.2, sites) + 0.3
    tail, head = _ends(rng, first, place, weight, edges)
    mode = rng.integers(0, 3, edges)
    capacity = _capacities(rng, first, np.bincount(head, minlength=sites))
    outs, ins = np.maximum(np.bincount(tail, minlength=sites), 1), np.maximum(np.bincount(head, minlength=sites), 1)
    room = _rooms(rng, (capacity / outs)[tail], (capacity / ins)[head])
    cost = _costs(rng, place[tail] - place[head], mode)
    physical = np.arange(sites)
    physical[first[6] : first[7]] = np.arange(first[2], first[3])
    recovery = np.ones(sites)
    recovery[layer == REFINERY] = rng.uniform(0.6, 0.95, counts[REFINERY])
    return Instance(layer, physical, capacity, _handles(rng, layer), recovery, tail, head, room, cost)


def _ends(
    rng: np.random.Generator, first: np.ndarray, place: np.ndarray, weight: np.ndarray, edges: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every site gets an edge on both sides; the rest go near (60 %) or to popular sites; then repeats."""
    tails, heads = [], []
    total = sum(share for *_, share in _LEGS)
    for a, b, share in _LEGS:
        from_a, into_b = (np.arange(first[layer], first[layer + 1]) for layer in (a, b))
        popular_a, popular_b = (weight[those] / weight[those].sum() for those in (from_a, into_b))
        extra = max(int(0.87 * edges * share / total) - len(from_a) - len(into_b), 0)
        tail = np.concatenate([from_a, rng.choice(from_a, extra, p=popular_a)])
        target = np.clip(place[tail] + rng.normal(0, 0.05, len(tail)), 0, 1)
        near = first[b] + np.minimum(np.searchsorted(place[into_b], target), len(into_b) - 1)
        head = np.where(rng.random(len(tail)) < 0.6, near, rng.choice(into_b, len(tail), p=popular_b))
        tails += [tail, rng.choice(from_a, len(into_b), p=popular_a)]
        heads += [head, into_b]
    tail, head = np.concatenate(tails), np.concatenate(heads)
    again = rng.choice(len(tail), max(edges - len(tail), 0))
    return np.concatenate([tail, tail[again]])[:edges], np.concatenate([head, head[again]])[:edges]


def _rooms(rng: np.random.Generator, out: np.ndarray, into: np.ndarray) -> np.ndarray:
    """Draw the room of each edge from its ends' capacity per edge; in place, for the sake of memory."""
    room = np.minimum(out, into)
    room *= 4
    room += np.maximum(out, into, out=out)
    room *= rng.lognormal(0, 0.6, len(room))
    return np.maximum(room, 1, out=room).astype(np.int64)


def _costs(rng: np.random.Generator, far: np.ndarray, mode: np.ndarray) -> np.ndarray:
    """Draw the cost of each edge from its length; in place."""
    far = np.abs(far, out=far)
    far *= 100
    far *= np.array([1.0, 2.2, 3.5])[mode]
    far += 5
    far += 5 * rng.random(len(far))
    return far.astype(np.int64)


def _capacities(rng: np.random.Generator, first: np.ndarray, degree: np.ndarray) -> np.ndarray:
    capacity = np.maximum(1, rng.lognormal(4.6, 1, first[-1])).astype(np.int64)
    total = capacity[: first[1]].sum()
    for layer, room in _ROOM.items():
        those = slice(first[layer], first[layer + 1])
        weight = degree[those] * rng.lognormal(0, 0.5, first[layer + 1] - first[layer])
        capacity[those] = np.maximum(1, weight / weight.sum() * total * room).astype(np.int64)
    return capacity


def _handles(rng: np.random.Generator, layer: np.ndarray) -> np.ndarray:
    """Tell which minerals each site may handle."""
    common = rng.dirichlet(np.ones(MINERALS) * 3)
    handles = np.ones((len(layer), MINERALS), dtype=np.bool_)
    for kind, second in ((MINE, 0.0), (REFINERY, 0.2), (FACTORY, 1.0)):
        those = np.flatnonzero(layer == kind)
        handles[those] = False
        handles[those, rng.choice(MINERALS, len(those), p=common)] = True
        other = rng.choice(MINERALS, len(those), p=common)
        also = rng.random(len(those)) < second
        handles[those[also], other[also]] = True
    return handles


def split(net: Instance) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Return vertices, tails, heads and capacities of the network for one maximum flow of all minerals together.

    Site v is the arc v from vertex 2 v to 2 v + 1, then follow the edges in order, then an arc from the source (the
    vertex before the last) to each mine and from each factory to the sink (the last), with their capacity.
    """
    sites, own = len(net.layer), np.arange(len(net.layer))
    mines, factories = np.flatnonzero(net.layer == MINE), np.flatnonzero(net.layer == FACTORY)
    tail = [2 * own, 2 * net.tail + 1, np.full(len(mines), 2 * sites), 2 * factories + 1]
    head = [2 * own + 1, 2 * net.head, 2 * mines, np.full(len(factories), 2 * sites + 1)]
    capacity = np.concatenate([net.capacity, net.room, net.capacity[mines], net.capacity[factories]])
    both = (np.concatenate(ends, dtype=np.int32, casting="same_kind") for ends in (tail, head))
    return 2 * sites + 2, *both, capacity


def program(net: Instance) -> Linear:
    """Return the program: least freight plus ``PENALTY`` per tonne unmet.

    Columns: flow by edge and mineral (at most the edge's room each), then unmet demand by factory and mineral.
    Rows: balance by site and mineral (mines: at most their capacity; factories: demand; refineries: with
    recovery), then throughput by physical port, strait and refinery, all minerals together.
    """
    sites = len(net.layer)
    edge, mineral = _carried(net)
    fac, wants = np.nonzero(net.handles & (net.layer == FACTORY)[:, None])
    demand = 0.8 * net.capacity[fac] / net.handles[fac].sum(axis=1)
    out, into = net.tail[edge] * MINERALS + mineral, net.head[edge] * MINERALS + mineral
    keys = np.unique(np.concatenate([out, into, fac * MINERALS + wants]))
    layer, site = net.layer[keys // MINERALS], keys // MINERALS
    shared = np.unique(net.physical[(net.layer > MINE) & (net.layer < FACTORY)])
    row = np.full(sites, -1)
    row[shared] = len(keys) + np.arange(len(shared))
    flow, short = np.arange(len(edge)), len(edge) + np.arange(len(fac))
    limited = net.layer[net.head[edge]] != FACTORY
    at = np.searchsorted(keys, fac * MINERALS + wants)
    rows = [np.searchsorted(keys, out), np.searchsorted(keys, into), row[net.physical[net.head[edge]]][limited], at]
    values = [-np.ones(len(edge)), net.recovery[net.head[edge]], np.ones(limited.sum()), np.ones(len(fac))]
    columns = [flow, flow, flow[limited], short]
    matrix = csc_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(keys) + len(shared), len(edge) + len(fac)),
    )
    matrix.sum_duplicates()
    low, high = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
    low[: len(keys)][layer == MINE] = -net.capacity[site[layer == MINE]]
    low[at] = high[at] = demand
    high[len(keys) :] = net.capacity[shared]
    return Linear(
        np.concatenate([net.cost[edge], np.full(len(fac), PENALTY)]).astype(np.float64),
        np.zeros(matrix.shape[1]), np.concatenate([net.room[edge], demand]).astype(np.float64), matrix, low, high,
    )  # fmt: skip


def _carried(net: Instance) -> tuple[np.ndarray, np.ndarray]:
    """Edges and minerals that some mine can feed and some factory can use, mineral by mineral."""
    edges, minerals = [], []
    for mineral in range(MINERALS):
        able = net.handles[:, mineral]
        use = able[net.tail] & able[net.head]
        fed, wanted = able & (net.layer == MINE), able & (net.layer == FACTORY)
        for _ in range(8):  # layers to cross
            fed[net.head[use & fed[net.tail]]] = True
            wanted[net.tail[use & wanted[net.head]]] = True
        found = np.flatnonzero(use & fed[net.tail] & wanted[net.head])
        edges.append(found)
        minerals.append(np.full(len(found), mineral))
    return np.concatenate(edges), np.concatenate(minerals)


def expanded(net: Instance) -> Expanded:
    """Return the network as an expanded graph, every edge once per mineral it can carry.

    Products are ore and metal of each mineral. Ports and straits limit the sum over all products; a refinery limits
    each of its minerals by an equal part of its capacity, because its site would count ore and metal.
    """
    edge, mineral = _carried(net)
    sites = len(net.layer)
    product = 2 * mineral + (net.layer[net.head[edge]] > REFINERY)
    site = net.physical
    share = net.capacity / np.maximum(net.handles.sum(axis=1), 1)
    plants = []  # site, mineral, role, takes, gives, limit
    for layer, role in ((MINE, EXTRACT), (REFINERY, TRANSFORM), (FACTORY, USE)):
        at, what = np.nonzero(net.handles & (net.layer == layer)[:, None])
        takes, gives = (2 * what, 2 * what + 1) if layer == REFINERY else (2 * what + 1, np.full(len(at), -1))
        if layer == MINE:
            takes, gives = np.full(len(at), -1), 2 * what
        limit = share[at] * {MINE: 1.0, REFINERY: net.recovery[at], FACTORY: 0.8}[layer]
        plants.append((at, np.full(len(at), role), takes, gives, limit, net.recovery[at]))
    at, role, takes, gives, limit, recovery = (np.concatenate(column) for column in zip(*plants, strict=True))

    def key(products: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.where(products >= 0, products * sites + places, -1)

    ends = [key(product, site[net.tail[edge]]), key(product, site[net.head[edge]]), key(takes, at), key(gives, at)]
    keys = np.unique(np.concatenate([end[end >= 0] for end in ends]))
    source, target, takes_at, gives_at = (np.where(end < 0, -1, np.searchsorted(keys, end)) for end in ends)
    names = pd.Index([f"{number:07d}" for number in range(max(len(edge), len(at), sites))], dtype="str")
    open_sites = (net.layer > MINE) & (net.layer < FACTORY) & (net.layer != REFINERY)
    nothing, none, zeros = np.zeros(0, dtype=np.int64), np.zeros((len(at), 1), dtype=np.bool_), np.zeros(len(edge))
    return Expanded(
        nodes=names[:sites], products=names[: 2 * MINERALS], processes=names[: len(at)], edges=names[: len(edge)],
        countries=names[:0], shipments=names[:0], country=np.full(sites, -1),
        throughput=np.where(open_sites, net.capacity, np.inf), vertex_product=keys // sites, vertex_node=keys % sites,
        vertex_berth=np.full(len(keys), -1), block=np.searchsorted(keys // sites, np.arange(2 * MINERALS + 1)),
        source=source, target=target, cost=net.cost[edge].astype(np.float64), km=zeros, days=zeros,
        capacity=net.room[edge].astype(np.float64), at=at, role=role, takes=takes, gives=gives, limit=limit,
        recovery=recovery, activity=np.full(len(at), np.nan), fee=np.zeros(len(at)), takes_at=takes_at,
        gives_at=gives_at, makes=none, accepts=none, ship_origin=nothing, ship_destination=nothing,
        ship_product=nothing, ship_flow=np.zeros(0), ship_ptr=np.zeros(1, dtype=np.int64), ship_edge=nothing,
    )  # fmt: skip
