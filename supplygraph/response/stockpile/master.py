"""The plan: cutting planes from every path, a budget, and the proof of how far from the best it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from supplygraph.engine.solver import Solver
from supplygraph.response.stockpile.recourse import cuts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplygraph.response.stockpile.recourse import Bools, Course, Floats, Ints

_ROUNDS = 400
_GROUPS = 20
#: Paths times products up to which CVaR has a cell for each.
_SPLIT = 200_000
_INF = float("inf")
#: Of plans that lose the same the cheapest: what a dollar counts where no hurdle is asked for.
_THRIFT = 1e-6
#: Halvings in the search for purchases that are of no use.
_TRIALS = 10


@dataclass(frozen=True, eq=False)
class Problem:
    """The question in arrays: G products, H holders, T periods, S paths.

    Attributes
    ----------
    courses
        By product.
    chance
        Of each path, (S,).
    value
        USD that a lost tonne of each product costs, (G,).
    opening
        Tonnes held before, (G, H).
    allowed
        Whether a holder may hold a product, (G, H).
    width, price
        Steps of buying in one period: tonnes at most and USD per tonne, (G, K).
    dearer
        What buying in a period costs more (its price times this), (G, T).
    fee
        USD per tonne bought in a period that the budget pays beside the price, (G, H, T).
    worth
        USD at which a tonne counts against what a holder may buy at most, (G,), and that most, (H,).
    budget
        USD.
    level
        Tail level of CVaR; 0 = the expectation.
    hurdle
        USD that a dollar of the budget must save at least to be spent.
    """

    courses: Sequence[Course]
    chance: Floats
    value: Floats
    opening: Floats
    allowed: Bools
    width: Floats
    price: Floats
    dearer: Floats
    fee: Floats
    worth: Floats
    most_usd: Floats
    budget: float
    level: float
    hurdle: float = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Products, holders, periods."""
        return len(self.courses), self.opening.shape[1], self.courses[0].short.shape[0]

    def of(self, paths: Ints) -> Problem:
        """Return the same question of some of the paths, their chances scaled up."""
        chance = self.chance[paths]
        return _replace(self, courses=[one.of(paths) for one in self.courses], chance=chance / chance.sum())


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan with its proof.

    Attributes
    ----------
    buys
        Tonnes bought by product, holder and period, (G, H, T).
    cost
        USD that the budget pays.
    loss, bound
        Risk measure of the loss with this plan (exact), plus what the hurdle charges for its cost, and what no plan
        within the budget can go below.
    by_path
        Loss in each path, (S,).
    next_dollar
        What one more dollar saves.
    rounds
        Times that the plan was revised.
    """

    buys: Floats
    cost: float
    loss: float
    bound: float
    by_path: Floats
    next_dollar: float
    rounds: int


def _replace(problem: Problem, **changes: object) -> Problem:
    from dataclasses import replace

    return replace(problem, **changes)  # type: ignore[arg-type]


def risk(loss: Floats, chance: Floats, level: float) -> tuple[float, Floats]:
    """Return expectation or CVaR of a loss, and the weights of the paths that give it.

    CVaR at level a is the mean of the worst 1 - a (Rockafellar and Uryasev 2000); a path at the edge counts in part.
    """
    if level <= 0:
        return float(chance @ loss), chance
    order = np.argsort(-loss, kind="stable")
    taken = np.clip(1.0 - level - (np.cumsum(chance[order]) - chance[order]), 0.0, chance[order]) / (1.0 - level)
    weight = np.zeros_like(chance)
    weight[order] = taken
    return float(weight @ loss), weight


def stock_of(problem: Problem, buys: Floats) -> Floats:
    """Return tonnes owned when k periods have been bought, (G, H, T + 1)."""
    return np.concatenate([problem.opening[:, :, None], problem.opening[:, :, None] + np.cumsum(buys, axis=2)], axis=2)


def losses(problem: Problem, buys: Floats) -> Floats:
    """Return USD lost by product and path, (G, S)."""
    stock = stock_of(problem, buys)
    return np.array([
        problem.value[g] * np.maximum(course.short.sum(axis=0) - cuts(course, stock[g]).served, 0.0)
        for g, course in enumerate(problem.courses)
    ])  # fmt: skip


class Master:
    """The plan's linear program with the cuts found so far; cuts hold for every budget.

    Columns: stock by product, holder and period; steps of buying; losses by cell (a product in a group of paths; for
    CVaR a path, of each product or of all of them); for CVaR the value at risk and what each path loses beyond it.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        goods, holders, periods = problem.shape
        paths, steps = len(problem.chance), problem.width.shape[1]
        self.tail = problem.level > 0
        self.scale = _scales(problem)
        self.stocks = goods * holders * periods
        self.steps = goods * periods * steps
        self.group = np.arange(paths) if self.tail else np.arange(paths) % min(_GROUPS, paths)
        # a cell for each product: cuts of sums converge slowly, most of all where one path is the whole tail
        self.parts = goods if self.tail and paths * goods <= _SPLIT else 1
        self.cells = paths * self.parts if self.tail else goods * (int(self.group.max()) + 1)
        self.tails = paths + 1 if self.tail else 0
        self.columns = self.stocks + self.steps + self.cells + self.tails
        self.budget_row = 0
        self.solver = self._built()
        self.known: set[bytes] = set()

    def stock_at(self, good: int, holder: int, period: int) -> int:
        """Return the column of what a holder owns once ``period`` (from 1) periods have been bought."""
        _, holders, periods = self.problem.shape
        return (good * holders + holder) * periods + period - 1

    def _built(self) -> Solver:
        problem, (tonne, usd) = self.problem, self.scale
        goods, holders, periods = problem.shape
        steps, paths = problem.width.shape[1], len(problem.chance)
        lower, upper = np.zeros(self.columns), np.full(self.columns, _INF)
        cost = np.zeros(self.columns)
        first = self.stocks + self.steps
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        low: list[float] = []
        high: list[float] = []

        def row(entries: list[tuple[int, float]], least: float, most: float) -> None:
            rows.extend([len(low)] * len(entries))
            columns.extend(column for column, _ in entries)
            values.extend(value for _, value in entries)
            low.append(least)
            high.append(most)

        paid: list[tuple[int, float]] = []
        for g in range(goods):
            for t in range(periods):
                at = self.stocks + (g * periods + t) * steps
                upper[at : at + steps] = problem.width[g] / tonne[g]
                paid += [(at + k, problem.price[g, k] * problem.dearer[g, t] * tonne[g] / usd) for k in range(steps)]
                bought = [(at + k, -1.0) for k in range(steps)]
                for h in range(holders):
                    now = self.stock_at(g, h, t + 1)
                    entries = [(now, 1.0)] + ([(now - 1, -1.0)] if t else [])
                    start = 0.0 if t else problem.opening[g, h] / tonne[g]
                    row(entries, start, _INF if problem.allowed[g, h] else start)
                    bought += entries
                    fee = problem.fee[g, h] * tonne[g] / usd
                    paid.append((now, fee[t] - (fee[t + 1] if t + 1 < periods else 0.0)))
                start = 0.0 if t else float(problem.opening[g].sum()) / tonne[g]
                row(bought, start, start)
        for h in range(holders):
            if np.isfinite(problem.most_usd[h]):
                held = [(self.stock_at(g, h, periods), problem.worth[g] * tonne[g] / usd) for g in range(goods)]
                before = float(problem.worth @ problem.opening[:, h])
                row(held, -_INF, (problem.most_usd[h] + before) / usd)
        self.budget_row = len(low)
        row(paid, -_INF, (problem.budget + _held(problem)) / usd)
        if self.tail:
            value_at_risk = first + self.cells
            cost[value_at_risk] = 1.0
            for s in range(paths):
                beyond = value_at_risk + 1 + s
                cost[beyond] = problem.chance[s] / (1.0 - problem.level)
                mine = [(first + s * self.parts + part, -1.0) for part in range(self.parts)]
                row([(beyond, 1.0), *mine, (value_at_risk, 1.0)], 0.0, _INF)
        else:
            cost[first : first + self.cells] = 1.0
        for column, value in paid:
            cost[column] += max(problem.hurdle, _THRIFT) * value
        matrix = sparse.csc_array((values, (rows, columns)), shape=(len(low), self.columns))
        matrix.sum_duplicates()
        self.row_low, self.row_high = np.array(low), np.array(high)
        return Solver(cost, lower, upper, matrix, self.row_low, self.row_high).sharpened()

    def set_budget(self, budget: float) -> None:
        """Ask for another budget; every cut stays."""
        usd = self.scale[1]
        self.row_high[self.budget_row] = (budget + _held(self.problem)) / usd
        self.solver.set_rows(self.row_low, self.row_high)

    def solve(self) -> tuple[Floats, Floats, float, float]:
        """Return purchases (G, H, T), losses by cell in USD, the bound in USD, and what the next dollar saves."""
        found = self.solver.solve()
        goods, holders, periods = self.problem.shape
        tonne, usd = self.scale
        stock = found.x[: self.stocks].reshape(goods, holders, periods) * tonne[:, None, None]
        buys = np.diff(stock, axis=2, prepend=self.problem.opening[:, :, None])
        first = self.stocks + self.steps
        # the row's price is net of what the hurdle asks of each dollar
        net = -float(found.dual[self.budget_row])
        worth = net + max(self.problem.hurdle, _THRIFT) if net > 1e-9 else 0.0
        buys = np.where(buys > 1e-9 * tonne[:, None, None], buys, 0.0)
        return buys, found.x[first : first + self.cells] * usd, found.objective * usd, worth

    def add(self, buys: Floats, believed: Floats) -> tuple[Floats, int]:
        """Add the cuts of a plan where the program believes too little is lost; return losses (G, S), cuts added."""
        problem, (tonne, usd) = self.problem, self.scale
        goods = problem.shape[0]
        stock = stock_of(problem, buys)
        lost = np.zeros((goods, len(problem.chance)))
        pieces = []
        for g, course in enumerate(problem.courses):
            found = cuts(course, stock[g])
            short = course.short.sum(axis=0)
            lost[g] = problem.value[g] * np.maximum(short - found.served, 0.0)
            # what is bought before the start is the opening stock, a constant
            fixed = short - found.constant - found.weight[:, :, 0] @ problem.opening[g]
            pieces.append((fixed * problem.value[g] / usd, found.weight[:, :, 1:] * problem.value[g] * tonne[g] / usd))
        rows = self._by_path(pieces) if self.tail else self._by_group(pieces)
        true = self._true(lost)
        chosen = [
            (cell, entries, least) for cell, entries, least in rows
            if true[cell] > believed[cell] + 1e-9 * max(true.max(initial=0.0), usd * 1e-9)
        ]  # fmt: skip
        self._append(chosen)
        return lost, len(chosen)

    def _true(self, lost: Floats) -> Floats:
        if self.tail:
            return np.asarray(lost.T.ravel() if self.parts > 1 else lost.sum(axis=0))
        groups = int(self.group.max()) + 1
        weighted = lost * self.problem.chance
        return np.concatenate([np.bincount(self.group, one, groups) for one in weighted])

    def _by_path(self, pieces: list[tuple[Floats, Floats]]) -> list[tuple[int, tuple[Ints, Floats], float]]:
        found = []
        if self.parts > 1:
            for g, (fixed, weight) in enumerate(pieces):
                flat, base = weight.reshape(len(weight), -1), g * weight.shape[1] * weight.shape[2]
                for s in range(len(fixed)):
                    at = np.flatnonzero(flat[s])
                    found.append((s * self.parts + g, (base + at, flat[s, at]), float(fixed[s])))
            return found
        constant = np.sum([fixed for fixed, _ in pieces], axis=0)
        flat = np.concatenate([weight.reshape(len(weight), -1) for _, weight in pieces], axis=1)
        for s in range(len(constant)):
            at = np.flatnonzero(flat[s])
            found.append((s, (at, flat[s, at]), float(constant[s])))
        return found

    def _by_group(self, pieces: list[tuple[Floats, Floats]]) -> list[tuple[int, tuple[Ints, Floats], float]]:
        groups, found = int(self.group.max()) + 1, []
        chance = self.problem.chance
        member = sparse.csr_array((chance, (self.group, np.arange(len(chance)))), shape=(groups, len(chance)))
        for g, (fixed, weight) in enumerate(pieces):
            constant = member @ fixed
            summed = member @ weight.reshape(len(weight), -1)
            base = g * weight.shape[1] * weight.shape[2]
            for cell in range(groups):
                at = np.flatnonzero(summed[cell])
                found.append((g * groups + cell, (base + at, summed[cell, at]), float(constant[cell])))
        return found

    def _append(self, chosen: list[tuple[int, tuple[Ints, Floats], float]]) -> None:
        if not chosen:
            return
        first = self.stocks + self.steps
        start = np.cumsum([0] + [len(entries[0]) + 1 for _, entries, _ in chosen])
        columns = np.concatenate([np.append(at, first + cell) for cell, (at, _), _ in chosen])
        values = np.concatenate([np.append(weight, 1.0) for _, (_, weight), _ in chosen])
        least = np.array([one[2] for one in chosen])
        matrix = sparse.csr_array((values, columns, start), shape=(len(chosen), self.columns))
        self.solver.add_rows(least, np.full(len(chosen), _INF), matrix)
        self.row_low = np.append(self.row_low, least)
        self.row_high = np.append(self.row_high, np.full(len(chosen), _INF))


