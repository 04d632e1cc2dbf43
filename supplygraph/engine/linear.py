"""A linear program as plain arrays: its bound, its violations, and an exact solution by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.solver import hand_over
from supplygraph.errors import DataError, InfeasibleError, Problem

if TYPE_CHECKING:
    from scipy.sparse import csc_array

    from supplygraph.engine.expanded import Floats, Ints


@dataclass(frozen=True, eq=False)
class Linear:
    """Minimise ``cost @ x`` with ``lower <= x <= upper`` and ``row_lower <= matrix @ x <= row_upper``.

    Columns have finite bounds, because then *every* vector of row duals proves a bound (:meth:`bound`).

    Raises
    ------
    DataError
        If shapes disagree, a column bound is infinite, a number is NaN or a range is empty.

    Examples
    --------
    >>> from scipy.sparse import csc_array
    >>> one = Linear(np.array([2.0]), np.zeros(1), np.ones(1), csc_array([[1.0]]), np.array([0.5]), np.array([np.inf]))
    >>> one.bound(np.array([2.0])), one.violation(np.array([0.25]))
    (1.0, 0.25)
    """

    cost: Floats
    lower: Floats
    upper: Floats
    matrix: csc_array
    row_lower: Floats
    row_upper: Floats

    def __post_init__(self) -> None:
        rows, columns = self.matrix.shape
        problems = [
            Problem(f"{name}", f"has {len(getattr(self, name))} numbers; expected {size}")
            for names, size in ((("cost", "lower", "upper"), columns), (("row_lower", "row_upper"), rows))
            for name in names
            if len(getattr(self, name)) != size
        ]
        if not problems:
            problems = [*self._faults()]
        if problems:
            raise DataError("not a linear program with finite columns", problems)

    def _faults(self) -> list[Problem]:
        checks = [
            ("cost", ~np.isfinite(self.cost), "must be finite"),
            ("lower", ~np.isfinite(self.lower), "must be finite, or no bound can be proved"),
            ("upper", ~np.isfinite(self.upper), "must be finite, or no bound can be proved"),
            ("matrix", ~np.isfinite(self.matrix.data), "must be finite"),
            ("lower and upper", ~(self.lower <= self.upper), "must be a range"),
            ("row_lower and row_upper", ~(self.row_lower <= self.row_upper), "must be a range"),
        ]
        return [
            Problem(name, f"{says}; {int(bad.sum())} are not, the first is number {int(np.argmax(bad))}")
            for name, bad, says in checks
            if bad.any()
        ]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])

    def value(self, x: Floats) -> float:
        """Return the objective at x."""
        return float(self.cost @ x)

    def reduced(self, dual: Floats) -> Floats:
        """Return reduced costs, ``cost - matrix' dual``."""
        return np.asarray(self.cost - self.matrix.T @ dual)

    def bound(self, dual: Floats) -> float:
        """Return what no feasible x can be cheaper than, proved by any row duals.

        ``sum_i min(y_i a, y_i b) over the row's range + sum_j min(r_j l_j, r_j u_j)`` with reduced
        costs r. A dual that leans on an infinite side of its row is taken as 0.
        """
        y = self.valid(dual)
        r = self.reduced(y)
        side = np.where(y > 0, self.row_lower, np.where(y < 0, self.row_upper, 0.0))
        return float(y @ side + np.minimum(r * self.lower, r * self.upper).sum())

    def valid(self, dual: Floats) -> Floats:
        """Return the duals without those that lean on an infinite side of their row."""
        wrong = ((dual > 0) & np.isinf(self.row_lower)) | ((dual < 0) & np.isinf(self.row_upper))
        return np.where(wrong | ~np.isfinite(dual), 0.0, dual)

    def violation(self, x: Floats) -> float:
        """Return the largest violation of a row or a column bound, in the row's own unit."""
        move = self.matrix @ x
        return max(
            float(np.max(piece, initial=0.0))
            for piece in (self.row_lower - move, move - self.row_upper, self.lower - x, x - self.upper)
        )

    def tolerance(self) -> float:
        """Return the violation that counts as round-off: 1e-9 of the largest finite number in the bounds."""
        sides = (self.row_lower, self.row_upper, self.lower, self.upper)
        largest = max(float(np.max(np.abs(side[np.isfinite(side)]), initial=0.0)) for side in sides)
        return 1e-9 * max(largest, 1.0)

    def part(self, kept: Ints) -> Linear:
        """Return the program with these columns only, the others at their lower bound."""
        rest = self.lower.copy()
        rest[kept] = 0.0
        fixed = self.matrix @ rest if rest.any() else np.zeros(self.rows)
        return Linear(
            self.cost[kept], self.lower[kept], self.upper[kept], self.matrix[:, kept],
            self.row_lower - fixed, self.row_upper - fixed,
        )


@dataclass(frozen=True, eq=False)
class Found:
    """What HiGHS found: columns, row duals, and whether it proved the optimum."""

    x: Floats
    dual: Floats
    optimal: bool


def solve(program: Linear, *, method: str = "simplex", time_limit: float = np.inf) -> Found | None:
    """Solve by HiGHS on one thread.

    Parameters
    ----------
    program
        The program.
    method
        ``"simplex"``: an exact vertex. ``"ipm"``: interior point without crossover, to about 1e-8.
    time_limit
        Seconds.

    Returns
    -------
    Found or None
        None if time ran out before anything feasible (to :meth:`Linear.tolerance`) was found.

    Raises
    ------
    InfeasibleError
        If nothing satisfies the constraints.
    """
    import highspy

    options: dict[str, Any] = {"solver": method}
    if np.isfinite(time_limit):
        options["time_limit"] = max(float(time_limit), 0.0)
    if method == "ipm":
        options["run_crossover"] = "off"
    engine = hand_over(
        program.cost, program.lower, program.upper, program.matrix, program.row_lower, program.row_upper, **options
    )
    engine.run()
    status = engine.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        raise InfeasibleError("the program has no solution")
    answer = engine.getSolution()
    x, dual = np.array(answer.col_value), np.array(answer.row_dual)
    if len(x) != program.columns or len(dual) != program.rows:
        return None
    x = np.clip(x, program.lower, program.upper)
    if not np.isfinite(x).all() or program.violation(x) > program.tolerance():
        return None
    return Found(x, dual, status == highspy.HighsModelStatus.kOptimal)
