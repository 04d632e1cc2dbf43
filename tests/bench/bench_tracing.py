"""Origin shares of every vertex for 60 countries in one sweep, against sparse factorisation and a floor of bandwidth.

``python tests/bench/bench_tracing.py [SIZE ...]`` (S, M and L unless told otherwise) prints, for the edges that carry a
maximum flow of the generated networks, the best of several runs taken in turn and ratios to ours. All solve
``x = given + W x`` for the same matrix, which each builds from the same columns; answers agree to 1e-12.
``splu`` is scipy's sparse LU as it comes (ordering COLAMD; run once), ``splu natural`` the same spared that ordering.

The floor is what no method that forms these sums can avoid: per edge its share, the number of its tail, and the tail's
row of 60 shares; per vertex the row it is given and the row it gets; every byte once, at the rate of a plain copy of a
large array, measured in turn with the rest. Two more lines take the same with vertices and edges numbered at random
(no order to find by looking, rows far apart) and with something on every edge of the network.

The last block asks for the bundled networks' shipments, and for whole answers: `trace`, `exposure` with and without
bounds. The first use of the kernel in a process loads numba, which is shown apart.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
from generate import FACTORY, MINE, draw
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import splu

import supplygraph as sg
from supplygraph.engine.kernels.maxflow import max_flow, residual
from supplygraph.engine.kernels.tracing import sweep
from supplygraph.measures import tracing

COUNTRIES, STAGES = 60, 9
_LARGE = np.ones(20_000_000)
_COPY = np.empty_like(_LARGE)
_FIRST_USE = """
import time, numpy as np, supplygraph.measures.tracing
began = time.perf_counter()
from supplygraph.engine.kernels.tracing import sweep
sweep(2, np.array([0]), np.array([1]), np.ones(1), np.ones(2))
print(time.perf_counter() - began)
"""


def best(runs, repeats):
    """Run all in turn; return the least seconds and the last answer of each."""
    seconds, answers = dict.fromkeys(runs, np.inf), {}
    for _ in range(repeats):
        for name, run in runs.items():
            began = time.perf_counter()
            answers[name] = run()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds, answers


def flow_of(net):
    """Return the edges that carry a maximum flow, and how much."""
    sites, mines, factories = len(net.layer), np.flatnonzero(net.layer == MINE), np.flatnonzero(net.layer == FACTORY)
    site = np.arange(sites)
    tail = np.concatenate([2 * site, 2 * net.tail + 1, np.full(len(mines), 2 * sites), 2 * factories + 1])
    head = np.concatenate([2 * site + 1, 2 * net.head, 2 * mines, np.full(len(factories), 2 * sites + 1)])
    room = np.concatenate([net.capacity, net.room, net.capacity[mines], net.capacity[factories]])
    res = residual(2 * sites + 2, tail.astype(np.int32), head.astype(np.int32), room)
    max_flow(res, 2 * sites, 2 * sites + 1)
    flow = res.cap[res.rev[res.place]][sites : sites + len(net.tail)]
    used = np.flatnonzero(flow)
    return net.tail[used], net.head[used], flow[used].astype(np.float64)


def floor(edges, vertices, seconds):
    """Return the seconds in which all that must be read and written could be, at the rate of a copy."""
    moved = edges * (8 * COUNTRIES + 8 + 4) + 2 * vertices * 8 * COUNTRIES
    return moved / (2 * _LARGE.nbytes / seconds)


def generated(size):
    net = draw(size)
    n = len(net.layer)
    tail, head, flow = flow_of(net)
    has = np.bincount(head, flow, n)
    share, given = flow / has[head], np.zeros((n, COUNTRIES))
    mines = np.unique(tail[net.layer[tail] == MINE])
    given[mines, np.random.default_rng(0).integers(0, COUNTRIES, len(mines))] = 1.0
    compare(size, n, (tail, head, share), given)
    rng = np.random.default_rng(1)
    place, order = rng.permutation(n), rng.permutation(len(tail))
    far = np.empty_like(given)
    far[place] = given
    against_floor("numbered at random", n, (place[tail[order]], place[head[order]], share[order]), far)
    every = 1.0 / np.bincount(net.head, minlength=n)[net.head]
    against_floor("something on every edge", n, (net.tail, net.head, every), given)


def against_floor(what, n, arcs, given):
    seconds, _ = best({"sweep": lambda: sweep(n, *arcs, given), "copy": lambda: np.copyto(_COPY, _LARGE)}, 5)
    times = seconds["sweep"] / floor(len(arcs[0]), n, seconds["copy"])
    print(f"  {what}: {len(arcs[0])} edges, {1e3 * seconds['sweep']:.2f} ms, {times:.1f} floors", flush=True)  # noqa: T201


def compare(size, n, arcs, given):
    tail, head, share = arcs

    def products():
        walk = csr_array((share, (head, tail)), shape=(n, n))
        total, wave = given.copy(), given
        for _ in range(STAGES):
            wave = walk @ wave
            total += wave
        return total

    def factorised():
        walk = csr_array((share, (head, tail)), shape=(n, n))
        return splu((eye_array(n) - walk).tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0).solve(given)

    def as_it_comes():
        walk = csr_array((share, (head, tail)), shape=(n, n))
        return splu((eye_array(n) - walk).tocsc()).solve(given)

    ours = lambda: sweep(n, tail, head, share, given)  # noqa: E731
    runs = {"sweep": ours, "products": products, "splu natural": factorised}
    seconds, answers = best(runs | {"copy": lambda: np.copyto(_COPY, _LARGE)}, 3 if size == "L" else 7)
    once = best({"splu": as_it_comes}, 1)
    seconds, answers = seconds | once[0], answers | once[1]
    reached = np.bincount(head, minlength=n) > 0
    rows = np.abs(answers["sweep"][reached].sum(axis=1) - 1).max()
    text = f"{size}: {len(tail)} edges with flow: sweep {1e3 * seconds['sweep']:.2f} ms"
    for name in ("products", "splu natural", "splu"):
        apart = np.abs(answers[name] - answers["sweep"]).max()
        assert apart < 1e-12
        text += f"; {name} {seconds[name] / seconds['sweep']:.1f}x (apart {apart:.0e})"
    low = floor(len(tail), n, seconds["copy"])
    rate = 2 * _LARGE.nbytes / seconds["copy"] / 1e9
    text += f"; {seconds['sweep'] / low:.1f} floors of {1e3 * low:.2f} ms ({rate:.0f} GB/s)"
    print(f"{text}; rows sum to 1 within {rows:.0e}", flush=True)  # noqa: T201


def bundled(mineral):
    traced = tracing.trace(sg.load(mineral) if mineral else sg.load())
    size = len(traced.processes)
    given = np.eye(size)[:, np.unique(traced.origin)[:COUNTRIES]]
    runs = {
        "sweep": lambda: sweep(size, traced.origin, traced.destination, traced.step, given),
        "today": lambda: tracing.solve(traced.matrix(), given),
    }
    if mineral:
        net = sg.load(mineral)
        runs |= {
            "trace": lambda: tracing.trace(net),
            "exposure": lambda: sg.exposure(net, stage="mining"),
            "exposure without bounds": lambda: sg.exposure(net, stage="mining", bounds=False),
        }
    seconds, answers = best(runs, 7)
    apart = np.abs(answers["today"] - answers["sweep"]).max()
    text = f"{mineral or 'all minerals'}: {size} processes, {len(traced.origin)} shipments, {given.shape[1]} columns: "
    text += f"sweep {1e3 * seconds['sweep']:.2f} ms, measures/tracing.py {1e3 * seconds['today']:.2f} ms, "
    text += f"{seconds['today'] / seconds['sweep']:.1f}x (apart {apart:.0e})"
    text += "".join(f"; {name} {1e3 * seconds[name]:.1f} ms" for name in list(runs)[2:])
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    for name in sys.argv[1:] or ["S", "M", "L"]:
        generated(name)
    for name in ("cobalt", "copper", None):
        bundled(name)
    done = subprocess.run([sys.executable, "-c", _FIRST_USE], check=True, capture_output=True, text=True)
    print(f"first use in a process: {float(done.stdout):.2f} s")  # noqa: T201
