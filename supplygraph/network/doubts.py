"""Doubts: what is possible but looks wrong. `check` lists them; construction lets them pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph import facts
from supplygraph.errors import Problem, UnknownNameError
from supplygraph.network.parts import edge_flow

if TYPE_CHECKING:
    import pandas as pd

#: Relative to what passes; the networks that come with the package are far below.
_TOLERANCE = 1e-6
#: Bundled polygons are simplified to 0.1 degree, and jetties stand on the water.
OUTSIDE_KM = 40.0
_EARTH_KM = 6371.0


def _differs(a: pd.Series[Any], b: pd.Series[Any]) -> pd.Series[Any]:
    return (a - b).abs() > _TOLERANCE * np.maximum(np.maximum(a.abs(), b.abs()), 1.0)


def balances(tables: dict[str, pd.DataFrame]) -> list[Problem]:
    """Return where mass does not balance at a process, or more passes than can.

    Without shipments nothing is claimed, so nothing can be wrong.
    """
    processes, sent, edges = tables["processes"], tables["shipments"], tables["edges"]
    found: list[Problem] = []

    def add(where: tuple[str, str], mask: pd.Series[Any], said: str, a: pd.Series[Any], b: pd.Series[Any]) -> None:
        table, column = where
        found.extend(
            Problem(f"{table} `{i}`, column `{column}`", said.format(a=x, b=y))
            for i, x, y in zip(mask.index[mask], a[mask], b[mask], strict=True)
        )

    activity = processes["activity_t"]
    capacity = processes["capacity_t"]
    over = activity > capacity * (1 + _TOLERANCE)
    add(("processes", "activity_t"), over, "{a:,.6g} t is more than the capacity, {b:,.6g} t.", activity, capacity)
    if not len(sent):
        return found
    made = sent.groupby("origin")["flow_t"].sum().reindex(processes.index, fill_value=0.0)
    taken = sent.groupby("destination")["flow_t"].sum().reindex(processes.index, fill_value=0.0)
    makes = processes["output"].notna()
    shipped = made.where(makes, taken)
    off = activity.notna() & _differs(activity, shipped)
    add(("processes", "activity_t"), off, "{a:,.6g} t, but shipments carry {b:,.6g} t.", activity, shipped)
    turned = taken * processes["recovery"].fillna(1.0)
    off = makes & processes["input"].notna() & _differs(turned, made)
    add(("processes", "recovery"), off, "intake x recovery gives {a:,.6g} t, but {b:,.6g} t are sent on.", turned, made)
    flow, limit = edge_flow(tables), edges["capacity_t"]
    over = flow > limit * (1 + _TOLERANCE) + _TOLERANCE
    add(("edges", "capacity_t"), over, "{a:,.6g} t are shipped over it, more than {b:,.6g} t.", flow, limit)
    return found


def places(nodes: pd.DataFrame) -> list[Problem]:
    """Return nodes that stand outside their country, with the distance, and a hint where the swapped pair fits.

    Parameters
    ----------
    nodes
        Canonical nodes. Those without a country, and unnamed rests (status ``residual``), are left out.

    Notes
    -----
    The nearest border point is found on the plane, its distance on the sphere: right near the border, at most too
    large far from it.
    """
    try:
        path = facts.path("geo/countries.parquet")
    except UnknownNameError:
        return []  # this build carries no polygons
    import geopandas as gpd

    lands = gpd.read_parquet(path, columns=["iso3", "geometry"]).set_index("iso3").geometry
    asked = nodes[nodes["country"].isin(lands.index) & (nodes["status"] != "residual")]
    found = []
    for country, rows in asked.groupby("country"):
        land = lands.loc[[str(country)]].union_all()
        away = _distance(land, rows["lon"], rows["lat"])
        swapped = _distance(land, rows["lat"], rows["lon"])
        for k in np.flatnonzero(away > OUTSIDE_KM).tolist():
            lon, lat = float(rows["lon"].iloc[k]), float(rows["lat"].iloc[k])
            hint = "Check the coordinates and the country."
            if swapped[k] <= OUTSIDE_KM and abs(lon) <= 90:
                hint = f"The pair looks swapped: did you mean lon {lat:g}, lat {lon:g}?"
            said = f"({lon:g}, {lat:g}) lies {away[k]:,.0f} km outside {country}."
            found.append(Problem(f"nodes `{rows.index[k]}`, columns `lon`, `lat`", said, hint))
    return sorted(found, key=str)


def _distance(land: Any, lon: pd.Series[Any], lat: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return km from each point to a country, 0 inside."""
    import shapely

    points = shapely.points(lon.to_numpy(dtype=float), lat.to_numpy(dtype=float))
    near = shapely.get_point(shapely.shortest_line(points, land), 1)
    x, y, u, v = (np.radians(f(p)) for p in (points, near) for f in (shapely.get_x, shapely.get_y))
    chord = np.sin((v - y) / 2) ** 2 + np.cos(y) * np.cos(v) * np.sin((u - x) / 2) ** 2
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))
