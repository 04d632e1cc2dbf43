"""Spatial price equilibria: our complementarity engine against public solvers on the same markets, and warm starts.

``python tests/bench/bench_equilibrium.py [--sizes 20 50 100 200 400] [--patience 60]`` prints three blocks; answers
must agree.

1. Markets without duties, which have an equivalent quadratic program: ours, HiGHS (its active set) and, where it is
   installed, Clarabel (``pip install clarabel``, interior point). A solver that is out of patience is shown with ``>``
   and not asked about larger markets.
2. Markets with a duty in proportion, which have none: ours, and Lemke's method where it is installed (compiled, of
   ``pip install quantecon``), up to 50 markets, beyond which its table of ways by ways is too large.
3. Fifty floors over a third of the markets, each from the last answer and each from nothing.

Every supplier may ship to every buyer: 400 markets have 160 800 activities and 800 prices.
"""

from __future__ import annotations

import argparse
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, diags_array, eye_array, vstack

import supplygraph as sg
from supplygraph.engine.complementarity.market import Market
from supplygraph.engine.complementarity.solve import solve

#: Markets, at most, for Lemke's method.
_LEMKE = 50
_FLOORS = 50


def draw(places: int, share: float = 0.0) -> tuple[Market, dict[str, Any]]:
    """Draw suppliers, buyers and all ways between them."""
    rng = np.random.default_rng(places)
    give, take = rng.uniform(5, 20, places), rng.uniform(20, 60, places)
    slopes = rng.uniform(0.1, 2, (2, places))
    cost = rng.uniform(1, 15, (places, places))
    np.fill_diagonal(cost, 0.0)
    at, ways = np.arange(places), np.arange(places**2)
    row, column = np.divmod(ways, places)
    shape = (2 * places, 2 * places + len(ways))
    ones = np.ones(places + len(ways))
    out = csc_array((ones, (np.r_[at, places + column], np.r_[at, 2 * places + ways])), shape=shape)
    into = csc_array((ones, (np.r_[places + at, row], np.r_[places + at, 2 * places + ways])), shape=shape)
    lift = np.where(row == column, 1.0, 1.0 + share)
    pay = into @ diags_array(np.r_[np.ones(2 * places), lift])
    costs, curves = np.r_[give, -take, lift * cost.ravel()], np.r_[slopes.ravel(), np.zeros(len(ways))]
    market = Market(out, into, costs, curves, pay=csc_array(pay))
    return market, {"give": give, "take": take, "slopes": slopes, "cost": cost, "lift": lift.reshape(cost.shape)}


def welfare(market: Market, x: Any) -> float:
    """Return the value of the equivalent program."""
    return float(market.cost @ x + market.slope @ x**2 / 2)


def highs(market: Market, patience: float) -> Any:
    """Solve the equivalent quadratic program by HiGHS; None when out of patience."""
    import highspy

    engine = highspy.Highs.__base__()
    for name, value in {"output_flag": False, "threads": 1, "time_limit": patience}.items():
        engine.setOptionValue(name, value)
    balance = csc_array(market.out - market.into)
    count, height = len(market.cost), balance.shape[0]
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = height, count
    model.col_cost_, model.col_lower_, model.col_upper_ = market.cost, np.zeros(count), np.full(count, np.inf)
    model.row_lower_ = model.row_upper_ = np.zeros(height)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = balance.indptr.astype(np.int32), balance.indices.astype(np.int32)
    model.a_matrix_.value_ = balance.data
    engine.passModel(model)
    used = np.flatnonzero(market.slope)
    start = np.searchsorted(used, np.arange(count + 1)).astype(np.int32)
    engine.passHessian(count, len(used), 1, start, used.astype(np.int32), market.slope[used])
    engine.run()
    if engine.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(engine.getSolution().col_value)


def clarabel(market: Market, patience: float) -> Any:
    """Solve the equivalent quadratic program by Clarabel; None when out of patience."""
    import clarabel as peer
    from scipy.sparse import csc_matrix

    balance = market.out - market.into
    count, height = len(market.cost), balance.shape[0]
    rows = csc_matrix(vstack([balance, -eye_array(count)]))
    settings = peer.DefaultSettings()
    settings.verbose, settings.time_limit = False, patience
    cones = [peer.ZeroConeT(height), peer.NonnegativeConeT(count)]
    curve = csc_matrix(diags_array(market.slope))
    found = peer.DefaultSolver(curve, market.cost, rows, np.zeros(height + count), cones, settings).solve()
    return np.array(found.x) if str(found.status) == "Solved" else None


