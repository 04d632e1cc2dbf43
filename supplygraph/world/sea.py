"""Sea routes between ports, by way of named straits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph import facts
from supplygraph.errors import DataError, InfeasibleError, Problem, UnknownNameError
from supplygraph.world.lanes import SeaGraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    import shapely
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
        Straits that may not be passed, by id (or name), for example ``("suez",)``.
    speed_knots
        Service speed in knots.
    arctic
        Admit the Northern Sea Route, the Northwest Passage and the Bering Strait, which are closed by default.

    Raises
    ------
    UnknownNameError
        If a port or strait is not known, or a port name is not unique.
    InfeasibleError
        If no way is left. ``certificate`` lists closed straits that alone cut it off, whatever else is open;
        none of them can be left out of the list.
    DataError
        If the speed is not a positive number, or both ports are the same.

    Notes
    -----
    Dijkstra on a lane network of 10,096 nodes and 16,749 edges; see ``data/geo/references.csv`` for its
    origin. Ship size, draught and canal limits are not modelled.

    Examples
    --------
    >>> import supplygraph as sg
    >>> sg.sea_route("Shanghai", "NLRTM")
    SeaRoute CNSHA to NLRTM: 10,5... nm (19,... km), 3... days by taiwan, malacca, bab_el_mandeb, suez, gibraltar, dover
    """
    if not 0 < speed_knots < np.inf:
        problem = Problem("sea_route, speed_knots", f"{speed_knots} given, expected a finite speed above 0 knots.")
        raise DataError("no such voyage", [problem])
    graph = _graph(open_arctic=arctic)
    shut = _passages(closed)
    start, end = _port(origin), _port(destination)
    if start == end:
        problem = Problem("sea_route", f"origin and destination are both {start}.", "Give two different ports.")
        raise DataError("no such voyage", [problem])
    way = graph.way(f"port-{start}", f"port-{end}", shut)
    if not way:
        raise _no_route(start, end, _cut(start, end, {*shut, *graph.shut}), graph)
    km = float(graph.matrix([f"port-{start}"], [f"port-{end}"], shut)[0, 0])
    gates = [graph.base.passages[graph.gate[n]] for n in way if graph.gate[n] >= 0]
    return SeaRoute(start, end, km, km / KM_PER_NM / speed_knots / 24, tuple(dict.fromkeys(gates)), _line(graph, way))


_GRAPHS: dict[bool, SeaGraph] = {}


def _graph(*, open_arctic: bool) -> SeaGraph:
    if open_arctic not in _GRAPHS:
        _GRAPHS[open_arctic] = SeaGraph(open_arctic=open_arctic)
    return _GRAPHS[open_arctic]


def _passages(closed: Iterable[str] | str) -> tuple[str, ...]:
    """Return the ids of straits given by id, node id or name."""
    table = facts.read("geo/passages.csv")
    known = {str(name).casefold(): str(key) for name, key in zip(table["name"], table["passage"], strict=True)}
    known |= {str(key): str(key) for key in table["passage"]}
    found = set()
    for name in [closed] if isinstance(closed, str) else list(closed):
        key = str(name).strip().casefold().removeprefix("passage-")
        if key not in known:
            raise UnknownNameError.of("strait", name, table["passage"])
        found.add(known[key])
    return tuple(sorted(found))


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


def _cut(start: str, end: str, shut: Iterable[str]) -> tuple[str, ...]:
    """Return a smallest set (none can be left out) of closed straits that cuts the two ports apart."""
    free = _graph(open_arctic=True)
    needed = sorted(shut)
    for name in list(needed):
        fewer = [n for n in needed if n != name]
        if not free.way(f"port-{start}", f"port-{end}", fewer):
            needed = fewer
    return tuple(needed)


def _no_route(start: str, end: str, cut: tuple[str, ...], graph: SeaGraph) -> InfeasibleError:
    words = ", ".join(f"{name} (unless arctic=True)" if name in graph.shut else name for name in cut)
    message = f"no sea route from {start} to {end}: {words} closed cut it off, whatever other straits are open."
    return InfeasibleError(f"{message} Open one of them, or go by land.", cut)


def _line(graph: SeaGraph, way: list[int]) -> shapely.LineString:
    import shapely

    return shapely.LineString(unwrap(graph.base.points[way[1:-1]]))  # the terminals lie on their port's node


def unwrap(xy: Floats) -> Floats:
    """Return points (degrees) with longitudes that run on over the date line instead of jumping by 360."""
    out = np.array(xy, dtype=float)
    out[1:, 0] -= 360 * np.cumsum(np.round(np.diff(out[:, 0]) / 360))
    return out
