"""Draws of a network: what one costs, what all measures on a thousand cost, and memory as the number grows.

``python tests/bench/bench_ensemble.py`` prints, for cobalt and copper, seconds per draw (laid out once, then each) and
the same problem solved by scipy's general optimisers on the same dual, given its gradient and, for the second, its
Hessian, with their ratios (answers are compared). Then a thousand draws of cobalt with all measures on two processes;
then the peak memory of answers over 200, 2,000 and 8,000 draws, each in a process of its own.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource
import subprocess
import sys
import time

import numpy as np
from scipy.optimize import minimize

import supplygraph as sg
from supplygraph.world.drawing import Drawing

DRAWS = 1000
#: As near as each gets.
LONG = {
    "L-BFGS-B": {"maxiter": 100_000, "maxfun": 100_000, "ftol": 0.0, "gtol": 0.0, "maxcor": 30},
    "trust-exact": {"maxiter": 1000, "gtol": 1e-14},
}


def say(text):
    """Print one line."""
    print(text, flush=True)  # noqa: T201


MEASURES = (
    (sg.concentration, {}),
    (sg.refining_centrality, {}),
    (sg.exposure, {}),
    (sg.chokepoints, {"by": "country", "lenses": ("structure", "cuts", "capacity")}),
)


def problem(drawing):
    """Return one draw as the solver gets it: matrix, bases, spreads, and our answer."""
    caught = {}
    ours = drawing._reconciler.solve

    def solve(base, spread):
        caught.update(base=base, spread=spread, found=ours(base, spread))
        return caught["found"]

    drawing._reconciler.solve = solve
    drawing.numbers(0, 0)
    drawing._reconciler.solve = ours
    return caught["base"], caught["spread"], caught["found"].value


def general(matrix, base, spread, method):
    """Solve one draw by a general optimiser: (seconds, answer)."""
    squared = spread**2
    scale = base.sum()

    def value(y):
        with np.errstate(over="ignore", invalid="ignore"):
            x = base * np.exp(squared * (matrix @ y))
        if not np.isfinite(x).all():
            return np.inf, np.zeros(len(y))
        return (x / squared).sum() / scale, matrix.T @ x / scale

    def hessian(y):
        x = base * np.exp(np.minimum(squared * (matrix @ y), 50.0))
        return (matrix.T @ (matrix.multiply((squared * x)[:, None]))).toarray() / scale

    more = {"hess": hessian} if method == "trust-exact" else {}
    start = time.perf_counter()
    found = minimize(value, np.zeros(matrix.shape[1]), jac=True, method=method, options=LONG[method], **more)
    return time.perf_counter() - start, base * np.exp(squared * (matrix @ found.x))


def worst(matrix, x):
    """Return the largest imbalance, relative to what passes through."""
    passes = abs(matrix).T @ x
    return float(np.max(np.abs(matrix.T @ x) / np.where(passes > 0, passes, 1.0)))


def draws(mineral):
    """Time the draws of one mineral against general optimisers."""
    net = sg.load(mineral)
    start = time.perf_counter()
    drawing = Drawing(net)
    laid = time.perf_counter() - start
    drawing.draw(0, 0)
    start = time.perf_counter()
    for number in range(100):
        drawing.draw(1, number)
    each = (time.perf_counter() - start) / 100
    base, spread, ours = problem(drawing)
    start = time.perf_counter()
    for _ in range(10):
        drawing._reconciler.solve(base, spread)
    solved = (time.perf_counter() - start) / 10
    balances = drawing.matrix.shape[1]
    say(f"{mineral}, {len(base)} quantities, {balances} balances: laid out in {laid:.2f} s, {1e3 * each:.1f} ms a draw")
    left = worst(drawing.matrix, ours)
    say(f"  of which reconciling {1e3 * solved:.1f} ms, until no balance is off by more than {left:.0e} of itself")
    for method in ("L-BFGS-B", "trust-exact"):
        spent, other = general(drawing.matrix, base, spread, method)
        gap, left = np.abs(other - ours).sum() / ours.sum(), worst(drawing.matrix, other)
        say(f"  scipy {method} {spent:.2f} s, {spent / solved:.0f}x, within {gap:.0e} of ours, imbalance {left:.0e}")


def thousand():
    """All measures on a thousand draws of cobalt, each asked for by itself as a user would."""
    many, whole = sg.ensemble(sg.load("cobalt"), DRAWS, 0, workers=2), 0.0
    for measure, options in MEASURES:
        start = time.perf_counter()
        measure(many, **options)
        took = time.perf_counter() - start
        whole += took
        say(f"  {measure.__name__}: {took:.1f} s")
    say(f"cobalt, {DRAWS} draws, all measures on two processes: {whole:.0f} s")


def memory(n):
    """Answer with intervals over n draws and print the peak memory of this process."""
    many = sg.ensemble(sg.load("cobalt"), n, 0, workers=1)
    for measure, options in MEASURES[:3]:
        measure(many, **options)
    say(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        memory(int(sys.argv[2]))
    else:
        for mineral in ("cobalt", "copper"):
            draws(mineral)
        thousand()
        for n in (200, 2000, 8000):
            command = [sys.executable, __file__, "memory", str(n)]
            peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            say(f"peak memory, {n} draws: {peak} MB")