def solve(problem: Problem, *, gap: float, seconds: float, master: Master | None = None) -> tuple[Plan, Master]:
    """Return the best plan found, with its proof.

    Parameters
    ----------
    problem
        The question.
    gap
        Stop when ``(loss - bound) / loss`` is at most this.
    seconds
        Stop after this long; the gap then says how far the proof is.
    master
        A program with cuts from the same question under another budget.

    Notes
    -----
    Cutting planes by cells of paths (the L-shaped method of Van Slyke and Wets 1969 with many cuts a round). Every
    cut is a minimum cut of one path, so the bound holds at any time; the number of cuts is finite.
    """
    began = time.monotonic()
    goods, holders, periods = problem.shape
    if master is None:
        master = Master(problem)
        master.add(np.zeros((goods, holders, periods)), np.full(master.cells, -1.0))
    else:
        master.set_budget(problem.budget)
    thrift = 0.0 if problem.hurdle >= _THRIFT else _THRIFT
    charge = thrift * (problem.budget + _held(problem))
    best: Plan | None = None
    bound = -_INF
    rounds = 0
    while rounds < _ROUNDS:
        rounds += 1
        buys, believed, low, worth = master.solve()
        bound = max(bound, low - charge)
        lost, added = master.add(buys, believed)
        by_path = lost.sum(axis=0)
        cost = spent(problem, buys)
        measured = risk(by_path, problem.chance, problem.level)[0] + problem.hurdle * cost
        if best is None or measured + thrift * cost < best.loss + thrift * best.cost:
            best = Plan(buys, cost, measured, bound, by_path, worth, rounds)
        done = best.loss - bound <= gap * max(best.loss, 1e-12) or not added
        if done or time.monotonic() - began > seconds:
            break
    assert best is not None  # noqa: S101 - the loop runs at least once
    best = _trimmed(problem, best, gap)
    return Plan(best.buys, best.cost, best.loss, max(min(bound, best.loss), 0.0), best.by_path, worth, rounds), master


