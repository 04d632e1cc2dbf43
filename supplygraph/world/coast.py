"""Land and water: distances on the globe, landmasses, and the coast of each.

Landmasses are the connected parts of all country shapes (``data/geo/countries.parquet``), joined where
``data/geo/links.csv`` names a bridge, tunnel or causeway, and cut around the places that no road or railway
leaves (``data/geo/enclaves.csv``). Inner lakes that the shapes cut out (the
Caspian Sea) are not coast: no ship leaves them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph import facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

EARTH_KM = 6371.0088
#: One degree of latitude in km.
DEGREE_KM = EARTH_KM * np.pi / 180
#: Road or rail km per km of great circle; per km of water between, after so many; and at most.
DETOUR, ROUND_WATER, FREE_WATER_KM, MOST_DETOUR = 1.3, 4.0, 20.0, 3.0
_SAMPLES = 100
#: Points this far off a coarse coast still belong to the nearest land.
OFFSHORE_KM = 60.0


def haversine(lon1: Floats | float, lat1: Floats | float, lon2: Floats | float, lat2: Floats | float) -> Floats:
    """Return great-circle distances in km (degrees in, sphere of mean radius).

    Examples
    --------
    >>> round(float(haversine(0, 0, 180, 0)))
    20015
    """
    x1, y1, x2, y2 = (np.radians(np.asarray(v, dtype=float)) for v in (lon1, lat1, lon2, lat2))
    a = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(a, 1))))


@lru_cache(maxsize=1)
def landmasses() -> NDArray[np.object_]:
    """Return the connected parts of all countries, as ``shapely.Polygon`` in degrees."""
    import geopandas
    import shapely

    shapes = geopandas.read_parquet(facts.path("geo/countries.parquet")).geometry
    return np.asarray(shapely.get_parts(shapely.union_all(shapes.to_numpy(), grid_size=0.001)))


@lru_cache(maxsize=1)
def _trees() -> tuple[Any, Any]:
    """Return spatial indexes over the parts and over the pieces of their outer coasts."""
    import shapely

    parts = landmasses()
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_exterior_ring(parts)]
    pieces = np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings])
    return shapely.STRtree(parts), shapely.STRtree(shapely.linestrings(pieces))


@lru_cache(maxsize=1)
def _joined() -> Ints:
    """Return for each part the number of its landmass: the lowest part that fixed links lead to."""
    import shapely

    links = facts.read("geo/links.csv")
    tree, _ = _trees()
    ends = [tree.nearest(shapely.points(links[f"{e}_lon"], links[f"{e}_lat"])) for e in ("from", "to")]
    number = np.arange(len(landmasses()))
    for _ in range(len(links) + 1):
        for a, b in zip(*ends, strict=True):
            low, high = sorted((number[a], number[b]))
            number[number == high] = low
    return number


def _away(points: NDArray[np.object_], shapes: NDArray[np.object_], lat: Floats) -> Floats:
    """Return km from points to shapes, on a plane scaled at each point."""
    import shapely

    step = shapely.get_coordinates(shapely.shortest_line(points, shapes)).reshape(-1, 2, 2)
    step = (step[:, 1] - step[:, 0]) * np.column_stack([np.cos(np.radians(lat)), np.ones(len(lat))])
    return np.asarray(DEGREE_KM * np.hypot(step[:, 0], step[:, 1]))


def landmass(lon: Floats, lat: Floats) -> tuple[Ints, Floats]:
    """Return the landmass of each point (-1 = none within 60 km) and its distance to the sea coast in km.

    Degrees in. A point off the coast belongs to the nearest land: the shapes are coarse (:func:`off_land_km`
    tells which points that concerns). Distances are measured on a locally scaled plane, good to a few per cent.

    Examples
    --------
    >>> number, km = landmass([2.35, 139.7, 133.3], [48.86, 35.7, 33.96])  # Paris, Tokyo, Niihama
    >>> bool(number[1] == number[2] != number[0]), int(km[0] // 50)
    (True, 3)
    """
    import shapely

    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if not len(lon):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    points = shapely.points(lon, lat)
    tree, coasts = _trees()
    part = tree.nearest(points)
    off = _away(points, landmasses()[part], lat)
    shore = coasts.geometries[coasts.nearest(points)]
    number = np.where(off <= OFFSHORE_KM, _joined()[part], -1)
    for i, row in enumerate(facts.read("geo/enclaves.csv").to_dict("records")):
        inside = haversine(lon, lat, float(row["lon"]), float(row["lat"])) <= float(row["radius_km"])
        number = np.where(inside & (number >= 0), len(landmasses()) + i, number)
    return number.astype(np.int64), _away(points, shore, lat)


def off_land_km(lon: Floats, lat: Floats) -> Floats:
    """Return how far each point (degrees) lies off the shapes' land, in km; 0 on land."""
    import shapely

    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    points = shapely.points(lon, lat)
    return _away(points, landmasses()[_trees()[0].nearest(points)], lat) if len(lon) else np.zeros(0)


def over_land_km(lon: float, lat: float, points: Floats) -> Floats:
    """Return how many km of the straight line from one place to each point (degrees east, north) are land."""
    import shapely

    x = points[:, 0] - 360 * np.round((points[:, 0] - lon) / 360)
    start = np.broadcast_to([lon, lat], (len(points), 2))
    lines = shapely.linestrings(np.stack([start, np.column_stack([x, points[:, 1]])], axis=1))
    tree, _ = _trees()
    line, part = tree.query(lines, predicate="intersects")
    dry = np.zeros(len(points))
    np.add.at(dry, line, shapely.length(shapely.intersection(lines[line], landmasses()[part])))
    whole = np.maximum(shapely.length(lines), 1e-12)
    return np.asarray(haversine(lon, lat, points[:, 0], points[:, 1]) * np.minimum(dry / whole, 1))


@lru_cache(maxsize=1)
def _land_grid() -> NDArray[np.bool_]:
    with np.load(facts.path("geo/land.npz"), allow_pickle=False) as store:
        return np.unpackbits(store["land"], axis=1).astype(bool)


def road_km(lon1: Floats | float, lat1: Floats | float, lon2: Floats | float, lat2: Floats | float) -> Floats:
    """Return road or rail km between places on one landmass, by rule of thumb (degrees in, broadcast).

    1.3 x the great circle plus 4 km for each km of water on the straight line beyond 20 km, at most 3 x the
    great circle: ways lead around gulfs.

    Examples
    --------
    >>> [round(float(road_km(25.0, 60.2, lon, lat)), -2) for lon, lat in [(28.2, 61.1), (24.7, 59.4)]]
    [300.0, 300.0]
    """
    x1, y1, x2, y2 = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (lon1, lat1, lon2, lat2)))
    straight = haversine(x1, y1, x2, y2)
    turn = x2 - x1 - 360 * np.round((x2 - x1) / 360)
    wet = np.zeros(straight.shape)
    for share in (np.arange(_SAMPLES) + 0.5) / _SAMPLES:
        column = np.floor((x1 + share * turn + 180) * 10).astype(np.int64) % 3600
        row = np.clip(np.floor((y1 + share * (y2 - y1) + 90) * 10), 0, 1799).astype(np.int64)
        wet += ~_land_grid()[row, column]
    water = np.maximum(straight * wet / _SAMPLES - FREE_WATER_KM, 0)
    return np.asarray(np.minimum(DETOUR * straight + ROUND_WATER * water, MOST_DETOUR * straight))
