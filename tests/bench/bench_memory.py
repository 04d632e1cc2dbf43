"""Peak memory of the whole way from tables to a maximum flow, at a million sites and ten million edges.

``python tests/bench/bench_memory.py [SIZE]`` (XL unless told otherwise) writes the generated tables to a temporary
folder, then runs each side in a process of its own and prints, after every step, what it holds (resident) and its peak
so far (VmHWM of /proc/self/status; everything counts, the interpreter and its libraries too).

*Ours* keeps all it makes: both tables (edges: source, target, mode, capacity, cost; sites: kind, country, capacity;
integers, as Arrow columns), the index both ways, the residual graph with every site split, one maximum flow and one
pass for strongly connected components. Only the arcs that the residual graph is laid out from are let go.
*igraph* holds the graph alone, without any attribute, from the same two columns. *networkx* (``--networkx``; a million
edges of the table, scaled up) holds a MultiDiGraph without attributes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_STEP = "  {:<54} {:>8} {:>8} {:>8}"
_PART = 1_000_000


class Meter:
    """Prints seconds, resident memory and the peak after each step, in MB."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def step(self, what: str) -> None:
        """Tell about the step that just ended."""
        taken = time.perf_counter() - self._began
        print(_STEP.format(what, f"{taken:.2f}", *(f"{memory(key):.0f}" for key in ("VmRSS", "VmHWM"))), flush=True)  # noqa: T201
        self._began = time.perf_counter()


def memory(key: str) -> float:
    """Return a figure of this process in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(key)


def write(size: str, folder: Path) -> None:
    """Draw a network and write its tables, uncompressed."""
    import pyarrow as pa
    from generate import draw
    from pyarrow import feather

    net, rng = draw(size), np.random.default_rng(0)
    edges = {
        "source": net.tail.astype(np.int32), "target": net.head.astype(np.int32),
        "mode": rng.integers(0, 3, len(net.tail)).astype(np.int8), "capacity": net.room,
        "cost": net.cost.astype(np.int32),
    }  # fmt: skip
    sites = {
        "kind": net.layer.astype(np.int8), "country": rng.integers(0, 60, len(net.layer)).astype(np.int16),
        "capacity": net.capacity,
    }  # fmt: skip
    for name, columns in (("edges", edges), ("sites", sites)):
        rows = len(next(iter(columns.values())))
        feather.write_feather(pa.table(columns), str(folder / name), compression="uncompressed", chunksize=rows)


def table(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Read a table as columns, without copies."""
    from pyarrow import feather

    found = feather.read_table(str(folder / name), memory_map=False)
    return {column: found[column].chunk(0).to_numpy(zero_copy_only=True) for column in found.column_names}


def ours(folder: Path) -> None:
    meter = Meter()
    from generate import FACTORY, MINE

    from supplygraph.engine.kernels.csr import index
    from supplygraph.engine.kernels.maxflow import components, max_flow, residual

    small = residual(3, *(np.array(column, dtype=np.int32) for column in ([0, 1], [1, 2])), np.array([1, 2]))
    index(small.head, 3)
    max_flow(small, 0, 2)
    components(small)
    meter.step("interpreter, libraries, compiled kernels")
    edges, sites = table(folder, "edges"), table(folder, "sites")
    count = len(sites["kind"])
    meter.step(f"tables: {len(edges['source']):,} edges, {count:,} sites")
    kept = [index(edges["source"], count), index(edges["target"], count)]
    meter.step("index both ways")
    tail, head, capacity = split(edges, sites, MINE, FACTORY)
    meter.step(f"every site split: {len(tail):,} arcs, {2 * count + 2:,} vertices")
    res = residual(2 * count + 2, tail, head, capacity)
    del tail, head, capacity
    meter.step("residual graph (the arcs are let go)")
    value = max_flow(res, 2 * count, 2 * count + 1)
    meter.step(f"maximum flow: {value:,}")
    labels = components(res)
    meter.step(f"strongly connected components: {labels.max() + 1:,}")
    held = sum(column.nbytes for part in (edges.values(), sites.values(), *kept, res, (labels,)) for column in part)
    print(f"  all arrays held: {held / 2**20:.0f} MB", flush=True)  # noqa: T201


def split(edges: dict, sites: dict, mine: int, factory: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return arcs with every site split, a source before the mines and a sink behind the factories."""
    count, first = len(sites["kind"]), len(sites["kind"]) + len(edges["source"])
    mines, factories = (np.flatnonzero(sites["kind"] == kind).astype(np.int32) for kind in (mine, factory))
    size, more = first + len(mines) + len(factories), first + len(mines)
    tail, head, capacity = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int64)
    tail[:count] = np.arange(0, 2 * count, 2)
    np.add(tail[:count], 1, out=head[:count])
    np.multiply(edges["source"], 2, out=tail[count:first])
    tail[count:first] += 1
    np.multiply(edges["target"], 2, out=head[count:first])
    capacity[:count], capacity[count:first] = sites["capacity"], edges["capacity"]
    tail[first:more], head[first:more] = 2 * count, 2 * mines
    tail[more:], head[more:] = 2 * factories + 1, 2 * count + 1
    capacity[first:more], capacity[more:] = sites["capacity"][mines], sites["capacity"][factories]
    return tail, head, capacity


def by_igraph(folder: Path) -> None:
    meter = Meter()
    import igraph

    meter.step("interpreter, libraries")
    edges, count = table(folder, "edges"), len(table(folder, "sites")["kind"])
    ends = np.column_stack([edges["source"], edges["target"]]).astype(np.int64)
    del edges
    meter.step("two columns as one array")
    graph = igraph.Graph(count, ends, directed=True)
    del ends
    meter.step(f"graph: {graph.ecount():,} edges (the array is let go)")


def by_networkx(folder: Path) -> None:
    meter = Meter()
    import networkx as nx

    edges, count = table(folder, "edges"), len(table(folder, "sites")["kind"])
    whole = len(edges["source"])
    chosen = np.random.default_rng(0).choice(whole, min(_PART, whole), replace=False)
    meter.step("interpreter, libraries, tables")
    before = memory("VmRSS")
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(count))
    nodes = memory("VmRSS")
    graph.add_edges_from(zip(edges["source"][chosen].tolist(), edges["target"][chosen].tolist(), strict=True))
    meter.step(f"graph: {graph.number_of_edges():,} edges")
    scaled = nodes - before + (memory("VmRSS") - nodes) * whole / len(chosen)
    print(f"  scaled up to {whole:,} edges: {scaled:,.0f} MB", flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", default="XL")
    parser.add_argument("--networkx", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    sides = {"ours": ours, "igraph": by_igraph, "networkx": by_networkx}
    if given.one:
        side, folder = given.one
        write(given.size, Path(folder)) if side == "write" else sides[side](Path(folder))
        return
    with tempfile.TemporaryDirectory() as folder:
        chosen = ["write", "ours", "igraph", *(["networkx"] if given.networkx else [])]
        for side in chosen:
            if side != "write":
                print(_STEP.format(f"{given.size}, {side}", "seconds", "resident", "peak"), flush=True)  # noqa: T201
            command = [sys.executable, __file__, given.size, "--one", side, folder]
            subprocess.run(command, check=True, cwd=Path(__file__).parent)


if __name__ == "__main__":
    main()
