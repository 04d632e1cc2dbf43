"""Stockpiles of all bundled minerals over 1,000 paths: cutting planes against one large program of the same question.

``python tests/bench/bench_stockpile.py [--paths 1000] [--limit 300]`` prints seconds and ratios, all from one run:

* the shortfalls: how many sets of concurrent disruptions, seconds to solve them all once;
* the plan, expected loss and CVaR, for one holder and for three with release limits, refills and sharing: seconds,
  rounds, proved gap;
* the peer: every path written out as releases and stocks in one program, given to HiGHS (simplex and interior point,
  one thread, with presolve, a limit in seconds), for the expected loss; equal optima where both prove theirs;
* memory at the peak of the process.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace

import numpy as np
from scipy import sparse

import supplygraph as sg
from supplygraph.engine.solver import hand_over
from supplygraph.response.stockpile.ask import Ask, Options
from supplygraph.response.stockpile.master import Problem, solve

_BUDGET = 2e9
_LINE = "{:<52} {:>10} {:>8}  {}"


def say(what: str, seconds: float | None = None, ratio: str = "", more: str = "") -> None:
    print(_LINE.format(what, "" if seconds is None else f"{seconds:.2f} s", ratio, more), flush=True)  # noqa: T201


def written_out(problem: Problem) -> tuple[np.ndarray, ...]:
    """Return the whole question as one program: stocks, steps, a release by holder, path and short period."""
    goods, holders, periods = problem.shape
    steps = problem.width.shape[1]
    stocks = goods * holders * periods
    first = stocks + goods * periods * steps
    cost, upper = [np.zeros(first)], [np.full(stocks, np.inf), np.tile(problem.width[:, None], (1, periods, 1)).ravel()]
    rows, columns, values, low, high = [], [], [], [], []

    def row(entries: list[tuple[int, float]], least: float, most: float) -> None:
        rows.extend([len(low)] * len(entries))
        columns.extend(column for column, _ in entries)
        values.extend(value for _, value in entries)
        low.append(least)
        high.append(most)

    paid = []
    for g in range(goods):
        for t in range(periods):
            at = stocks + (g * periods + t) * steps
            paid += [(at + k, problem.price[g, k]) for k in range(steps)]
            bought = [(at + k, -1.0) for k in range(steps)]
            for h in range(holders):
                now = (g * holders + h) * periods + t
                entries = [(now, 1.0)] + ([(now - 1, -1.0)] if t else [])
                row(entries, 0.0, np.inf)
                bought += entries
            row(bought, 0.0, 0.0)
    row(paid, -np.inf, problem.budget)
    count, lost = first, 0.0
    for g, course in enumerate(problem.courses):
        lost += problem.value[g] * float(problem.chance @ course.short.sum(axis=0))
        for s in range(len(problem.chance)):
            so_far: list[list[tuple[int, float]]] = [[] for _ in range(holders)]
            for t in np.flatnonzero(course.short[:, s] > 0):
                here = []
                for h in range(holders):
                    so_far[h] = [] if course.fresh[h, t, s] else so_far[h]
                    so_far[h].append((count, 1.0))
                    here.append((count, 1.0))
                    cost.append(np.array([-problem.chance[s] * problem.value[g]]))
                    upper.append(np.array([course.most[1 << h, t, s]]))
                    done = int(course.bought[t, s])
                    bought = [((g * holders + h) * periods + done - 1, -1.0)] if done else []
                    row(so_far[h] + bought, -np.inf, 0.0)
                    count += 1
                row(here, -np.inf, float(course.short[t, s]))
    shape = (len(low), count)
    matrix = sparse.csc_array((values, (rows, columns)), shape=shape)
    return np.concatenate(cost), np.zeros(count), np.concatenate(upper), matrix, np.array(low), np.array(high), lost


def peer(problem: Problem, method: str, limit: float) -> tuple[float, float, str, str]:
    """Return loss, seconds, how it ended, and size."""
    *program, lost = written_out(problem)
    began = time.perf_counter()
    engine = hand_over(*program, solver=method, time_limit=limit, presolve="on")
    engine.run()
    status = engine.modelStatusToString(engine.getModelStatus())
    found = lost + float(engine.getInfo().objective_function_value)
    matrix = program[3]
    size = f"{matrix.shape[1]:,} columns, {matrix.shape[0]:,} rows"
    return found, time.perf_counter() - began, status, size


class _Earlier:
    """An answer as far as its shortfalls go."""

    def __init__(self, asked: Ask) -> None:
        self.asked = asked


def _peak() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"


def compare(problem: Problem, limit: float) -> None:
    """Print plans by expectation and tail, and the peer's for the expectation."""
    found = {}
    for risk, level in (("expected", 0.0), ("cvar 95 %", 0.95)):
        began = time.perf_counter()
        plan, _ = solve(replace(problem, level=level), gap=1e-4, seconds=limit)
        found[risk] = (plan, time.perf_counter() - began)
        gap = (plan.loss - plan.bound) / plan.loss
        more = f"loss {plan.loss / 1e9:.5f} bn, gap {gap:.1e}, {plan.rounds} rounds"
        say(f"  plan, {risk}", found[risk][1], "", more)
    plan, mine = found["expected"]
    say("  memory at the peak so far", None, "", _peak())
    for method in ("simplex", "ipm"):
        lost, took, status, size = peer(problem, method, limit)
        ended = f"loss {lost / 1e9:.5f} bn" if status == "Optimal" else f"{status}, no answer"
        say(f"    written out, HiGHS {method}", took, f"{took / mine:.1f}x", f"{ended}; {size}")
        if status == "Optimal":
            assert abs(lost - plan.loss) <= 2e-4 * lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--paths", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=300.0)
    given = parser.parse_args()
    net = sg.load()
    uses = net.processes.loc[net.processes["role"] == "use", "input"].unique()
    goods = tuple(net.products["price_usd_t"].reindex(sorted(uses)).dropna().index)
    vault = sg.Holder("vault", "private", countries="USA", refill_months=12, paid_by="users")
    began = time.perf_counter()
    options = Options(_BUDGET, for_="USA", products=goods, holders=vault, period="month", adjust_months=12)
    ask = Ask.of(net, sg.outages(net, given.paths), options)
    shortfalls = time.perf_counter() - began
    say(f"{len(goods)} products, {given.paths:,} paths of 60 months, {_BUDGET / 1e9:g} bn USD")
    say("shortfalls: one solve per set of disruptions", shortfalls, "", f"{ask.shortfalls.sets} sets")
    slow = sg.Holder("industry", "private", countries="USA", refill_months=6, release=0.2)
    ally = sg.Holder("ally", "allied", countries="JPN", share=0.3)
    for holders in ((vault,), (vault, slow, ally)):
        again = Ask.of(net, _Earlier(ask), replace(options, holders=holders))
        say(f"{len(holders)} holder{'s' * (len(holders) > 1)}")
        compare(again.arrays, given.limit)
    say("memory at the peak, with the peers", None, "", _peak())


if __name__ == "__main__":
    main()
