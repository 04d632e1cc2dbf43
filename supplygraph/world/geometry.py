"""The way of a sea leg over the lane network, for drawing.

A leg of a bundled network runs between ports, jetties and berths of straits with no berth inside; its way is
the shortest one that enters no other berth. Legs of users' networks may pass straits without saying so; then
the plain shortest way is taken. The length given with the leg tells which one is meant.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.world.coast import haversine
from supplygraph.world.lanes import arctic, base, near_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: A place farther than this from every lane is not at sea.
_REACH_KM = 600.0
#: Lengths this close (relative) mean the same way.
_SAME = 0.02


class Stop(NamedTuple):
    """One end of a leg: its node, berth (missing unless a strait), and position in degrees."""

    node: str
    berth: int | None
    lon: float
    lat: float


def leg_lines(legs: Sequence[tuple[Stop, Stop, float]]) -> list[Floats | None]:
    """Return the way of each leg as points (degrees east, north), ends included.

    Parameters
    ----------
    legs
        Pairs of stops with the length in km (NaN where not known).

    Returns
    -------
    list
        One array of shape (points, 2) per leg, or None where an end is far from every lane or no way leads
        there. Longitudes lie within [-180, 180]; the way may jump over the date line.

    Notes
    -----
    One Dijkstra search per distinct source, about 3 ms each.
    """
    ends = [(_anchor(a), _anchor(b)) for a, b, _ in legs]
    out: list[Floats | None] = [None] * len(legs)
    open_ends = [i for i, (a, b) in enumerate(ends) if a is not None and b is not None]
    for free in (False, True):
        sources = sorted({ends[i][0] for i in open_ends})  # type: ignore[type-var]
        if not sources:
            break
        km, before = _search(tuple(sources), free=free)  # type: ignore[arg-type]
        row = {source: r for r, source in enumerate(sources)}
        missed = []
        for i in open_ends:
            (a, b), (start, end, length) = ends[i], legs[i]
            r = row[a]
            found = float(km[r, b])
            if not np.isfinite(found) or (not free and _differs(found, start, end, length)):
                missed.append(i)
            else:
                out[i] = _line(before[r], a, b, start, end)  # type: ignore[arg-type]
        open_ends = missed
    return out


def _differs(found: float, start: Stop, end: Stop, length: float) -> bool:
    """Tell whether a way between lane nodes cannot be the leg of that length."""
    if not np.isfinite(length):
        return True
    points = base().points
    ties = 0.0
    for stop in (start, end):
        anchor = _anchor(stop)
        if anchor is not None:
            ties += float(haversine(stop.lon, stop.lat, points[anchor, 0], points[anchor, 1]))
    return abs(found - length) > _SAME * length + ties + 5.0


@lru_cache(maxsize=4096)
def _anchor(stop: Stop) -> int | None:
    """Return the lane node of a stop: its berth, its port, or the node that a jetty there would be tied to."""
    lanes = base()
    name = stop.node.removeprefix("passage-")
    if stop.berth is not None and name in lanes.passages:
        found = np.flatnonzero((lanes.gate == lanes.passages.index(name)) & (lanes.berth == stop.berth))
        if len(found):
            return int(found[0])
    code = stop.node.removeprefix("port-")
    if code in lanes.ports:
        return int(lanes.port_node[lanes.ports.index(code)])
    (node,) = near_nodes(stop.lon, stop.lat, lanes.points, lanes.gate, 1)
    away = float(haversine(stop.lon, stop.lat, *lanes.points[node]))
    return node if away <= _REACH_KM else None


@lru_cache(maxsize=2)
def _arcs(*, free: bool) -> csr_array:
    """Return the directed lane graph; unless ``free``, a berth that is entered cannot be left.

    Every berth has a twin, numbered from the end of the network on, from which legs start.
    """
    from scipy.sparse import csr_array

    lanes = base()
    size = len(lanes.points)
    u, v = np.concatenate([lanes.edges, lanes.edges[:, ::-1]]).T
    a, b = lanes.points[u], lanes.points[v]
    km = np.maximum(haversine(a[:, 0], a[:, 1], b[:, 0], b[:, 1]), 1e-6)
    shut = np.isin(lanes.gate, [i for i, name in enumerate(lanes.passages) if name in arctic()])
    keep = ~(shut[u] | shut[v]) if free else np.ones(len(u), dtype=bool)
    u, v, km = u[keep], v[keep], km[keep]
    berth = lanes.gate >= 0
    start = np.where(berth[u], u + size, u)
    if free:
        start, v, km = np.append(start, u), np.append(v, v), np.append(km, km)
        start, v, km = _distinct(start, v, km, 2 * size)
    return csr_array((km, (start, v)), shape=(2 * size, 2 * size))


def _distinct(u: Ints, v: Ints, km: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """Drop repeated arcs, which a sparse matrix would add up."""
    _, first = np.unique(u * size + v, return_index=True)
    return u[first], v[first], km[first]


def _search(sources: tuple[int, ...], *, free: bool) -> tuple[Floats, Ints]:
    """Return km and predecessors from each source, columns by lane node."""
    from scipy.sparse.csgraph import dijkstra

    size = len(base().points)
    starts = [source + size if base().gate[source] >= 0 else source for source in sources]
    km, before = dijkstra(_arcs(free=free), indices=starts, return_predecessors=True)
    for row, source in enumerate(sources):
        km[row, source] = 0.0
    return km, np.where(before >= size, before - size, before).astype(np.int64)


def _line(before: Ints, source: int, target: int, start: Stop, end: Stop) -> Floats:
    """Walk back from the target; end at the stops' own positions where they lie off the lane."""
    points = base().points
    way = [target]
    while way[-1] != source:
        way.append(int(before[way[-1]]))
    line = [tuple(points[node]) for node in reversed(way)]
    head = [] if start.berth is not None else [(start.lon, start.lat)]
    tail = [] if end.berth is not None else [(end.lon, end.lat)]
    return np.array([*head, *line, *tail], dtype=float)
