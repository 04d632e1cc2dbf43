"""Approximate duals and columns of a linear program too large to factorise: primal-dual steps.

The method only ever multiplies by the matrix, so an iteration costs one sweep over its entries. It
finds a rough answer in a thousand sweeps where a simplex method would still be far away, and says
well which columns matter; exactness is the business of :mod:`supplygraph.engine.large`.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.kernels import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.engine.linear import Linear

    _Share = Callable[[Callable[[int, int], None], list[tuple[int, int]]], object]

#: Sweeps between two looks at the progress; a restart can only happen there.
LOOK = 100
#: Restart when the residual fell to this share since the last restart,
_ENOUGH = 0.2
#: or to this share and has begun to rise, or after this share of all sweeps.
_SOME, _LONG = 0.8, 0.36
#: Below so many matrix entries a second thread costs more than it saves.
_WORTH = 200_000


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
    (Applegate et al. 2021), the Halpern form after Lu and Yang (2024). O(entries of the matrix) a sweep.
    The result does not depend on the number of threads: each sums its own columns, then its own rows.

    Examples
    --------
    >>> from supplygraph.engine.arcs import arc_program
    >>> from supplygraph.engine.expanded import expand
    >>> from toys import chain
    >>> program = arc_program(expand(chain())).linear  # everything can be served: the optimum is 0
    >>> descent = Descent(program)
    >>> descent.run(looks=5)
    >>> descent.sweeps, round(abs(program.bound(descent.dual)), 3), round(program.violation(descent.x), 3)
    (500, 0.0, 0.0)
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
        # Columns travel their range and duals up to the largest cost: in scaled terms that is the ratio of the two.
        self._largest = float(np.max(np.abs(program.cost), initial=0.0)) or 1.0
        self._spans = [_spans(ptr, threads if len(scaled.data) > _WORTH else 1) for ptr in (scaled.indptr, rows.indptr)]
        self.sweeps = 0
        self.start(np.clip(np.zeros(program.columns), program.lower, program.upper), np.zeros(program.rows))

    def start(self, x: Floats, dual: Floats) -> None:
        """Begin again from this point."""
        self._x, self._y = x / self._column, dual / self._row
        self._next_x, self._next_y = self._x.copy(), self._y.copy()
        self._ahead = np.empty_like(self._x)
        self._weight = self._largest
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
        threads = max(len(spans) for spans in self._spans)
        if threads == 1:
            for _ in range(looks):
                self._look(_one_by_one)
            return
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(looks):
                self._look(lambda work, spans: list(pool.map(lambda span: work(*span), spans)))

    def _look(self, share: _Share) -> None:
        self._sweep(LOOK - 1, share)
        x, y = self._x.copy(), self._y.copy()
        self._sweep(1, share)
        # The length of one more step, in the norm in which steps shrink.
        step_x, step_y = self._next_x - x, self._next_y - y
        along = _CROSS(*self._by_column, step_x, step_y)
        square = self._weight * (step_x @ step_x) + (step_y @ step_y) / self._weight - 2 * along
        rest = float(np.sqrt(max(square, 0.0)))
        if not np.isfinite(self._first):
            self._first = rest
        rising = rest <= _SOME * self._first and rest > self._last
        if rest <= _ENOUGH * self._first or rising or self._since >= _LONG * self.sweeps:
            self._balance()
            self._anchor()
        else:
            self._last = rest

    def _balance(self) -> None:
        """Let duals and columns travel equally far until the next restart, as far as the last stretch tells."""
        far_x = float(np.linalg.norm(self._next_x - self._from_x))
        far_y = float(np.linalg.norm(self._next_y - self._from_y))
        if far_x > 0 and far_y > 0:
            self._weight = float(np.sqrt(self._weight * far_y / far_x))

    def _sweep(self, count: int, share: _Share) -> None:
        ahead = self._ahead

        def columns(first: int, last: int) -> None:
            _COLUMNS(
                first, last, keep, *self._by_column, self._cost, self._low, self._high, 1.0 / self._weight,
                self._y, self._x, self._from_x, self._next_x, ahead,
            )

        def rows(first: int, last: int) -> None:
            _ROWS(
                first, last, keep, *self._by_row, self._row_low, self._row_high, self._weight,
                ahead, self._y, self._from_y, self._next_y,
            )

        for _ in range(count):
            keep = (self._since + 1.0) / (self._since + 2.0)
            share(columns, self._spans[0])
            share(rows, self._spans[1])
            self._since += 1
        self.sweeps += count


def _one_by_one(work: Callable[[int, int], None], spans: list[tuple[int, int]]) -> None:
    for span in spans:
        work(*span)


def _spans(ptr: Ints, parts: int) -> list[tuple[int, int]]:
    """Cut columns (or rows) into parts with equally many entries."""
    cuts = np.searchsorted(ptr, np.linspace(0, ptr[-1], parts + 1)[1:-1])
    ends = [0, *cuts.tolist(), len(ptr) - 1]
    return list(itertools.pairwise(ends))


def _columns(
    first: int, last: int, keep: float, ptr: Any, row: Any, value: Any, cost: Any, low: Any, high: Any, step: float,
    y: Any, x: Any, anchor: Any, found: Any, ahead: Any,
) -> None:  # fmt: skip
    """Move columns against their reduced cost; look ahead by as much again."""
    for j in range(first, last):
        slope = cost[j]
        for p in range(ptr[j], ptr[j + 1]):
            slope -= value[p] * y[row[p]]
        new = min(max(x[j] - step * slope, low[j]), high[j])
        found[j] = new
        new = 2.0 * new - x[j]
        ahead[j] = new
        x[j] = keep * new + (1.0 - keep) * anchor[j]


def _rows(
    first: int, last: int, keep: float, ptr: Any, column: Any, value: Any, low: Any, high: Any, step: float,
    ahead: Any, y: Any, anchor: Any, found: Any,
) -> None:  # fmt: skip
    """Move row duals towards what their rows lack."""
    for i in range(first, last):
        move = 0.0
        for p in range(ptr[i], ptr[i + 1]):
            move += value[p] * ahead[column[p]]
        new = y[i] - step * move
        new = max(new + step * low[i], 0.0) + min(new + step * high[i], 0.0)
        found[i] = new
        y[i] = keep * (2.0 * new - y[i]) + (1.0 - keep) * anchor[i]


def _cross(ptr: Any, row: Any, value: Any, x: Any, y: Any) -> float:
    """Return ``y' A x``."""
    total = 0.0
    for j in range(x.size):
        for p in range(ptr[j], ptr[j + 1]):
            total += value[p] * y[row[p]] * x[j]
    return total


_LOOPS: list[Any] = [compiled(kernel) for kernel in (_columns, _rows, _cross)]
_COLUMNS, _ROWS, _CROSS = _LOOPS
