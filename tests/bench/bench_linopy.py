"""The same program built and solved with linopy, and as arrays: seconds and peak memory, each in its own process.

``python tests/bench/bench_linopy.py`` (needs ``pip install linopy``). The program is the one over arcs of the
generated networks S (23 000 columns) and S2 (115 000 columns): flow by edge and mineral, balances by site and mineral,
shared capacities, unmet demand. linopy gets it as a user would write it, with ``groupby().sum()`` over the edges.
Both hand it to HiGHS; objectives must agree.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from generate import draw, program


def arrays(linear) -> dict[str, float]:
    """Pass the arrays to HiGHS and solve."""
    from supplygraph.engine.solver import Solver

    began = time.perf_counter()
    solver = Solver(
        linear.cost, linear.lower, linear.upper, linear.matrix, linear.row_lower, linear.row_upper, presolve="on"
    )
    built = time.perf_counter()
    return {"build": built - began, "objective": solver.solve().objective, "solve": time.perf_counter() - built}


def linopy(linear) -> dict[str, float]:
    """Build the model from named columns and solve it."""
    import linopy as lp
    import pandas as pd
    import xarray as xr

    began = time.perf_counter()
    model = lp.Model()
    columns = pd.RangeIndex(linear.columns, name="column")
    x = model.add_variables(linear.lower, linear.upper, coords=[columns], name="x")
    entries = linear.matrix.tocoo()
    rows = xr.DataArray(entries.row, dims="entry", name="row")
    pick = xr.DataArray(entries.col, dims="entry")
    terms = x.sel(column=pick) * xr.DataArray(entries.data, dims="entry")
    sums = terms.groupby(rows).sum()
    used = np.unique(entries.row)
    low, high = linear.row_lower[used], linear.row_upper[used]
    index = pd.Index(used, name="row")
    equal = xr.DataArray(low == high, coords=[index])
    for name, mask, sign, side in (
        ("equal", equal, "=", low), ("most", ~equal & np.isfinite(high), "<=", high),
        ("least", ~equal & np.isfinite(low), ">=", low),
    ):  # fmt: skip
        model.add_constraints(sums, sign, xr.DataArray(side, coords=[index]), name=name, mask=mask)
    model.add_objective((x * xr.DataArray(linear.cost, coords=[columns])).sum())
    built = time.perf_counter()
    model.solve(solver_name="highs", io_api="direct", output_flag=False, threads=1)
    return {"build": built - began, "objective": float(model.objective.value), "solve": time.perf_counter() - built}


WAYS = {"arrays": arrays, "linopy": linopy}


def main() -> None:
    """Print one line per size and way, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["S", "S2"])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        size, way = given.one
        linear = program(draw(size))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row = WAYS[way](linear)
        row["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        print(json.dumps(row))  # noqa: T201
        return
    for size in given.sizes:
        rows = {}
        for way in WAYS:
            command = [sys.executable, __file__, "--one", size, way]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent)
            rows[way] = json.loads(done.stdout.splitlines()[-1])
            shown = "  ".join(f"{name} {value:,.2f}" for name, value in rows[way].items())
            print(f"{size:<3} {way:<7} {shown}", flush=True)  # noqa: T201
        ours, theirs = rows["arrays"], rows["linopy"]
        assert abs(ours["objective"] - theirs["objective"]) <= 1e-7 * abs(ours["objective"])
        total = [row["build"] + row["solve"] for row in (theirs, ours)]
        ratios = total[0] / total[1], theirs["build"] / ours["build"], theirs["memory_mb"] / ours["memory_mb"]
        print("{}: linopy takes {:.1f}x the time, {:.1f}x to build, {:.1f}x the memory".format(size, *ratios))  # noqa: T201


if __name__ == "__main__":
    main()
