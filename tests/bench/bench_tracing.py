"""Origin shares of every vertex for 60 countries in one sweep, against sparse products and sparse factorisation.

``python tests/bench/bench_tracing.py [SIZE ...]`` (S, M and L unless told otherwise) prints, for the edges that carry a
maximum flow of the generated networks, the best of several runs taken in turn and ratios to ours. All solve
``x = given + W x`` for the same matrix, which each builds from the same columns; answers agree to 1e-12.

The last block asks the same of the bundled networks' shipments, as `measures/tracing.py` does today: small enough
that only what is fixed counts. The first use of the kernel in a process loads numba, which is shown apart.
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


def generated(size):
    net = draw(size)
    n = len(net.layer)
    tail, head, flow = flow_of(net)
    has = np.bincount(head, flow, n)
    share, given = flow / has[head], np.zeros((n, COUNTRIES))
    mines = np.unique(tail[net.layer[tail] == MINE])
    given[mines, np.random.default_rng(0).integers(0, COUNTRIES, len(mines))] = 1.0

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

    ours = lambda: sweep(n, tail, head, share, given)  # noqa: E731
    runs = {"sweep": ours, "products": products, "splu": factorised}
    seconds, answers = best(runs, 3 if size == "L" else 7)
    reached = has > 0
    rows = np.abs(answers["sweep"][reached].sum(axis=1) - 1).max()
    text = f"{size}: {len(tail)} edges with flow: sweep {1e3 * seconds['sweep']:.2f} ms"
    for name in ("products", "splu"):
        apart = np.abs(answers[name] - answers["sweep"]).max()
        assert apart < 1e-12
        text += f"; {name} {seconds[name] / seconds['sweep']:.1f}x (apart {apart:.0e})"
    print(f"{text}; rows sum to 1 within {rows:.0e}", flush=True)  # noqa: T201


def bundled(mineral):
    traced = tracing.trace(sg.load(mineral) if mineral else sg.load())
    size = len(traced.processes)
    given = np.eye(size)[:, np.unique(traced.origin)[:COUNTRIES]]
    runs = {
        "sweep": lambda: sweep(size, traced.origin, traced.destination, traced.step, given),
        "today": lambda: tracing.solve(traced.matrix(), given),
    }
    seconds, answers = best(runs, 15)
    apart = np.abs(answers["today"] - answers["sweep"]).max()
    text = f"{mineral or 'all minerals'}: {size} processes, {len(traced.origin)} shipments, {given.shape[1]} columns: "
    text += f"sweep {1e3 * seconds['sweep']:.2f} ms, measures/tracing.py {1e3 * seconds['today']:.2f} ms, "
    print(f"{text}{seconds['today'] / seconds['sweep']:.1f}x (apart {apart:.0e})", flush=True)  # noqa: T201


if __name__ == "__main__":
    for name in sys.argv[1:] or ["S", "M", "L"]:
        generated(name)
    for name in ("cobalt", "copper", None):
        bundled(name)
    done = subprocess.run([sys.executable, "-c", _FIRST_USE], check=True, capture_output=True, text=True)
    print(f"first use in a process: {float(done.stdout):.2f} s")  # noqa: T201
