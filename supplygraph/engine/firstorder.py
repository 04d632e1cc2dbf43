"""Approximate duals and columns of a linear program too large to factorise: primal-dual steps.

The method only ever multiplies by the matrix, so an iteration costs one sweep over its entries. It
finds a rough answer in a thousand sweeps where a simplex method would still be far away, and says
well which columns matter; exactness is the business of :mod:`supplygraph.engine.large`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats
    from supplygraph.engine.linear import Linear

#: Sweeps between two looks at the progress; a restart can only happen there.
LOOK = 100
#: Restart when the residual fell to this share since the last restart,
_ENOUGH = 0.2
#: or to this share and has begun to rise, or after this share of all sweeps.
_SOME, _LONG = 0.8, 0.36


class Descent:
    """Primal-dual iterations on one program, from any start.

    Each sweep is ``x+ = clip(x - t (c - A'y))``, ``y+ = prox(y - s A (2 x+ - x))``, reflected and averaged with
    the point of the last restart (Halpern). Steps are set by row and column: a column moves in
    proportion to its range, a row's dual inversely to what its columns can bring, so that tonnes and
    USD/t of all magnitudes move at their own pace.

    Notes
    -----
    With ``t_j = u_j / sum_i |a_ij|`` and ``s_i = 1 / sum_j |a_ij| u_j`` for column ranges u the scaled matrix has norm
    at most 1 (Pock and Chambolle 2011), so no step size needs to be searched. Restarts as in PDLP
    (Applegate et al. 2021), the Halpern form after Lu and Yang (2024). O(entries of the matrix) a sweep,
    two threads; the result does not depend on the number of threads.
    """

    def __init__(self, program: Linear, *, threads: int = 2) -> None:
        matrix = program.matrix
        ranges = program.upper - program.lower
        ranges = np.maximum(ranges, 1e-9 * max(float(np.max(ranges, initial=0.0)), 1e-9))
        size = np.abs(matrix.data)
        by_column = np.repeat(np.arange(program.columns), np.diff(matrix.indptr))
        into_row = np.bincount(matrix.indices, size * ranges[by_column], program.rows)
        into_column = np.bincount(by_column, size, program.columns)
        self._row = 1.0 / np.sqrt(np.where(into_row > 0, into_row, 1.0))
        self._column = np.sqrt(ranges / np.where(into_column > 0, into_column, 1.0))
        scaled = matrix.copy()
        scaled.data = scaled.data * self._row[matrix.indices] * self._column[by_column]
        rows = scaled.tocsr()
        self._by_column = (scaled.indptr.astype(np.int32), scaled.indices.astype(np.int32), scaled.data)
        self._by_row = (rows.indptr.astype(np.int32), rows.indices.astype(np.int32), rows.data)
        self._cost = program.cost * self._column
        self._low, self._high = program.lower / self._column, program.upper / self._column
        self._row_low, self._row_high = program.row_lower * self._row, program.row_upper * self._row
        sides = np.maximum(_finite(self._row_low), _finite(self._row_high))
        here, there = float(np.linalg.norm(self._cost)), float(np.linalg.norm(sides))
        #: How far duals move against columns: the ratio of their scales.
        self._weight = here / there if here > 0 and there > 0 else 1.0
        self._threads = threads
        self.sweeps = 0
        self.start(np.clip(np.zeros(program.columns), program.lower, program.upper), np.zeros(program.rows))

    def start(self, x: Floats, dual: Floats) -> None:
        """Begin again from this point."""
        self._x, self._y = x / self._column, dual / self._row
        self._next_x, self._next_y = self._x.copy(), self._y.copy()
        self.sweeps = 0
        self._anchor()

    def _anchor(self) -> None:
        self._x, self._y = self._next_x.copy(), self._next_y.copy()
        self._from_x, self._from_y = self._x.copy(), self._y.copy()
        self._since, self._first, self._last = 0, np.inf, np.inf

    @property
    def x(self) -> Floats:
        """Columns, within their bounds; rows may be violated."""
        return self._next_x * self._column

    @property
    def dual(self) -> Floats:
        """Row duals."""
        return self._next_y * self._row

    def run(self, looks: int) -> None:
        """Do ``looks * LOOK`` sweeps, with restarts where they help."""
        before = get_num_threads()
        set_num_threads(min(self._threads, before))
        try:
            for _ in range(looks):
                self._look()
        finally:
            set_num_threads(before)

    def _look(self) -> None:
        self._sweep(LOOK - 1)
        x, y = self._x.copy(), self._y.copy()
        self._sweep(1)
        # The length of one more step, in the norm in which steps shrink.
        step_x, step_y = self._next_x - x, self._next_y - y
        along = _COLUMN_PRODUCT(*self._by_column, step_y) @ step_x
        square = self._weight * (step_x @ step_x) + (step_y @ step_y) / self._weight - 2 * along
        rest = float(np.sqrt(max(square, 0.0)))
        if not np.isfinite(self._first):
            self._first = rest
        rising = rest <= _SOME * self._first and rest > self._last
        if rest <= _ENOUGH * self._first or rising or self._since >= _LONG * self.sweeps:
            self._anchor()
        else:
            self._last = rest

    def _sweep(self, count: int) -> None:
        _SWEEP(
            count, self._since, *self._by_column, *self._by_row, self._cost, self._low, self._high, self._row_low,
            self._row_high, 1.0 / self._weight, self._weight, self._x, self._y, self._from_x, self._from_y,
            self._next_x, self._next_y, np.empty_like(self._x),
        )  # fmt: skip
        self._since += count
        self.sweeps += count


def _finite(side: Floats) -> Floats:
    return np.where(np.isfinite(side), np.abs(side), 0.0)


def _sweep(
    count: int, since: int, col_ptr: Any, col_row: Any, col_value: Any, row_ptr: Any, row_col: Any, row_value: Any,
    cost: Any, low: Any, high: Any, row_low: Any, row_high: Any, step_x: float, step_y: float,
    x: Any, y: Any, from_x: Any, from_y: Any, next_x: Any, next_y: Any, ahead: Any,
) -> None:  # fmt: skip
    for k in range(since, since + count):
        keep = (k + 1.0) / (k + 2.0)
        back = 1.0 - keep
        for j in prange(x.size):
            slope = cost[j]
            for p in range(col_ptr[j], col_ptr[j + 1]):
                slope -= col_value[p] * y[col_row[p]]
            new = min(max(x[j] - step_x * slope, low[j]), high[j])
            next_x[j] = new
            new = 2.0 * new - x[j]
            ahead[j] = new
            x[j] = keep * new + back * from_x[j]
        for i in prange(y.size):
            move = 0.0
            for p in range(row_ptr[i], row_ptr[i + 1]):
                move += row_value[p] * ahead[row_col[p]]
            new = y[i] - step_y * move
            up = new + step_y * row_low[i]
            down = new + step_y * row_high[i]
            if up > 0.0:
                new = up
            elif down < 0.0:
                new = down
            else:
                new = 0.0
            next_y[i] = new
            y[i] = keep * (2.0 * new - y[i]) + back * from_y[i]


def _column_product(col_ptr: Any, col_row: Any, col_value: Any, y: Any) -> Any:
    out = np.zeros(col_ptr.size - 1)
    for j in prange(out.size):
        for p in range(col_ptr[j], col_ptr[j + 1]):
            out[j] += col_value[p] * y[col_row[p]]
    return out


_SWEEP = njit(cache=True, parallel=True)(_sweep)
_COLUMN_PRODUCT = njit(cache=True, parallel=True)(_column_product)
