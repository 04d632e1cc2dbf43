"""Where to build by cuts against one mixed-integer program of everything, and against looking at every set.

The peer is ``scipy.optimize.milp`` (HiGHS, the same solver) on the same work: a copy of the network's program for every
year and scenario, tied together by yes-or-no decisions. Optima must be equal. Sets are looked at with our own losses,
each funded in the first year (no worse with one budget in all). Run it:
``python tests/bench/bench_invest.py [MINERAL ...]``.
"""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_diag, coo_array, csr_array, hstack, vstack

import supplygraph as sg
from supplygraph.engine.rows import Rows
from supplygraph.response.invest.ask import invest
from supplygraph.response.invest.build import build
from supplygraph.response.invest.master import Search
from supplygraph.response.invest.options import Options

MINERALS = ("lithium", "rare_earths", "magnet_rare_earths", "copper")
BUDGET, HORIZON = 5e9, (2026, 2035)
#: Sets looked at, at most; the time of all is reckoned from these.
SETS = 300


def scenarios():
    china = sg.Shock.close(country="CHN", stage="refining")
    half = sg.Shock.close(country="CHN", stage="refining", keep=0.5)
    return {"none": (china, 0.05), "half": (half, 0.1)}


def case_of(net):
    asked = Options(
        "loss", None, None, None, 8, scenarios(), 0.03, "today", None, None, 1.0, None, None, (), True, "expected",
        40, 0, "territory", 0.2, 0.05, 1e-6, 600.0,
    )  # fmt: skip
    return build(net, None, budget=BUDGET, horizon=HORIZON, asked=asked).case


def whole(case):
    """Return the optimum of one program of everything, and the seconds it took (building it included)."""
    start = time.perf_counter()
    decisions, years = case.allowed.shape
    part = case.parts[0]
    blocks, ties, cost, lower, upper, low, high = [], [], [], [], [], [], []
    for s, danger in enumerate(case.dangers):
        losses = part.losses[s]
        model = losses.program.model(losses._setting)
        for y in range(years):
            grown, pace = part.growth[y], part.pace[y]
            left = losses.limits(pace / grown, 1.0 / grown, np.zeros(len(part.rows)))
            rows = Rows.of(losses.program.graph, model.rows.audiences, left)
            row_low, row_high = model.face.row_lower.copy(), model.face.row_upper.copy()
            row_low[: len(rows)], row_high[: len(rows)] = rows.lower / model.unit, rows.upper / model.unit
            tie = np.zeros((model.matrix.shape[0], decisions * years))
            for place, row in enumerate(part.rows):
                d = case.group[row]
                if d >= 0:
                    stands = case.profile[row, :, y] * case.capacity[row] * case.luck[row, 0] * losses.keeps[place]
                    tie[rows.output[losses.added[place]], d * years : (d + 1) * years] -= stands / grown / model.unit
            blocks.append(model.matrix)
            ties.append(csr_array(tie))
            each = model.cost_of_unmet(losses.weight[model.uses])
            cost.append(each * danger.chance * grown * model.unit)
            lower.append(model.face.lower)
            upper.append(model.face.upper)
            low.append(row_low)
            high.append(row_high)
    body = hstack([vstack(ties), block_diag(blocks)]).tocsr()
    size = decisions * years
    once = coo_array(np.kron(np.eye(decisions), np.ones(years)))
    money = coo_array(np.repeat(case.public, years)[None, :] / 1e6)
    pad = body.shape[1] - size
    rules = hstack([vstack([once, money]), coo_array((decisions + 1, pad))])
    result = milp(
        np.concatenate([np.zeros(size), *cost]) / 1e3,
        constraints=[
            LinearConstraint(body, np.concatenate(low), np.concatenate(high)),
            LinearConstraint(rules, -np.inf, np.append(np.ones(decisions), BUDGET / 1e6)),
        ],
        integrality=np.append(np.ones(size), np.zeros(pad)),
        bounds=Bounds(
            np.concatenate([np.zeros(size), *lower]), np.concatenate([case.allowed.ravel().astype(float), *upper])
        ),
        options={"mip_rel_gap": 1e-6, "time_limit": 600},
    )
    return (result.fun * 1e3 if result.fun is not None else np.nan), time.perf_counter() - start


def every_set(case):
    """Return the best of all sets that fit the budget (nan if too many), how many there are, and seconds for all."""
    names = range(len(case.groups))
    count, best, start = 0, np.inf, time.perf_counter()
    looked = 0
    for size in range(len(case.groups) + 1):
        for chosen in itertools.combinations(names, size):
            if case.public[list(chosen)].sum() > BUDGET:
                continue
            count += 1
            if looked >= SETS:
                continue
            looked += 1
            plan = case.none()
            for d in chosen:
                if case.allowed[d].any():
                    plan[d, int(np.argmax(case.allowed[d]))] = 1
            best = min(best, case.loss(plan))
    spent = time.perf_counter() - start
    return (best if looked == count else np.nan), count, spent * count / max(looked, 1)


def main(minerals):
    print("mineral              decisions  ours s  whole s  ratio   sets      sets s   ratio")  # noqa: T201
    for mineral in minerals:
        net = sg.load(mineral)
        case = case_of(net)
        start = time.perf_counter()
        found = Search(case).best("loss", deadline=time.monotonic() + 600)
        ours = time.perf_counter() - start
        peer, whole_s = whole(case_of(net))
        best, count, sets_s = every_set(case_of(net))
        assert abs(found.value - peer) <= 1e-4 * abs(peer), (mineral, found.value, peer)
        assert np.isnan(best) or abs(found.value - best) <= 1e-6 * abs(best), (mineral, found.value, best)
        line = f"{mineral:20s} {len(case.groups):9d} {ours:7.2f} {whole_s:8.2f} {whole_s / ours:6.1f} {count:6d}"
        print(f"{line} {sets_s:11.1f} {sets_s / ours:7.1f}", flush=True)  # noqa: T201
    start = time.perf_counter()
    plan = invest(sg.load(), budget=2e10, horizon=HORIZON, scenarios=scenarios(), fill_capex=True, committed=())
    took = time.perf_counter() - start
    print(f"all minerals, {len(plan._built.case.groups)} decisions, whole answer: {took:.1f} s, gap {plan.gap:.1e}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:] or MINERALS)
