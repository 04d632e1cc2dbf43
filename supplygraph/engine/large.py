"""Linear programs that a general solver cannot finish: a feasible answer with a proved gap.

Three plain facts carry it. Any row duals prove a bound (:meth:`supplygraph.engine.linear.Linear.bound`).
Any feasible answer of the program restricted to some columns is a feasible answer of the whole. And a
first-order method (:mod:`supplygraph.engine.firstorder`) tells within a few hundred sweeps over the matrix which
columns matter. So, once equations between two columns are solved (:mod:`supplygraph.engine.shorten`), in rounds:

1. sweep, for duals and a bound;
2. keep the columns that carry flow or look cheap under these duals, about three a row, and solve that
   restricted program by interior point: a feasible answer, and duals that are right where it hurts;
3. sweep on from there: the restricted program's duals are wrong about the columns it left out, which a
   few hundred sweeps repair, and the bound rises close to the answer.

Rounds go on until the gap asked for is proved or time is up; each adds the columns that the last one missed
most, so the answers converge to the optimum. Programs that a simplex method can finish are given to it whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.linear import Found, Linear, solve
from supplygraph.engine.shorten import Short, shorten
from supplygraph.errors import DataError, InfeasibleError, Problem, SupplyGraphError

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.expanded import Bools, Floats
    from supplygraph.engine.firstorder import Descent

#: Programs of at most so many columns go to the simplex method whole.
EXACT_BELOW = 150_000
#: Looks (of 100 sweeps) before the first restricted program, and after each one at most.
_FIRST, _NEXT = 5, 8
#: Columns of the restricted program, per row.
_PER_ROW = 3
#: What all columns left out could still bring, as a share of the objective, when nothing more is worth trying.
_SETTLED = 1e-9


@dataclass(frozen=True, eq=False)
class Approximation:
    """A feasible answer and how far it can be from the optimum.

    Attributes
    ----------
    x, objective
        The answer and its value.
    dual, bound
        Row duals, and the bound they prove: no feasible answer is below it.
    gap
        ``(objective - bound) / |objective|``.
    seconds
        Wall time.
    how
        In words: exact or in rounds, and whether the gap asked for was reached.
    """

    x: Floats
    objective: float
    dual: Floats
    bound: float
    gap: float
    seconds: float
    how: str


def solve_large(
    program: Linear,
    *,
    gap: float = 0.01,
    time_limit: float = 300.0,
    exact_below: int = EXACT_BELOW,
    progress: Callable[[str], None] | None = None,
) -> Approximation:
    """Solve a linear program exactly if it is small, else to a proved gap.

    Parameters
    ----------
    program
        The program; columns have finite bounds.
    gap
        Stop when ``(objective - bound) / |objective|`` is at most this; at least 0.
    time_limit
        Seconds of wall time. When they are over the best answer so far is returned with its true gap.
    exact_below
        Programs of at most so many columns are first given to the simplex method, for half the time.
    progress
        Called with one line of text after every step.

    Returns
    -------
    Approximation
        Objective and bound are computed from the program itself, not taken from any solver.

    Raises
    ------
    DataError
        If ``gap`` is negative or ``time_limit`` not above 0.
    InfeasibleError
        If nothing satisfies the constraints.
    SupplyGraphError
        If time runs out before any feasible answer is known. Programs in which single columns can meet
        every row (unmet demand) always have one.

    Notes
    -----
    O(rounds x (800 sweeps over the matrix + one interior-point solve of 3 columns a row)). The same steps
    always give the same numbers; only the time limit depends on the clock.

    Examples
    --------
    >>> from supplygraph.engine.arcs import arc_program
    >>> from supplygraph.engine.expanded import expand
    >>> from toys import chain
    >>> program = arc_program(expand(chain()), price=30000.0).linear
    >>> found = solve_large(program)
    >>> round(found.objective) == round(found.bound), found.how
    (True, 'exact: simplex on the whole program')
    """
    problems = [] if gap >= 0 else [Problem("gap", f"is {gap!r}; expected a number of at least 0")]
    if not time_limit > 0:
        problems.append(Problem("time_limit", f"is {time_limit!r}; expected seconds above 0"))
    if problems:
        raise DataError("not a question about a gap", problems)
    search = _Search(program, gap, time.monotonic(), time_limit, progress or (lambda _: None))
    if program.columns <= exact_below:
        found = solve(program, time_limit=time_limit / 2)
        if found is not None and found.optimal:
            search.answer(found.x, found.dual)
            return search.result("exact: simplex on the whole program")
        if found is not None:
            search.answer(found.x, found.dual)
    rounds = search.rounds()
    if search.done():
        ended = "the gap asked for is proved"
    elif search.settled:
        ended = "no other column can improve it beyond round-off"
    else:
        ended = "time ran out before the gap asked for was proved"
    return search.result(f"{rounds} restricted programs: {ended}")


@dataclass(eq=False)
class _Search:
    """The best answer and the best bound so far, of the whole; sweeps and restricted programs use the short one."""

    whole: Linear
    gap: float
    began: float
    limit: float
    say: Callable[[str], None]
    x: Floats | None = None
    objective: float = np.inf
    dual: Floats = field(default_factory=lambda: np.zeros(0))
    bound: float = -np.inf
    settled: bool = False
    kept: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        self.prove(np.zeros(self.whole.rows))

    @cached_property
    def short(self) -> Short:
        """The program with two-column equations solved."""
        return shorten(self.whole)

    @property
    def program(self) -> Linear:
        """The short program."""
        return self.short.program

    def _begin(self) -> None:
        # What meets a row alone, such as unmet demand, keeps every restricted program feasible.
        self.kept = np.asarray(np.diff(self.program.matrix.indptr) <= 1)

    def seconds(self) -> float:
        """Return how long it has taken."""
        return time.monotonic() - self.began

    def left(self) -> float:
        """Seconds left."""
        return self.limit - self.seconds()

    def present(self) -> float:
        """Return the gap proved so far."""
        if self.objective == self.bound:
            return 0.0
        return max(self.objective - self.bound, 0.0) / abs(self.objective) if self.objective else np.inf

    def done(self) -> bool:
        """Whether the gap asked for is proved."""
        return self.x is not None and self.present() <= self.gap

    def _tell(self, what: str) -> None:
        self.say(f"{self.seconds():.0f} s: {what}, gap {self.present():.2%}")

    def prove(self, dual: Floats) -> None:
        """Take row duals if they prove more."""
        bound = self.whole.bound(dual)
        if bound > self.bound:
            self.dual, self.bound = self.whole.valid(dual), bound

    def answer(self, x: Floats, dual: Floats) -> None:
        """Take a feasible answer if it is better, and its duals if they prove more."""
        value = self.whole.value(x)
        if value < self.objective:
            self.x, self.objective = x, value
        self.prove(dual)

    def rounds(self) -> int:
        """Alternate sweeps and restricted programs; return how many of the latter were solved."""
        from supplygraph.engine.firstorder import Descent

        self._begin()
        self._restricted(1)
        descent = Descent(self.program)
        count, looks = 0, _FIRST
        while not self.done() and self.left() > 0:
            self._sweep(descent, looks)
            if self.done() or self.left() <= 0:
                break
            self._choose(descent)
            found = self._restricted(count + 2)
            if found is None:
                break
            count, looks = count + 1, _NEXT
            if self.settled:
                break
            descent.start(found.x, found.dual)
        return count

    def _sweep(self, descent: Descent, looks: int) -> None:
        for _ in range(looks):
            descent.run(1)
            self.prove(self.short.duals(descent.dual))
            if self.done() or self.left() <= 0:
                break
        self._tell(f"bound {self.bound:.6g} after {descent.sweeps} sweeps")

    def _choose(self, descent: Descent) -> None:
        """Keep the columns that carry flow, and the cheapest: up to three a row, at least one a row of these."""
        program = self.program
        x = descent.x
        wide = program.upper - program.lower
        carries = x - program.lower > 1e-6 * wide
        price = program.reduced(descent.dual)
        price[carries] = -np.inf
        order = np.argsort(price, kind="stable")
        self.kept[order[: max(_PER_ROW * program.rows, int(carries.sum()) + program.rows)]] = True
        if self.x is not None:
            self.kept |= self.x[self.short.columns] > program.lower

    def _add(self, dual: Floats) -> None:
        """Keep what the restricted program misses most, at most one column a row: near the end this alone converges."""
        price = np.where(self.kept, 0.0, self.program.reduced(dual) * (self.program.upper - self.program.lower))
        self.settled = bool(-np.minimum(price, 0.0).sum() <= _SETTLED * abs(self.objective))
        order = np.argsort(price, kind="stable")[: self.program.rows]
        self.kept[order[price[order] < 0]] = True

    def _restricted(self, number: int) -> Found | None:
        """Solve the program with the kept columns only; None if time ran out."""
        columns = np.flatnonzero(self.kept)
        part = self.program.part(columns)
        try:
            by_interior = number > 1 and not self.kept.all()
            # The first one, of single columns, is trivial: without it there would be nothing to return.
            seconds = self.left() if number > 1 else np.inf
            found = solve(part, method="ipm" if by_interior else "simplex", time_limit=seconds)
            if found is None and self.left() > 0:
                found = solve(part, time_limit=self.left())
        except InfeasibleError:
            if self.kept.all():
                raise
            if number > 1:
                self.kept[:] = True
                return self._restricted(number)
            return None
        if found is None:
            return None
        x = self.program.lower.copy()
        x[columns] = found.x
        self.answer(self.short.widen(x), self.short.duals(found.dual))
        self._add(found.dual)
        self._tell(f"objective {self.objective:.6g} over {len(columns)} columns")
        return Found(x, found.dual, found.optimal)

    def result(self, how: str) -> Approximation:
        """Return what is known."""
        if self.x is None:
            message = f"no feasible answer within {self.limit:g} s; give more time"
            raise SupplyGraphError(message)
        return Approximation(
            self.x, self.objective, self.dual, self.bound, self.present(), self.seconds(), how,
        )