def _trimmed(problem: Problem, plan: Plan, gap: float) -> Plan:
    """Drop purchases, the latest first, that together save less than a tenth of the gap: they are not proved useful."""
    goods, holders, _ = problem.shape
    buys = plan.buys.copy()
    lost = losses(problem, buys)
    room = 0.1 * gap * plan.loss / max(goods * holders, 1)
    if room <= 0:
        return plan
    now = plan.loss
    for g in range(goods):
        for h in range(holders):
            whole = buys[g, h].sum()
            low, high = 0.0, 1.0
            for _ in range(_TRIALS if whole > 0 else 0):
                part = 0.0 if high == 1.0 and low == 0.0 else (low + high) / 2.0
                less = buys[g].copy()
                less[h] = np.diff(np.minimum(np.cumsum(buys[g, h]), part * whole), prepend=0.0)
                stock = np.cumsum(np.concatenate([problem.opening[g][:, None], less], axis=1), axis=1)
                course = problem.courses[g]
                mine = problem.value[g] * np.maximum(course.short.sum(axis=0) - cuts(course, stock).served, 0.0)
                cost = spent(problem, np.concatenate([buys[:g], less[None], buys[g + 1 :]]))
                then = risk(lost.sum(axis=0) - lost[g] + mine, problem.chance, problem.level)[0]
                if then + problem.hurdle * cost <= now + room:
                    high, kept = part, (less, mine)
                    if part == 0.0:
                        break
                else:
                    low = part if part > 0.0 else 1e-9
            if high < 1.0:
                buys[g], lost[g] = kept
                now = risk(lost.sum(axis=0), problem.chance, problem.level)[0] + problem.hurdle * spent(problem, buys)
    return Plan(buys, spent(problem, buys), now, plan.bound, lost.sum(axis=0), plan.next_dollar, plan.rounds)


def _held(problem: Problem) -> float:
    """Return the fees of the opening stock, which the program's costs count from."""
    return float(np.sum(problem.fee[:, :, 0] * problem.opening))


def spent(problem: Problem, buys: Floats) -> float:
    """Return USD that the budget pays for a plan: steps of the price, and fees."""
    together = buys.sum(axis=1)
    filled = np.clip(together[:, :, None] - (np.cumsum(problem.width, axis=1) - problem.width)[:, None, :],
                     0.0, problem.width[:, None, :])  # fmt: skip
    price = problem.price[:, None, :] * problem.dearer[:, :, None]
    return float(np.sum(filled * price) + np.sum(problem.fee * buys))


def _scales(problem: Problem) -> tuple[Floats, float]:
    """Return tonnes and USD that count as one in the program."""
    largest = np.array([max(float(one.short.max(initial=0.0)), 1e-6) for one in problem.courses])
    lost = sum(
        float(problem.chance @ one.short.sum(axis=0)) * value
        for one, value in zip(problem.courses, problem.value, strict=True)
    )
    return largest, max(lost / 100.0, 1e-6)
