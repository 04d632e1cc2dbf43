"""How long large multi-commodity programs take, and how far the answer can be from the optimum.

``python tests/bench/bench_large.py`` runs sizes S and S2 against HiGHS (simplex, interior point, PDLP), with
``--large`` M as well (20 000 sites, 300 000 edges, 710 000 columns). ``--limit`` sets the seconds each method
gets. Every run has a process of its own, so that peak memory is its own. Objective and bound are computed from
the program. ``arcs`` is a program of its own, a little tighter: plants limit each mineral, not the sum.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from generate import PENALTY, SIZES, draw, expanded, program

METHODS = ("simplex", "ipm", "pdlp", "ours", "arcs")
_LINE = "{:<4} {:>7} {:>8}  {:<8} {:>8} {:>16} {:>16} {:>9} {:>6}"


def run(size: str, method: str, limit: float, gap: float) -> dict[str, object]:
    """Solve one size by one method in this process."""
    linear = _over_arcs(size) if method == "arcs" else program(draw(size))
    row: dict[str, object] = {"size": size, "method": method, "rows": linear.rows, "columns": linear.columns}
    began = time.perf_counter()
    if method in {"ours", "arcs"}:
        from supplygraph.engine.large import solve_large

        found = solve_large(linear, gap=gap, time_limit=limit)
        answer = {"objective": found.objective, "bound": found.bound, "gap": found.gap, "how": found.how,
                  "violation": linear.violation(found.x)}  # fmt: skip
    else:
        answer = _highs(linear, method, limit)
    row["seconds"] = time.perf_counter() - began
    return row | answer | {"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _over_arcs(size: str):
    """The same network as an expanded graph through ``engine/arcs.py``: refineries limited by mineral."""
    from supplygraph.engine.arcs import arc_program

    return arc_program(expanded(draw(size)), price=PENALTY).linear


def _highs(linear, method: str, limit: float) -> dict[str, object]:
    """HiGHS with its own defaults (presolve, crossover), one thread."""
    import highspy
    import numpy as np

    engine = highspy.Highs.__base__()
    options = {"output_flag": False, "threads": 1, "solver": method, "time_limit": limit}
    for option, value in options.items():
        engine.setOptionValue(option, value)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = linear.matrix.shape
    model.col_cost_, model.col_lower_, model.col_upper_ = linear.cost, linear.lower, linear.upper
    model.row_lower_, model.row_upper_ = linear.row_lower, linear.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = linear.matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = linear.matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = linear.matrix.data
    engine.passModel(model)
    engine.run()
    how = engine.modelStatusToString(engine.getModelStatus())
    found = engine.getSolution()
    x, dual = np.array(found.col_value), np.array(found.row_dual)
    if how != "Optimal" or len(x) != linear.columns:
        return {"how": how}
    objective, bound = linear.value(x), linear.bound(dual)
    return {"objective": objective, "bound": bound, "gap": (objective - bound) / abs(objective), "how": how,
            "violation": linear.violation(x)}  # fmt: skip


def main() -> None:
    """Print one line per size and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="size M too")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--sizes", nargs="+", choices=tuple(SIZES))
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per method")
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--one", nargs=2, metavar=("SIZE", "METHOD"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(run(*given.one, given.limit, given.gap)))  # noqa: T201
        return
    heads = ("size", "rows", "columns", "method", "seconds", "objective", "bound", "gap", "MB")
    print(_LINE.format(*heads), " how")  # noqa: T201
    for size in given.sizes or ("S", "S2", *(("M",) if given.large else ())):
        for method in given.methods:
            numbers = ["--limit", str(given.limit), "--gap", str(given.gap)]
            command = [sys.executable, __file__, "--one", size, method, *numbers]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent)
            _show(json.loads(done.stdout.splitlines()[-1]))


def _show(row: dict[str, object]) -> None:
    value = [f"{row[name]:.2f}" if name in row else "-" for name in ("objective", "bound")]
    gap = f"{row['gap']:.1e}" if "gap" in row else "-"
    seconds, memory = f"{row['seconds']:.2f}", f"{row['memory_mb']:.0f}"
    cells = (row["size"], row["rows"], row["columns"], row["method"], seconds, *value, gap, memory)
    print(_LINE.format(*cells), f" {row['how']}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