def timed(call: Any) -> tuple[float, Any]:
    """Return seconds and answer."""
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def programs(sizes: list[int], patience: float) -> None:
    """Print block 1."""
    print("1. equivalent quadratic programs, seconds (and times ours)")  # noqa: T201
    peers = {"HiGHS": highs, **({"Clarabel": clarabel} if find_spec("clarabel") else {})}
    for size in sizes:
        market, _ = draw(size)
        ours, answer = timed(lambda: solve(draw(size)[0]))  # noqa: B023
        shown = [f"{size:4d} markets  ours {ours:7.3f} ({answer.iterations} systems, residual {answer.residual:.0e})"]
        for name, call in list(peers.items()):
            seconds, x = timed(lambda: call(market, patience))  # noqa: B023
            if x is None:
                del peers[name]
                shown.append(f"{name} > {seconds:.1f} (> {seconds / ours:.0f}x)")
                continue
            value = welfare(market, answer.x)
            assert abs(welfare(market, x) - value) <= 1e-5 * abs(value)
            shown.append(f"{name} {seconds:.3f} ({seconds / ours:.1f}x)")
        print("  ", "  ".join(shown), flush=True)  # noqa: T201


def proportional(sizes: list[int]) -> None:
    """Print block 2."""
    print("2. duties of 10 % of the landed price, seconds (and times ours)")  # noqa: T201
    for size in sizes:
        ours, answer = timed(lambda: solve(draw(size, 0.1)[0]))  # noqa: B023
        line = f"   {size:4d} markets  ours {ours:7.3f} ({answer.iterations} systems, residual {answer.residual:.0e})"
        if size <= _LEMKE and find_spec("quantecon"):
            from quantecon.optimize import lcp_lemke

            _, data = draw(size, 0.1)
            start, end = np.kron(np.eye(size), np.ones(size)), np.kron(np.ones(size), np.eye(size))
            lift = data["lift"].ravel()
            matrix = lift[:, None] * (start.T @ np.diag(data["slopes"][0]) @ start)
            matrix = matrix + end.T @ np.diag(data["slopes"][1]) @ end
            vector = lift * (start.T @ data["give"] + data["cost"].ravel()) - end.T @ data["take"]
            lcp_lemke(np.eye(2), -np.ones(2))  # compiled before it is timed
            seconds, found = timed(lambda: lcp_lemke(matrix, vector))  # noqa: B023
            if found.success:
                assert np.abs(start @ found.z - answer.x[:size]).max() < 1e-5
                line += f"  Lemke {seconds:.3f} ({seconds / ours:.1f}x)"
            else:
                line += f"  Lemke gives up after {seconds:.1f} (status {found.status})"
        print(line, flush=True)  # noqa: T201


def sweeps(sizes: list[int]) -> None:
    """Print block 3."""
    print(f"3. {_FLOORS} floors, seconds warm and cold, engine and whole answers")  # noqa: T201
    for size in sizes:
        _, data = draw(size)
        names = [f"m{at:03d}" for at in range(size)]
        supply, demand = (
            pd.DataFrame({"intercept": data[side], "slope": data["slopes"][row]}, index=names)
            for row, side in enumerate(("give", "take"))
        )
        cost = pd.DataFrame(data["cost"], index=names, columns=names)
        spent, systems, before = {"warm": 0.0, "cold": 0.0}, {"warm": 0, "cold": 0}, None
        inside = {"warm": 0.0, "cold": 0.0}
        for level in np.linspace(15, 40, _FLOORS):
            floor = dict.fromkeys(names[: max(1, size // 3)], float(level))
            prices = []
            for way in ("warm", "cold"):
                start = before if way == "warm" else None
                seconds, answer = timed(
                    lambda: sg.spatial_equilibrium(supply, demand, cost, floor=floor, start=start)  # noqa: B023
                )
                spent[way], systems[way] = spent[way] + seconds, systems[way] + answer.iterations
                model, _ = answer.__dict__["_state"][0]
                seconds, _ = timed(lambda: model.solve(None if start is None else start.__dict__["_state"][0]))  # noqa: B023
                inside[way] += seconds
                prices.append(answer.prices.to_numpy())
                before = answer if way == "warm" else before
            assert np.abs(prices[0] - prices[1]).max() < 1e-6
        print(  # noqa: T201
            f"   {size:4d} markets  engine {inside['warm']:.2f} and {inside['cold']:.2f} "
            f"({inside['cold'] / inside['warm']:.1f}x; {systems['warm']} and {systems['cold']} systems)  "
            f"answers {spent['warm']:.2f} and {spent['cold']:.2f} ({spent['cold'] / spent['warm']:.1f}x)", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    ask = argparse.ArgumentParser()
    ask.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100, 200, 400])
    ask.add_argument("--patience", type=float, default=60.0)
    given = ask.parse_args()
    solve(draw(3)[0])  # libraries are imported before anything is timed
    programs(given.sizes, given.patience)
    proportional(given.sizes)
    sweeps([size for size in given.sizes if size <= 100])
