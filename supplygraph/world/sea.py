"""Sea routes between ports, by way of named straits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph import facts
from supplygraph.errors import DataError, InfeasibleError, Problem, UnknownNameError
from supplygraph.world.lanes import SeaGraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    import shapely

KM_PER_NM = 1.852
#: A bulk carrier's usual service speed (data/facts/freight.csv: 530 km a day for dry bulk).
SPEED_KNOTS = 12.0


@dataclass(frozen=True)
class SeaRoute:
    """A way by sea.

    Attributes
    ----------
    origin, destination
        UN/LOCODEs.
    distance_km
        Length in km; :attr:`distance_nm` in nautical miles.
    days
        Time at sea at the speed asked for; port and canal waiting is not in it.
    passages
        Straits passed, in order.
    geometry
        ``shapely.LineString`` in degrees, unwrapped: longitudes run on past 180 rather than jump.
    """

    origin: str
    destination: str
    distance_km: float
    days: float
    passages: tuple[str, ...]
    geometry: shapely.LineString

    @property
    def distance_nm(self) -> float:
        """Length in nautical miles."""
        return self.distance_km / KM_PER_NM

    def __repr__(self) -> str:
        by = f" by {', '.join(self.passages)}" if self.passages else ""
        far = f"{self.distance_nm:,.0f} nm ({self.distance_km:,.0f} km), {self.days:.1f} days"
        return f"SeaRoute {self.origin} to {self.destination}: {far}{by}"


def sea_route(
    origin: str,
    destination: str,
    *,
    closed: Iterable[str] | str = (),
    speed_knots: float = SPEED_KNOTS,
    arctic: bool = False,
) -> SeaRoute:
    """Return the shortest sea route between two ports that avoids the closed straits.

    Parameters
    ----------
    origin, destination
        Port names or UN/LOCODEs, in any case.
    closed
        Straits that may not be passed, for example ``("suez",)``.
    speed_knots
        Service speed in knots.
    arctic
        Admit the Northern Sea Route, the Northwest Passage and the Bering Strait, which are closed by default.

    Raises
    ------
    UnknownNameError
        If a port or strait is not known, or a port name is not unique.
    InfeasibleError
        If no way is left. ``certificate`` is a smallest set of closed straits that alone cuts it.
    DataError
        If the speed is not positive.

    Notes
    -----
    Dijkstra on a lane network of 9,769 nodes and 16,027 edges; see ``data/geo/references.csv`` for its
    origin. Ship size, draught and canal limits are not modelled.

    Examples
    --------
    >>> import supplygraph as sg
    >>> sg.sea_route("Shanghai", "NLRTM")
    SeaRoute CNSHA to NLRTM: 10,5... nm (19,... km), 3... days by taiwan, malacca, bab_el_mandeb, suez, gibraltar, dover
    """
    if not speed_knots > 0:
        problem = Problem("sea_route, speed_knots", f"{speed_knots} given, expected a speed above 0 knots")
        raise DataError("no such voyage", [problem])
    graph = _graph(open_arctic=arctic)
    shut = _passages(closed, graph)
    start, end = _port(origin), _port(destination)
    way = graph.way(f"port-{start}", f"port-{end}", shut)
    if not way:
        cut = _cut(graph, start, end, shut)
        message = (
            f"no sea route from {start} to {end}: closed {', '.join(cut)} cut it off. Open one of them, or go by land."
        )
        raise InfeasibleError(message, cut)
    km = float(graph.matrix([f"port-{start}"], [f"port-{end}"], shut)[0, 0])
    gates = [graph.base.passages[graph.gate[n]] for n in way if graph.gate[n] >= 0]
    days = km / KM_PER_NM / speed_knots / 24
    return SeaRoute(start, end, km, days, tuple(dict.fromkeys(gates)), _line(graph, way, start, end))


_GRAPHS: dict[bool, SeaGraph] = {}


def _graph(*, open_arctic: bool) -> SeaGraph:
    if open_arctic not in _GRAPHS:
        _GRAPHS[open_arctic] = SeaGraph(open_arctic=open_arctic)
    return _GRAPHS[open_arctic]


def _passages(closed: Iterable[str] | str, graph: SeaGraph) -> tuple[str, ...]:
    names = [closed] if isinstance(closed, str) else list(closed)
    for name in names:
        if name not in graph.base.passages:
            raise UnknownNameError.of("strait", name, graph.base.passages)
    return tuple(sorted(set(names)))


def _port(given: str) -> str:
    """Return the UN/LOCODE of a port given by code or by name."""
    table = facts.read("geo/ports.csv")
    text = str(given).strip().casefold()
    code = table.loc[table["port"].str.casefold() == text, "port"]
    if len(code):
        return str(code.iloc[0])
    named = table.loc[table["name"].str.casefold() == text, "port"]
    if len(named) == 1:
        return str(named.iloc[0])
    if len(named):
        raise UnknownNameError(f"port name {given!r} is not unique: use one of {', '.join(sorted(named))}")
    raise UnknownNameError.of("port", given, [*table["port"], *table["name"]])


def _cut(graph: SeaGraph, start: str, end: str, shut: tuple[str, ...]) -> tuple[str, ...]:
    """Return a smallest set (none can be left out) of closed straits that cuts the two ports apart."""
    needed = sorted({*shut, *graph.shut})
    free = SeaGraph(open_arctic=True)
    for name in list(needed):
        fewer = [n for n in needed if n != name]
        if not free.way(f"port-{start}", f"port-{end}", fewer):
            needed = fewer
    return tuple(needed)


def _line(graph: SeaGraph, way: list[int], start: str, end: str) -> shapely.LineString:
    import shapely

    table = facts.read("geo/ports.csv").set_index("port")
    ends = {way[0]: start, way[-1]: end}
    points = [table.loc[ends[n], ["lon", "lat"]] if n in ends else graph.base.points[n] for n in way]
    xy = np.array([[float(p.iloc[0]), float(p.iloc[1])] if hasattr(p, "iloc") else p for p in points])
    return shapely.LineString(unwrap(xy))


def unwrap(xy: Any) -> Any:
    """Return the points with longitudes that run on over the date line instead of jumping by 360."""
    out = np.array(xy, dtype=float)
    out[1:, 0] -= 360 * np.cumsum(np.round(np.diff(out[:, 0]) / 360))
    return out
