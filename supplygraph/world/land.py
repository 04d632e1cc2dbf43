"""Land legs: which ports a site can use, and which sites reach each other by road or rail.

A leg must stay on one landmass and may cross a border only where ``data/geo/borders.csv`` says that
cargo does. Where a real corridor starts near a site (``data/facts/corridors.csv``) it is used, with its
own length, days and cost; elsewhere a leg is 1.3 x the great circle at stated rates. Coastal sites far
from any port get a jetty of their own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from supplygraph import facts
from supplygraph.world.coast import haversine, landmass

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DETOUR = 1.3
#: Farthest port, in road km, that a site uses without a corridor: abroad, and beside a corridor.
ABROAD_KM, BESIDE_KM = 1500.0, 500.0
#: A coastal site farther than this from any port loads at a jetty of its own.
JETTY_KM, COAST_KM = 250.0, 60.0
#: A corridor serves sites within this road distance of its start.
CORRIDOR_KM = 700.0
PORTS_KEPT = 5
ONSITE_KM = 30.0
OVERLAND_KM = 7000.0
#: Loading a train, USD per gross tonne (transload of data/facts/freight.csv); it decides between road and rail.
RAIL_LOADING_USD_T = 15.33
_AFRICA = frozenset("AGO BWA COD KEN LSO MOZ MWI NAM RWA SWZ TZA UGA ZAF ZMB ZWE MDG".split())
_LEG = ["distance_km", "days", "usd_t_gross", "mode", "reference"]


@lru_cache(maxsize=1)
def _blocs() -> tuple[dict[str, frozenset[str]], dict[str, bool]]:
    table = facts.read("geo/borders.csv")
    members = {b: frozenset(c.split(";")) for b, c in zip(table["bloc"], table["countries"], strict=True)}
    return members, dict(zip(table["bloc"], table["ports"] == "true", strict=True))


def passable(a: str | float, b: str | float, *, ports: bool = False) -> bool:
    """Return whether cargo goes overland between two countries (``ports``: to use the other's ports)."""
    if a == b:
        return isinstance(a, str)
    members, shared = _blocs()
    return any(a in group and b in group and (shared[name] or not ports) for name, group in members.items())


def _rates(mode: str, *, africa: bool) -> tuple[float, float]:
    """Return USD per gross t-km and km per day (data/facts/freight.csv)."""
    if mode == "rail":
        return (0.05, 217.0) if africa else (0.0356, 400.0)
    return (0.08, 143.0) if africa else (0.1849, 500.0)


def _leg(km: float, country: str | float) -> tuple[float, float, float, str, str]:
    """Return an assumed leg, by the cheaper of road and rail: km, days, USD per gross tonne, mode, reference."""
    africa = country in _AFRICA
    road, road_speed = _rates("road", africa=africa)
    rail, rail_speed = _rates("rail", africa=africa)
    if RAIL_LOADING_USD_T + rail * km < road * km:
        return km, km / rail_speed + 1, RAIL_LOADING_USD_T + rail * km, "rail", "assumption-land-freight"
    return km, km / road_speed, km * road, "road", "assumption-land-freight"


@lru_cache(maxsize=1)
def _corridors() -> pd.DataFrame:
    """Return the corridors in use, with the position of their start (and end, where inland)."""
    table = facts.read("facts/corridors.csv")
    table = table[table["status"].isin(["operating", "intermittent"])].copy()
    place = facts.read("geo/places.csv").set_index("place")
    for end in ("from", "to"):
        for axis in ("lon", "lat"):
            table[f"{end}_{axis}"] = table[f"{end}_place"].map(place[axis])
    return table[table["from_lon"].notna()].reset_index(drop=True)


def gateways(sites: pd.DataFrame) -> pd.DataFrame:
    """Return the ports each site can use.

    Parameters
    ----------
    sites
        Index ``node``; columns ``country``, ``lon``, ``lat``.

    Returns
    -------
    DataFrame
        ``node``, ``port`` (``port-<LOCODE>`` or ``jetty-<node>``), ``distance_km``, ``days``,
        ``usd_t_gross``, ``mode``, ``reference``; at most five ports a site, nearest first, and one from
        each corridor that starts near.
    """
    import pandas as pd

    ports = facts.read("geo/ports.csv")
    port_land, _ = _port_land()
    land, coast = landmass(sites["lon"].to_numpy(), sites["lat"].to_numpy())
    rows: list[tuple[object, ...]] = []
    for i, (node, country, lon, lat) in enumerate(sites[["country", "lon", "lat"]].itertuples(name=None)):
        km = DETOUR * haversine(lon, lat, ports["lon"].to_numpy(), ports["lat"].to_numpy())
        legs = _by_corridor(country, lon, lat, ports)
        limit = BESIDE_KM if legs else np.inf
        own = (ports["country"] == country).to_numpy()
        near = np.array([passable(country, other, ports=True) for other in ports["country"]])
        allowed = (port_land == land[i]) & (own | (near & (km <= ABROAD_KM))) & (km <= limit)
        if pd.isna(country):
            allowed = km <= ABROAD_KM
        for j in np.argsort(km, kind="stable"):
            if allowed[j] and len(legs) < PORTS_KEPT:
                legs.setdefault(f"port-{ports['port'].iloc[j]}", _leg(float(km[j]), country))
        far = min((leg[0] for leg in legs.values()), default=np.inf) > JETTY_KM
        if far and coast[i] <= COAST_KM and land[i] >= 0:
            legs = {f"jetty-{node}": _leg(max(DETOUR * float(coast[i]), 1.0), country), **legs}
        if not legs:  # nothing on its own landmass: the nearest port of the country, over water
            pick = own if own.any() else np.ones(len(ports), dtype=bool)
            j = int(np.argmin(np.where(pick, km, np.inf)))
            legs[f"port-{ports['port'].iloc[j]}"] = _leg(float(km[j]), country)
        rows += [(node, port, *leg) for port, leg in legs.items()]
    return pd.DataFrame(rows, columns=["node", "port", *_LEG])


@lru_cache(maxsize=1)
def _port_land() -> tuple[Ints, Floats]:
    ports = facts.read("geo/ports.csv")
    return landmass(ports["lon"].to_numpy(), ports["lat"].to_numpy())


def _by_corridor(
    country: str | float, lon: float, lat: float, ports: pd.DataFrame
) -> dict[str, tuple[float, float, float, str, str]]:
    """Return the legs to ports over corridors that start near the site, shortest for each port."""
    table = _corridors()
    codes = set(ports["port"])
    legs: dict[str, tuple[float, float, float, str, str]] = {}
    for row in table[table["from_country"] == country].itertuples():
        approach = DETOUR * float(haversine(lon, lat, row.from_lon, row.from_lat))
        if row.to_place not in codes or approach > CORRIDOR_KM:
            continue
        mode = "rail" if row.mode == "rail" else "road"
        rate, speed = _rates(mode, africa=country in _AFRICA)
        km = approach + row.distance_km
        days = (row.days if row.days == row.days else row.distance_km / speed) + approach / 300
        cost = (row.cost_usd_t if row.cost_usd_t == row.cost_usd_t else row.distance_km * rate) + approach * rate
        port = f"port-{row.to_place}"
        if port not in legs or km < legs[port][0]:
            legs[port] = (km, days, cost, mode, row.reference)
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
    """
    import pandas as pd

    land_a, _ = landmass(origins["lon"].to_numpy(), origins["lat"].to_numpy())
    land_b, _ = landmass(destinations["lon"].to_numpy(), destinations["lat"].to_numpy())
    far = haversine(
        origins["lon"].to_numpy()[:, None],
        origins["lat"].to_numpy()[:, None],
        destinations["lon"].to_numpy()[None, :],
        destinations["lat"].to_numpy()[None, :],
    )
    a_country, b_country = origins["country"].to_numpy(dtype=object), destinations["country"].to_numpy(dtype=object)
    pairs = {(a, b): passable(a, b) for a in set(a_country) for b in set(b_country)}
    rows = []
    for i, j in np.argwhere(far * DETOUR <= OVERLAND_KM):
        source, target = origins.index[i], destinations.index[j]
        if source == target:
            continue
        if far[i, j] <= ONSITE_KM:
            km = max(float(far[i, j]), 0.1)
            rows.append((source, target, km, 0.1, 1.0, "onsite", "assumption-land-freight"))
        elif land_a[i] == land_b[j] >= 0 and pairs[a_country[i], b_country[j]]:
            rows.append((source, target, *_border_leg(origins.iloc[i], destinations.iloc[j], float(far[i, j]))))
    return pd.DataFrame(rows, columns=["source", "target", *_LEG])


def _border_leg(a: pd.Series, b: pd.Series, far: float) -> tuple[float, float, float, str, str]:
    """Return the leg between two sites, over a real border corridor where there is one."""
    direct = _leg(DETOUR * far, a["country"])
    if a["country"] == b["country"]:
        return direct
    table = _corridors()
    table = table[(table["from_country"] == a["country"]) & (table["to_country"] == b["country"])]
    table = table[table["to_lon"].notna()]
    best = direct
    for row in table.itertuples():
        start = DETOUR * float(haversine(a["lon"], a["lat"], row.from_lon, row.from_lat))
        end = DETOUR * float(haversine(row.to_lon, row.to_lat, b["lon"], b["lat"]))
        if start > CORRIDOR_KM:
            continue
        km = start + float(row.distance_km) + end
        leg = _leg(km, a["country"])
        if best is direct or km < best[0]:
            best = (*leg[:4], row.reference)
    return best
