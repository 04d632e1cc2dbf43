"""The search: the best plan under the cuts made so far, until no better plan can exist."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.solver import hand_over
from supplygraph.errors import InfeasibleError, SupplyGraphError

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats
    from supplygraph.response.invest.case import Case

#: The three goals.
GOALS = ("loss", "concentration", "cost")
#: Rounds of cuts on fractional plans, before plans are whole.
_ROUNDS = 40
#: What counts as no difference, relative to the goal with nothing funded.
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class State:
    """A quantity that the plan bends: the loss of one mineral, scenario, year and draw, or its concentration."""

    goal: str
    part: int
    scenario: int
    year: int
    draw: int
    weight: float


@dataclass(frozen=True, eq=False)
class Found:
    """The best plan, what it attains, and the bound that proves how good it is."""

    plan: Floats
    value: float
    bound: float
    rounds: int
    optimal: bool


@dataclass(eq=False)
class Search:
    """Finds best plans of a case; cuts made for one question serve the next.

    Parameters
    ----------
    case
        The question.
    """

    case: Case
    #: What bends, by goal; the cuts of each; and what the goal is with nothing funded.
    states: dict[str, list[State]] = field(default_factory=dict)
    cuts: dict[tuple[str, int], list[tuple[float, Floats]]] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        case = self.case
        none = case.none()
        draws = case.luck.shape[1]
        before = case.loss_by_year(none)
        self.states["loss"] = [
            State("loss", m, s, y, k, danger.chance * part.value / draws)
            for m, part in enumerate(case.parts) for s, danger in enumerate(case.dangers)
            for y in range(len(case.years)) for k in range(draws)
            if danger.chance > 0 and before[m, s, y] > 0
        ]  # fmt: skip
        refined = [m for m, part in enumerate(case.parts) if part.shares is not None]
        self.states["concentration"] = [
            State("concentration", m, -1, y, k, 1.0 / (draws * len(refined) * len(case.years)))
            for m in refined for y in range(len(case.years)) for k in range(draws)
        ]  # fmt: skip
        self.scale = {
            "loss": max(case.expected(before), 1e-12), "cost": max(float(case.public.max(initial=0.0)), 1.0),
            "concentration": 1.0,
        }  # fmt: skip

    def value(self, goal: str, plan: Floats) -> float:
        """Return what a plan attains: expected loss, mean concentration, or dollars at present value."""
        return {"loss": self.case.loss, "concentration": self.case.index, "cost": self.case.cost}[goal](plan)

    def best(
        self,
        goal: str,
        most: dict[str, float] | None = None,
        *,
        deadline: float = math.inf,
        gap: float = 1e-6,
        start: Floats | None = None,
    ) -> Found:
        """Return the best plan for one goal, with the others at most so much; ``start`` is a plan known to do.

        Raises
        ------
        InfeasibleError
            If no plan keeps within ``most``.
        """
        most = dict(most or {})
        if not len(self.case.groups):
            return self._nothing(goal, most)
        bent = [name for name in GOALS[:2] if name == goal or name in most]
        master = _Master(self, goal, most, bent)
        scale = self.scale[goal]
        for _ in range(_ROUNDS):
            plan, theta, _ = master.solve(whole=False, deadline=deadline)
            if plan is None or not self._tighten(master, plan, theta, bent):
                break
        top, least, best, rounds = math.inf, -math.inf, start, 0
        if start is not None:
            top = self.value(goal, start)
        while True:
            rounds += 1
            plan, theta, bound = master.solve(whole=True, deadline=deadline)
            least = max(least, bound)
            if plan is None:
                break
            plan = np.round(plan)
            fresh = self._tighten(master, plan, theta, bent)
            keeps = all(self.value(name, plan) <= limit + _SAME * self.scale[name] * 10 for name, limit in most.items())
            if keeps:
                value = self.value(goal, plan)
                if value < top - _SAME * scale:
                    top, best = value, plan
            if (top - least <= gap * max(abs(top), scale * 1e-3)) or not fresh or time.monotonic() > deadline:
                break
        if best is None:
            if time.monotonic() > deadline:
                raise SupplyGraphError("time ran out before any plan was found; give a longer time_limit")
            raise InfeasibleError(self._impossible(goal, most))
        # With no new cut the program itself is exact, to the tolerance of the solver.
        return Found(best, top, min(least, top), rounds, top - least <= gap * max(abs(top), scale * 1e-3))

    def _nothing(self, goal: str, most: dict[str, float]) -> Found:
        """Return the only plan there is without candidates."""
        none = self.case.none()
        if any(self.value(name, none) > limit + _SAME * self.scale[name] * 10 for name, limit in most.items()):
            raise InfeasibleError(self._impossible(goal, most))
        value = self.value(goal, none)
        return Found(none, value, value, 0, optimal=True)

    def _impossible(self, goal: str, most: dict[str, float]) -> str:
        words = {"loss": "an expected loss", "concentration": "a mean HHI of refining", "cost": "a present cost"}
        told = " and ".join(f"{words[name]} of at most {limit:,.6g}" for name, limit in most.items())
        return f"no plan within the budget has {told}; ask for less, or raise the budget (least {goal} was sought)"

    def _tighten(self, master: _Master, plan: Floats, theta: dict[str, Floats], bent: list[str]) -> bool:
        """Add the cuts that a plan violates; tell whether there were any."""
        fresh = False
        for goal in bent:
            values, rows = self._probe(goal, plan)
            tolerance = _SAME * self.scale[goal]
            for j, (state, value) in enumerate(zip(self.states[goal], values, strict=True)):
                if (value - theta[goal][j]) * state.weight > tolerance / max(len(values), 1):
                    fresh = True
                    master.cut(goal, j, *rows[j])
        return fresh

    def _probe(self, goal: str, plan: Floats) -> tuple[Floats, list[tuple[float, Floats]]]:
        """Return the value of every state at a plan, and its cut there: ``constant + slope . plan``."""
        case = self.case
        stands = [case.standing(plan, draw) for draw in case.luck.T]
        empty = [case.standing(case.none(), draw) for draw in case.luck.T]
        values, cuts = [], []
        for state in self.states[goal]:
            part, y = case.parts[state.part], state.year
            grown, pace = float(part.growth[y]), float(part.pace[y])
            there = stands[state.draw][part.rows, y]
            if goal == "loss":
                value, slope = part.losses[state.scenario].at(pace / grown, 1.0 / grown, there / grown)
                value *= grown
            else:
                value, slope = part.shares.at(there, grown) if part.shares is not None else (0.0, np.zeros(len(there)))
            per_plan = self.slope(state, slope)
            # value + slope . (stands(plan') - stands(plan)), with stands linear in the plan.
            constant = value - float(slope @ (there - empty[state.draw][part.rows, y]))
            values.append(value)
            cuts.append((constant, per_plan))
        return np.array(values), cuts

    def slope(self, state: State, slope: Floats) -> Floats:
        """Return a slope per tonne that stands as one per decision and year of funding."""
        case = self.case
        rows = case.parts[state.part].rows
        per_row = slope * (case.capacity * case.luck[:, state.draw])[rows]
        total = np.zeros(case.allowed.shape)
        mine = case.group[rows] >= 0
        np.add.at(total, case.group[rows][mine], per_row[mine, None] * case.profile[rows][mine][:, :, state.year])
        return total


class _Master:
    """The program over decisions: budget, one year each, limits on goals, and cuts."""

    def __init__(self, search: Search, goal: str, most: dict[str, float], bent: list[str]) -> None:
        import highspy

        self._search, self._bent = search, bent
        case = search.case
        self._shape = case.allowed.shape
        count = case.allowed.size
        self._start: dict[str, int] = {}
        size = count
        for name in bent:
            self._start[name] = size
            size += len(search.states[name])
        cost, lower, upper = np.zeros(size), np.zeros(size), np.full(size, np.inf)
        upper[:count] = case.allowed.ravel().astype(float)
        money = np.outer(case.public, case.weight).ravel()
        if goal == "cost":
            cost[:count] = money / search.scale["cost"]
        else:
            cost[self._start[goal] :][: len(search.states[goal])] = (
                np.array([state.weight for state in search.states[goal]]) * 1.0
            )
        self._unit = 1.0
        if goal != "cost":
            # Goals are scaled so that with nothing funded they are 1000: tolerances then mean the same everywhere.
            self._unit = 1000.0 / search.scale[goal]
            cost *= self._unit
        else:
            self._unit = 1.0 / search.scale["cost"]
        rows, most_of = self._rules(case, most, money, size)
        self.engine: Any = hand_over(
            cost, lower, upper, rows, np.full(rows.shape[0], -np.inf), most_of,
            mip_rel_gap=1e-9, mip_abs_gap=1e-7, mip_feasibility_tolerance=1e-9, primal_feasibility_tolerance=1e-9,
        )  # fmt: skip
        self._kinds = (highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous)
        self._count, self._size = count, size
        self._optimal = highspy.HighsModelStatus.kOptimal
        self._out_of_time = highspy.HighsModelStatus.kTimeLimit
        self._whole = False
        for name in bent:
            for j in range(len(search.states[name])):
                for constant, slope in search.cuts.get((name, j), ()):
                    self._row(name, j, constant, slope)

    def _rules(self, case: Case, most: dict[str, float], money: Floats, size: int) -> tuple[Any, Floats]:
        from scipy.sparse import coo_array, csc_array

        decisions, years = self._shape
        lines: list[Floats] = []
        limits: list[float] = []

        def add(line: Floats, limit: float) -> None:
            lines.append(line)
            limits.append(limit)

        for d in range(decisions):
            line = np.zeros(size)
            line[d * years : (d + 1) * years] = 1.0
            add(line, 1.0)
        unit = self._search.scale["cost"]
        paid = np.repeat(case.public, years)
        if np.isfinite(case.budget):
            line = np.zeros(size)
            line[: self._count_of()] = paid / unit
            add(line, case.budget / unit)
        for y in np.flatnonzero(np.isfinite(case.yearly)):
            line = np.zeros(size)
            line[np.arange(decisions) * years + y] = case.public / unit
            add(line, float(case.yearly[y]) / unit)
        for name, limit in most.items():
            line = np.zeros(size)
            if name == "cost":
                line[: self._count_of()] = money / unit
                add(line, limit / unit)
            else:
                states, scale = self._search.states[name], self._search.scale[name]
                line[self._start[name] :][: len(states)] = [state.weight / scale for state in states]
                add(line, limit / scale + _SAME)
        if "concentration" in self._bent:
            for line, limit in self._full(case, size):
                add(line, limit)
        return csc_array(coo_array(np.array(lines).reshape(len(lines), size))), np.array(limits)

    def _count_of(self) -> int:
        return int(self._shape[0] * self._shape[1])

    def _full(self, case: Case, size: int) -> list[tuple[Floats, float]]:
        """Return rows that keep projects from refining more than the year's demand for it, where they could."""
        found = []
        for state in self._search.states["concentration"]:
            part = case.parts[state.part]
            if part.shares is None:
                continue
            per = self._search.slope(state, part.shares.refines / (part.shares.total_t * part.growth[state.year]))
            base = case.standing(case.none(), case.luck[:, state.draw])[part.rows, state.year]
            room = 1.0 - float(part.shares.refines @ base) / (part.shares.total_t * part.growth[state.year])
            if per.max(axis=1, initial=0.0).sum() > room:
                line = np.zeros(size)
                line[: per.size] = per.ravel()
                found.append((line, room))
        return found

    def cut(self, goal: str, state: int, constant: float, slope: Floats) -> None:
        """Add ``theta >= constant + slope . plan``, and keep it for later questions."""
        self._search.cuts.setdefault((goal, state), []).append((constant, slope))
        self._row(goal, state, constant, slope)

    def _row(self, goal: str, state: int, constant: float, slope: Floats) -> None:
        flat = slope.ravel()
        used = np.flatnonzero(flat)
        scale = max(abs(constant), float(np.abs(flat).max(initial=0.0)), 1e-12)
        columns = np.append(used, self._start[goal] + state).astype(np.int32)
        values = np.append(-flat[used], 1.0) / scale
        self.engine.addRow(constant / scale, np.inf, len(columns), columns, values)

    def solve(self, *, whole: bool, deadline: float) -> tuple[Floats | None, dict[str, Floats], float]:
        """Return the best plan under the cuts, the values it counts on, and the bound; None if there is none."""
        if whole != self._whole:
            kind = self._kinds[0 if whole else 1]
            places = np.arange(self._count, dtype=np.int32)
            self.engine.changeColsIntegrality(self._count, places, np.array([kind] * self._count))
            self._whole = whole
        if math.isfinite(deadline):
            self.engine.setOptionValue("time_limit", max(deadline - time.monotonic(), 0.05) + self.engine.getRunTime())
        self.engine.run()
        status = self.engine.getModelStatus()
        info = self.engine.getInfo()
        x = np.array(self.engine.getSolution().col_value)
        bound = float(info.mip_dual_bound if whole else info.objective_function_value) / self._unit
        if status not in (self._optimal, self._out_of_time) or len(x) != self._size:
            return None, {}, bound if math.isfinite(bound) and status == self._out_of_time else -math.inf
        if whole and info.primal_solution_status != 2:
            return None, {}, bound
        theta = {
            name: x[self._start[name] :][: len(self._search.states[name])] for name in self._bent
        }  # fmt: skip
        return x[: self._count].reshape(self._shape), theta, bound
