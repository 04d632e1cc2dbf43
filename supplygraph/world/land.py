"""Land legs: which ports a site can use, and which sites reach each other by road or rail.

A leg must stay on one landmass and may cross a border only where ``data/geo/borders.csv`` says that
cargo does. Where a real corridor starts near a site (``data/facts/corridors.csv``) it is used, with its
own length, days and cost; elsewhere a leg is as long as :func:`supplygraph.world.coast.road_km` says, at the
rates of :mod:`supplygraph.world.freight`. Coastal sites far from any port get a jetty of their own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from supplygraph import facts
from supplygraph.world.coast import DETOUR, haversine, landmass, road_km
from supplygraph.world.freight import AFRICA, LAND_REFERENCE, TRAIN_DAYS, land_rate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: Farthest port, in road km, that a site uses without a corridor: abroad, and beside a corridor.
ABROAD_KM, BESIDE_KM = 1500.0, 500.0
#: A coastal site farther than this from any port loads at a jetty of its own.
JETTY_KM, COAST_KM = 250.0, 60.0
#: A corridor serves sites within this road distance of its start, or of its start across a border.
CORRIDOR_KM, ACROSS_KM = 700.0, 400.0
#: A corridor replaces the direct leg unless it is longer by more than this factor.
ROUNDABOUT = 1.5
#: Ports kept for a site beside those of corridors; ports tried at the far end of an inland corridor.
PORTS_KEPT, ONWARD = 5, 2
ONSITE_KM = 30.0
OVERLAND_KM = 7000.0
#: Km a day of lorries that bring cargo to a corridor.
_APPROACH_KM_DAY = 300.0
_LEG = ["distance_km", "days", "usd_t_gross", "mode", "reference"]


class Haul(NamedTuple):
    """One land leg; cost in USD per gross tonne."""

    distance_km: float
    days: float
    usd_t_gross: float
    mode: str
    reference: str


@lru_cache(maxsize=1)
def _blocs() -> tuple[dict[str, frozenset[str]], dict[str, bool]]:
    table = facts.read("geo/borders.csv")
    members = {str(b): frozenset(str(c).split(";")) for b, c in zip(table["bloc"], table["countries"], strict=True)}
    return members, dict(zip(map(str, table["bloc"]), table["ports"] == "true", strict=True))


def passable(a: str | float | None, b: str | float | None, *, ports: bool = False) -> bool:
    """Return whether cargo goes overland between two countries (``ports``: to use the other's ports).

    Countries are alpha-3 codes; an unknown (missing) country is passable to none, not even itself.

    Examples
    --------
    >>> passable("DEU", "NLD"), passable("CHN", "RUS"), passable("CHN", "RUS", ports=True), passable("IND", "CHN")
    (True, True, False, False)
    """
    if a == b:
        return isinstance(a, str)
    members, shared = _blocs()
    return any(a in group and b in group and (shared[name] or not ports) for name, group in members.items())


def haul(km: float, country: str | float | None) -> Haul:
    """Return an assumed leg that starts in a country, by the cheaper of road and rail."""
    africa = country in AFRICA
    road, rail = (land_rate(mode, africa=africa) for mode in ("road", "rail"))
    if rail.usd_t + rail.usd_t_km * km < road.usd_t_km * km:
        cost = rail.usd_t + rail.usd_t_km * km
        return Haul(km, km / rail.km_day + TRAIN_DAYS, cost, "rail", LAND_REFERENCE)
    return Haul(km, km / road.km_day, road.usd_t_km * km, "road", LAND_REFERENCE)


@lru_cache(maxsize=1)
def _corridors() -> tuple[dict[str, Any], ...]:
    """Return the corridors in use, with the positions of their ends and whether the far end is a port."""
    table = facts.read("facts/corridors.csv")
    table = table[table["status"].isin(["operating", "intermittent"])]
    places = facts.read("geo/places.csv").set_index("place")[["lon", "lat"]]
    ports = facts.read("geo/ports.csv").set_index("port")[["lon", "lat"]]
    known = {**places.T.to_dict("list"), **ports.T.to_dict("list")}
    rows = []
    for record in table.to_dict("records"):
        row: dict[str, Any] = {str(key): value for key, value in record.items()}
        start, end = known.get(row["from_place"]), known.get(row["to_place"])
        if start is not None and end is not None:
            rows.append({**row, "start": start, "end": end, "port": row["to_place"] in ports.index})
    return tuple(rows)


def _then(leg: Haul, more: Haul) -> Haul:
    """Return a leg over a corridor and on; it counts as rail if either part is."""
    mode = "rail" if "rail" in (leg.mode, more.mode) else "road"
    km, days = leg.distance_km + more.distance_km, leg.days + more.days
    return Haul(km, days, leg.usd_t_gross + more.usd_t_gross, mode, leg.reference)


def _along(row: dict[str, Any], approach: float, length: float) -> Haul:
    """Return a leg over so much of a corridor, after an approach by lorry."""
    mode = "rail" if row["mode"] == "rail" else "road"
    rate = land_rate(mode, africa=row["from_country"] in AFRICA)
    part = length / row["distance_km"]
    days = row["days"] * part if row["days"] == row["days"] else length / rate.km_day
    cost = row["cost_usd_t"] * part if row["cost_usd_t"] == row["cost_usd_t"] else length * rate.usd_t_km
    cost += approach * rate.usd_t_km
    return Haul(approach + length, days + approach / _APPROACH_KM_DAY, cost, mode, str(row["reference"]))


def _onto(row: dict[str, Any], country: str | float | None, lon: float, lat: float) -> Haul | None:
    """Return the leg from a site to the far end of a corridor, or None if the corridor is not for it."""
    approach = DETOUR * float(haversine(lon, lat, *row["start"]))
    length = float(row["distance_km"])
    if country == row["from_country"]:
        return _along(row, approach, length) if approach <= CORRIDOR_KM else None
    if approach <= ACROSS_KM and passable(country, row["from_country"]):
        if country in str(row["countries_crossed"]).split(";"):  # the site lies along the way
            rest = max(length - approach, DETOUR * float(haversine(lon, lat, *row["end"])))
            return _along(row, 0.0, min(rest, length))
        return _along(row, approach, length)
    return None


def _by_corridor(country: str | float | None, lon: float, lat: float) -> dict[str, Haul]:
    """Return the legs to ports over corridors that start near the site, the shortest for each port."""
    legs: dict[str, Haul] = {}
    for row in _corridors():
        leg = _onto(row, country, lon, lat)
        if leg is None:
            continue
        ends = {f"port-{row['to_place']}": leg} if row["port"] else _onward(row, country, leg)
        for port, whole in ends.items():
            if port not in legs or whole.distance_km < legs[port].distance_km:
                legs[port] = whole
    return legs


def _onward(row: dict[str, Any], country: str | float | None, leg: Haul) -> dict[str, Haul]:
    """Return the legs of a landlocked site through an inland border point to the nearest ports behind it."""
    if country not in _landlocked() or row["to_country"] == country:
        return {}
    ports = _ports()
    lon, lat = row["end"]
    km = road_km(lon, lat, ports.lon, ports.lat)
    km = np.where((ports.country == row["to_country"]) & (ports.land == ports.land_of(lon, lat)), km, np.inf)
    out = {}
    for j in np.argsort(km, kind="stable")[:ONWARD]:
        if np.isfinite(km[j]):
            out[ports.ids[j]] = _then(leg, haul(float(km[j]), row["to_country"]))
    return out


@lru_cache(maxsize=1)
def _landlocked() -> frozenset[str]:
    table = facts.read("facts/countries.csv")
    return frozenset(table.loc[table["landlocked"] == "true", "country"].astype(str))


class _Ports:
    """The ports as arrays: node ids, countries, positions and landmasses."""

    def __init__(self) -> None:
        table = facts.read("geo/ports.csv")
        self.ids = [f"port-{code}" for code in table["port"]]
        self.country = table["country"].to_numpy(dtype=object)
        self.lon, self.lat = table["lon"].to_numpy(dtype=float), table["lat"].to_numpy(dtype=float)
        self.land, _ = landmass(self.lon, self.lat)
        self._shared: dict[str, Flags] = {}

    def land_of(self, lon: float, lat: float) -> int:
        """Return the landmass of one point."""
        number, _ = landmass(np.array([lon]), np.array([lat]))
        return int(number[0])

    def shared(self, country: str) -> Flags:
        """Tell which ports a country's cargo may use over land, its own included."""
        if country not in self._shared:
            allowed = {c: passable(country, c, ports=True) for c in sorted(set(self.country))}
            self._shared[country] = np.array([allowed[c] for c in self.country])
        return self._shared[country]


@lru_cache(maxsize=1)
def _ports() -> _Ports:
    return _Ports()


def gateways(sites: pd.DataFrame) -> pd.DataFrame:
    """Return the ports each site can use.

    Parameters
    ----------
    sites
        Index ``node``; columns ``country`` (alpha-3, missing = unknown), ``lon``, ``lat`` (degrees).

    Returns
    -------
    DataFrame
        ``node``, ``port`` (``port-<LOCODE>`` or ``jetty-<node>``), ``distance_km``, ``days``,
        ``usd_t_gross``, ``mode``, ``reference``: one row for each corridor port, then the nearest ports on
        the same landmass, up to five in all. Every site has a row.

    Notes
    -----
    O(sites x ports). Own ports, and those of countries that share theirs (within 1,500 road km). Beside corridors
    abroad only ports within 500 km. A site within 60 km of the coast and over 250 km from any port has a jetty.
    Failing all of these, the nearest shared ports on the landmass at any distance, else the nearest of the
    country over water.
    """
    import pandas as pd

    lon, lat = sites["lon"].to_numpy(dtype=float), sites["lat"].to_numpy(dtype=float)
    land, coast = landmass(lon, lat)
    ports = _ports()
    km = road_km(lon[:, None], lat[:, None], ports.lon[None, :], ports.lat[None, :])
    rows: list[tuple[object, ...]] = []
    for i, (node, country) in enumerate(zip(sites.index, sites["country"], strict=True)):
        legs = _by_corridor(country, lon[i], lat[i]) if isinstance(country, str) else {}
        legs = _legs(str(node), country, km[i], legs, int(land[i]), float(coast[i]))
        rows += [(node, port, *leg) for port, leg in legs.items()]
    return pd.DataFrame(rows, columns=["node", "port", *_LEG])


def _legs(
    node: str, country: str | float | None, km: Floats, legs: dict[str, Haul], land: int, coast: float
) -> dict[str, Haul]:
    """Add ports on the landmass, or a jetty, to the legs over corridors."""
    ports = _ports()
    near = np.argsort(km, kind="stable")
    if not isinstance(country, str):
        some = [j for j in near[:PORTS_KEPT] if km[j] <= ABROAD_KM] or [near[0]]
        return {ports.ids[j]: haul(float(km[j]), country) for j in some}
    abroad = any(ports.country[ports.ids.index(port)] != country for port in legs)
    own, shared = ports.country == country, ports.shared(country) & (ports.land == land)
    allowed = shared & (own | (km <= ABROAD_KM)) & (km <= (BESIDE_KM if abroad else np.inf))
    for j in near[allowed[near]]:
        port = ports.ids[j]
        roundabout = port in legs and legs[port].distance_km > ROUNDABOUT * km[j]
        if roundabout or (port not in legs and len(legs) < PORTS_KEPT):
            legs[port] = haul(float(km[j]), country)
    if min((leg.distance_km for leg in legs.values()), default=np.inf) > JETTY_KM and coast <= COAST_KM and land >= 0:
        legs = {f"jetty-{node}": haul(max(DETOUR * coast, 1.0), country), **legs}
    if not legs and shared.any():
        legs = {ports.ids[j]: haul(float(km[j]), country) for j in near[shared[near]][: ONWARD + 1]}
    if not legs:  # no port on its landmass that it may use: the nearest of the country, else of any, over water
        j = near[own[near]][0] if own.any() else near[0]
        legs = {ports.ids[j]: haul(float(km[j]), country)}
    return legs


def overland(origins: pd.DataFrame, destinations: pd.DataFrame) -> pd.DataFrame:
    """Return the direct legs between two sets of sites, by road, rail or inside one site.

    Parameters
    ----------
    origins, destinations
        Index ``node``; columns ``country``, ``lon``, ``lat``.

    Returns
    -------
    DataFrame
        ``source``, ``target``, ``distance_km``, ``days``, ``usd_t_gross``, ``mode``, ``reference``. Sites
        within 30 km are ``onsite`` to each other. Pairs are left out when no land joins them, when no
        cargo crosses the border between them, or beyond 7,000 km.

    Notes
    -----
    O(n m); a border corridor is used, in both directions, unless it is 1.5 times longer than the direct way.
    """
    import pandas as pd

    a, b = _Ends(origins), _Ends(destinations)
    far = haversine(a.lon[:, None], a.lat[:, None], b.lon[None, :], b.lat[None, :])
    road = road_km(a.lon[:, None], a.lat[:, None], b.lon[None, :], b.lat[None, :])
    crosses = {(c, d): passable(c, d) for c in set(a.country) for d in set(b.country)}
    rows: list[tuple[object, ...]] = []
    for i, j in np.argwhere(road <= OVERLAND_KM):
        source, target = a.node[i], b.node[j]
        if source == target:
            continue
        if far[i, j] <= ONSITE_KM:
            rows.append((source, target, max(float(far[i, j]), 0.1), 0.1, 1.0, "onsite", LAND_REFERENCE))
        elif a.land[i] == b.land[j] >= 0 and crosses[a.country[i], b.country[j]]:
            rows.append((source, target, *_between(a, int(i), b, int(j), float(road[i, j]))))
    return pd.DataFrame(rows, columns=["source", "target", *_LEG])


class _Ends:
    """Sites as arrays; an unknown country is None."""

    def __init__(self, sites: pd.DataFrame) -> None:
        self.node = [str(node) for node in sites.index]
        self.country = [c if isinstance(c, str) else None for c in sites["country"]]
        self.lon, self.lat = sites["lon"].to_numpy(dtype=float), sites["lat"].to_numpy(dtype=float)
        self.land, _ = landmass(self.lon, self.lat)


def _between(a: _Ends, i: int, b: _Ends, j: int, km: float) -> Haul:
    """Return the leg between two sites, over a real border corridor where there is one."""
    here, there = a.country[i], b.country[j]
    direct = haul(km, here)
    if here == there:
        return direct
    best: Haul | None = None
    for row in _corridors():
        if row["port"] or {row["from_country"], row["to_country"]} != {here, there}:
            continue
        first, last = ((a, i), (b, j)) if row["from_country"] == here else ((b, j), (a, i))
        start = DETOUR * float(haversine(first[0].lon[first[1]], first[0].lat[first[1]], *row["start"]))
        end = DETOUR * float(haversine(last[0].lon[last[1]], last[0].lat[last[1]], *row["end"]))
        if start > CORRIDOR_KM or start + row["distance_km"] + end > ROUNDABOUT * km:
            continue
        leg, more = _along(row, start, float(row["distance_km"])), haul(end, row["to_country"])
        if best is None or leg.distance_km + end < best.distance_km:
            best = _then(leg, more)
    return best or direct
