"""Sea lanes: ports and straits on one lane network, searched with straits open or closed.

The network is a fixed table (``data/geo/lanes.npz``). Every place where a lane crosses a strait's gate
line is a node of its own, a *berth* of that strait; closing a strait takes all its berths away, so no
lane can pass it. A leg runs between ports and berths with no berth inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from supplygraph import facts
from supplygraph.world.coast import haversine, over_land_km

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: From a port's node on the lanes to its quay: no distance, but an edge.
_QUAY_KM = 0.001
#: Sea nodes tried for a port or jetty, and km of land that a second tie may add to the best one's.
_CANDIDATES, _MORE_LAND_KM = 24, 2.0
#: Combined closures for which lanes are kept too, beside every single one.
TOGETHER: tuple[tuple[str, ...], ...] = (
    ("lombok", "malacca", "sunda"),
    ("lombok", "malacca", "ombai", "sunda"),
    ("bab_el_mandeb", "suez"),
    ("panama", "suez"),
    ("danish", "kiel"),
    ("malacca", "suez"),
    ("luzon", "taiwan"),
)


class Leg(NamedTuple):
    """One leg: from a port or a berth to the next, in km."""

    source: str
    source_berth: int
    target: str
    target_berth: int
    km: float


@dataclass(frozen=True)
class Base:
    """The lane network as arrays; ``gate`` numbers the strait of each node (-1 = open water)."""

    points: Floats
    edges: Ints
    gate: Ints
    berth: Ints
    passages: tuple[str, ...]
    ports: tuple[str, ...]
    port_node: Ints


@lru_cache(maxsize=1)
def base() -> Base:
    """Return the bundled lane network."""
    with np.load(facts.path("geo/lanes.npz"), allow_pickle=False) as store:
        gate = store["gate"].astype(np.int64)
        berth = np.full(len(gate), -1)
        for number in range(len(store["passages"])):
            inside = np.flatnonzero(gate == number)
            berth[inside] = np.arange(len(inside))
        return Base(
            points=store["points"],
            edges=store["edges"].astype(np.int64),
            gate=gate,
            berth=berth,
            passages=tuple(map(str, store["passages"])),
            ports=tuple(map(str, store["ports"])),
            port_node=store["port_node"].astype(np.int64),
        )


@lru_cache(maxsize=1)
def gate_lines() -> dict[str, Any]:
    """Return the gate line of each strait, coast to coast, as ``shapely.LineString`` in degrees."""
    import shapely

    table = facts.read("geo/passages.csv")
    ends = table[["gate_lon1", "gate_lat1", "gate_lon2", "gate_lat2"]].to_numpy(dtype=float)
    return dict(zip(table["passage"], shapely.linestrings(ends.reshape(-1, 2, 2)), strict=True))


def near_nodes(lon: float, lat: float, points: Floats, gate: Ints, most: int) -> list[int]:
    """Return the sea nodes that a port or jetty is tied to, the best first.

    The best is the nearest by km + 2 x km over land; others join where the line to them crosses hardly more
    land. No tie crosses a gate line, else a closed strait would leak.
    """
    import shapely

    away = haversine(lon, lat, points[:, 0], points[:, 1])
    away[gate >= 0] = np.inf
    near = np.argsort(away, kind="stable")[:_CANDIDATES]
    dry = over_land_km(lon, lat, points[near])
    x = points[near, 0] - 360 * np.round((points[near, 0] - lon) / 360)
    start = np.broadcast_to([lon, lat], (len(near), 2))
    lines = shapely.linestrings(np.stack([start, np.column_stack([x, points[near, 1]])], axis=1))
    walls = shapely.union_all(list(gate_lines().values()))
    crossed = np.zeros(len(near), dtype=bool)
    for turn in (-360.0, 0.0, 360.0):
        crossed |= shapely.intersects(shapely.transform(lines, lambda xy, by=turn: xy + np.array([by, 0.0])), walls)
    cost = np.where(crossed, np.inf, away[near] + 2 * dry)
    best = int(np.argmin(cost))
    fair = (dry <= dry[best] + _MORE_LAND_KM) & (cost <= 1.8 * cost[best] + 50)
    fair[best] = False
    order = [best, *(int(i) for i in np.argsort(cost, kind="stable") if fair[i])]
    return [int(near[i]) for i in order[:most]]


def arctic() -> tuple[str, ...]:
    """Return the straits that are closed unless asked for."""
    table = facts.read("geo/passages.csv")
    return tuple(table.loc[table["default_closed"] == "true", "passage"])


class SeaGraph:
    """Shortest sea ways between terminals: ports by UN/LOCODE, and jetties of one's own.

    Parameters
    ----------
    extra
        Jetties as (id, lon, lat); each is tied to the nearest lane node that no strait or land lies before.
    open_arctic
        Admit the passages that are closed by default.
    """

    def __init__(self, extra: Sequence[tuple[str, float, float]] = (), *, open_arctic: bool = False) -> None:
        self.base = base()
        self.shut = frozenset(() if open_arctic else arctic())
        self.ids = [f"port-{code}" for code in self.base.ports] + [name for name, _, _ in extra]
        ties = [self._nearest(lon, lat) for _, lon, lat in extra]
        node = np.append(self.base.port_node, [n for n, _ in ties]).astype(np.int64)
        km = np.append(np.full(len(self.base.ports), _QUAY_KM), [d for _, d in ties])
        size = len(self.base.points)
        self.number = {name: size + i for i, name in enumerate(self.ids)}
        ends = np.column_stack([node, size + np.arange(len(self.ids))])
        self.edges = np.vstack([self.base.edges, ends])
        a, b = self.base.points[self.base.edges[:, 0]], self.base.points[self.base.edges[:, 1]]
        self.km = np.append(haversine(a[:, 0], a[:, 1], b[:, 0], b[:, 1]), km)
        self.size = size + len(self.ids)
        self.gate = np.append(self.base.gate, np.full(len(self.ids), -1))
        self._trees: dict[tuple[str, frozenset[str]], tuple[Floats, Ints]] = {}

    def _nearest(self, lon: float, lat: float) -> tuple[int, float]:
        points = self.base.points
        (node,) = near_nodes(lon, lat, points, self.base.gate, 1)
        return node, max(float(haversine(lon, lat, *points[node])), _QUAY_KM)

    def _graph(self, closed: frozenset[str]) -> csr_array:
        from scipy.sparse import csr_array

        numbers = [i for i, name in enumerate(self.base.passages) if name in closed]
        shut = np.isin(self.gate, numbers)
        keep = ~(shut[self.edges[:, 0]] | shut[self.edges[:, 1]])
        u, v = self.edges[keep].T
        return csr_array((self.km[keep], (u, v)), shape=(self.size, self.size))

    def trees(self, origins: Sequence[str], closed: Iterable[str] = ()) -> tuple[Floats, Ints]:
        """Return distances (km) and predecessors from each origin to every node; one Dijkstra search each."""
        from scipy.sparse.csgraph import dijkstra

        numbers = [self.number[name] for name in origins]
        graph = self._graph(frozenset(closed) | self.shut)
        km, before = dijkstra(graph, directed=False, indices=numbers, return_predecessors=True)
        return km, before.astype(np.int64)

    def _tree(self, origin: str, closed: Iterable[str]) -> tuple[Floats, Ints]:
        """Return the tree of one origin, kept for the next question."""
        key = (origin, frozenset(closed))
        if key not in self._trees:
            km, before = self.trees([origin], key[1])
            self._trees[key] = (km[0], before[0].astype(np.int32))
        return self._trees[key]

    def matrix(self, origins: Sequence[str], destinations: Sequence[str], closed: Iterable[str] = ()) -> Floats:
        """Return km from each origin to each destination; inf where there is no way."""
        from scipy.sparse.csgraph import dijkstra

        numbers = [self.number[name] for name in origins]
        km = dijkstra(self._graph(frozenset(closed) | self.shut), directed=False, indices=numbers)
        return np.asarray(km[:, [self.number[name] for name in destinations]])

    def way(self, origin: str, destination: str, closed: Iterable[str] = ()) -> list[int]:
        """Return the nodes of the shortest way, origin first; empty if there is none."""
        km, before = self._tree(origin, closed)
        node = self.number[destination]
        if not np.isfinite(km[node]):
            return []
        way = [node]
        while way[-1] != self.number[origin]:
            way.append(int(before[way[-1]]))
        return way[::-1]

    def chain(self, origin: str, destination: str, closed: Iterable[str] = ()) -> list[Leg]:
        """Return the legs of the shortest way; empty if there is none."""
        km, _ = self._tree(origin, closed)
        stops = [n for n in self.way(origin, destination, closed) if n >= len(self.base.points) or self.gate[n] >= 0]
        legs = []
        for a, b in pairwise(stops):
            legs.append(Leg(*self.place(a), *self.place(b), float(km[b] - km[a])))
        return legs

    def place(self, node: int) -> tuple[str, int]:
        """Return the public node id and the berth (-1 for a terminal) of a stop."""
        if node >= len(self.base.points):
            return self.ids[node - len(self.base.points)], -1
        return f"passage-{self.base.passages[self.gate[node]]}", int(self.base.berth[node])

    def lanes(
        self,
        origins: Sequence[str],
        destinations: Sequence[str],
        closures: Sequence[tuple[str, ...]] | None = None,
    ) -> pd.DataFrame:
        """Return every leg of every shortest way, with all straits open and under each closure.

        A search over these legs alone finds the same distances as the whole lane network under each of
        the closures given (by default: every single strait and :data:`TOGETHER`).
        """
        import pandas as pd

        if closures is None:
            closures = [(), *((name,) for name in self.base.passages if name not in self.shut), *TOGETHER]
        legs: dict[tuple[int, int], float] = {}
        targets = np.array([self.number[name] for name in destinations])
        origins = sorted(set(origins))  # the same legs whatever the order
        seen = self._collect(origins, targets, (), legs)
        for closure in closures:
            hit = {self.base.passages.index(name) for name in closure}
            if closure and hit & seen:
                self._collect(origins, targets, closure, legs)
        rows = [(*self.place(a), *self.place(b), round(km, 3)) for (a, b), km in legs.items()]
        columns = ["source", "source_berth", "target", "target_berth", "distance_km"]
        return pd.DataFrame(rows, columns=columns).sort_values(columns[:4], ignore_index=True)

    def _collect(
        self,
        origins: Sequence[str],
        targets: Ints,
        closure: tuple[str, ...],
        legs: dict[tuple[int, int], float],
    ) -> set[int]:
        """Add the legs under one closure; return the straits passed."""
        seen: set[int] = set()
        kms, befores = self.trees(origins, closure)
        for origin, km, before in zip(origins, kms, befores, strict=True):
            root = self.number[origin]
            stop = self._stops(root, before)
            current = targets[np.isfinite(km[targets]) & (targets != root)]
            while len(current):
                previous = stop[before[current]]
                for a, b in zip(previous.tolist(), current.tolist(), strict=True):
                    legs.setdefault((a, b), float(km[b] - km[a]))
                current = np.unique(previous[previous != root])
                seen |= set(self.gate[current].tolist())
        return seen

    def _stops(self, root: int, before: Ints) -> Ints:
        """Return for each node the last terminal or berth at or before it, by pointer jumping."""
        own = np.arange(self.size)
        stop = np.where((self.gate >= 0) | (before < 0), own, before)
        stop[root] = root
        while True:
            further = stop[stop]
            if np.array_equal(further, stop):
                return np.asarray(stop)
            stop = further
