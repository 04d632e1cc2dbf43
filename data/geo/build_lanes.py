"""Make lanes.npz and land.npz again: the sea lanes with straits as gates and ports tied on; where land is.

Run once, with ``pip install . searoute==1.6.0``; supplygraph itself never needs searoute. The same inputs
give the same bytes. Steps: unwrap the network, drop duplicates at the date line, add the Kiel Canal (which
the network lacks), split every edge that crosses a strait's gate line at the line, and tie each port to
near sea nodes such that no tie crosses a gate line and little of it is land. Land is a grid of 0.1 degree.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import shapely

from supplygraph.world.coast import haversine, landmasses
from supplygraph.world.lanes import gate_lines, near_nodes

HERE = Path(__file__).parent
#: Ends of the canal's approaches on the lane network: Elbe mouth, canal, Kiel bight.
KIEL = [(8.6, 53.98), (9.45, 54.325), (10.4, 54.55)]
#: A node this close (degrees) to a gate line is on it.
ON_GATE = 1e-4
#: At most so many sea nodes a port is tied to.
TIES = 4


def network():
    from searoute.data.marnet_dict import edge_list, node_list

    def norm(point):
        return (round((point[0] + 180) % 360 - 180, 5), round(point[1], 5))

    points = sorted({norm(p) for p in node_list})
    index = {p: i for i, p in enumerate(points)}
    edges = {
        tuple(sorted((index[norm(u)], index[norm(v)])))
        for u, targets in edge_list.items()
        for v in targets
    }
    return np.array(points), np.array(sorted(e for e in edges if e[0] != e[1]))


def add_kiel(points, edges):
    start = len(points)
    points = np.vstack([points, [KIEL[1]]])
    for end in (KIEL[0], KIEL[2]):
        near = int(np.argmin(haversine(end[0], end[1], points[:start, 0], points[:start, 1])))
        edges = np.vstack([edges, [near, start]])
    return points, edges, start


def split_at_gates(points, edges, gates, kiel):
    """Replace each crossing edge by edges over gate nodes; return the gate of each node (-1 = none)."""
    gate = np.full(len(points), -1)
    gate[kiel] = list(gates).index("kiel")
    added, added_gate, new_edges = [], [], []
    a, b = points[edges[:, 0]], points[edges[:, 1]].copy()
    step = b[:, 0] - a[:, 0]
    b[:, 0] -= 360 * np.round(step / 360)
    cuts = [[] for _ in range(len(edges))]
    for number, (name, line) in enumerate(gates.items()):
        if name == "kiel":
            continue
        for shift in (0, 360, -360):
            lines = shapely.linestrings(np.stack([a + [shift, 0], b + [shift, 0]], axis=1))
            for i in np.flatnonzero(shapely.intersects(lines, line)):
                at = lines[i].intersection(line)
                at = at if at.geom_type == "Point" else at.representative_point()
                ends = shapely.get_coordinates(lines[i])
                near = np.hypot(*(ends - [at.x, at.y]).T)
                if near.min() < ON_GATE:  # the node itself is the berth
                    gate[edges[i, int(near.argmin())]] = number
                    continue
                cuts[i].append((lines[i].project(at), number, round((at.x + 180) % 360 - 180, 5), round(at.y, 5)))
    for i, (u, v) in enumerate(edges):
        chain = [u]
        for _, number, x, y in sorted(cuts[i]):
            added.append((x, y))
            added_gate.append(number)
            chain.append(len(points) + len(added) - 1)
        chain.append(v)
        new_edges += list(zip(chain[:-1], chain[1:], strict=True))
    if added:
        points, gate = np.vstack([points, added]), np.append(gate, added_gate)
    return points, np.array(sorted(tuple(sorted(map(int, e))) for e in new_edges)), gate


def attach(ports, points, edges, gate):
    """Make every port a node, tied to up to four sea nodes; return the network and the ports' nodes."""
    added, ties = [], []
    for lon, lat in ports:
        me = len(points) + len(added)
        added.append((lon, lat))
        ties += [(node, me) for node in near_nodes(lon, lat, points, gate, TIES)]
    start = len(points)
    nodes = np.arange(start, start + len(added))
    return np.vstack([points, added]), np.vstack([edges, ties]), np.append(gate, np.full(len(added), -1)), nodes


def save(path, **arrays):
    """Write an .npz with fixed time stamps, so that the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(arrays.items()):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())


def land_grid():
    """Return which cells of 0.1 degree have land at their middle, rows from the south, columns from 180 W."""
    land = shapely.union_all(landmasses())
    grid = np.zeros((1800, 3600), dtype=bool)
    middle = (np.arange(3600) + 0.5) / 10 - 180
    for row in range(1800):
        lat = (row + 0.5) / 10 - 90
        for piece in shapely.get_parts(land.intersection(shapely.LineString([(-180, lat), (180, lat)]))):
            west, _, east, _ = piece.bounds
            grid[row] |= (middle >= west) & (middle <= east)
    return grid


def main():
    gates = gate_lines()
    with (HERE / "ports.csv").open(encoding="utf-8") as file:
        ports = [(row["port"], float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)]
    points, edges = network()
    points, edges, kiel = add_kiel(points, edges)
    points, edges, gate = split_at_gates(points, edges, gates, kiel)
    points, edges, gate, node = attach([p[1:] for p in ports], points, edges, gate)
    save(
        HERE / "lanes.npz",
        points=np.round(points, 5),
        edges=edges.astype(np.int32),
        gate=gate.astype(np.int16),
        passages=np.array(list(gates), dtype="U24"),
        ports=np.array([p[0] for p in ports], dtype="U12"),
        port_node=node.astype(np.int32),
    )
    save(HERE / "land.npz", land=np.packbits(land_grid(), axis=1))
    counts = {name: int((gate == i).sum()) for i, name in enumerate(gates)}
    print(len(points), "nodes", len(edges), "edges", counts)


if __name__ == "__main__":
    main()
