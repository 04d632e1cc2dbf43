"""Shorter chains: equations between two columns are solved for one of them.

What a plant sends follows from what it takes, and what a factory takes from what it lacks. A
first-order method feels its way along a chain link by link, so every link less is time saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.linear import Linear
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats, Ints


@dataclass(frozen=True, eq=False)
class Short:
    """A program without some rows ``one x[gone] + two x[follows] = side`` and their columns ``gone``.

    Attributes
    ----------
    whole, program
        The program before and after; objectives differ by a constant.
    row, gone, follows, one, two
        Per removed row: its number, the column solved for, the column that one follows, and their entries.
    rows, columns
        Numbers of the rows and columns that are left.
    """

    whole: Linear
    program: Linear
    row: Ints
    gone: Ints
    follows: Ints
    one: Floats
    two: Floats
    rows: Ints
    columns: Ints

    def widen(self, x: Floats) -> Floats:
        """Return the whole's columns."""
        wide = np.zeros(self.whole.columns)
        wide[self.columns] = x
        wide[self.gone] = (self.whole.row_lower[self.row] - self.two * wide[self.follows]) / self.one
        return np.clip(wide, self.whole.lower, self.whole.upper)

    def duals(self, dual: Floats) -> Floats:
        """Return row duals of the whole that prove as much as these.

        A removed row's dual y adds ``y side + min(r l, r u)`` of its two columns to the bound: concave in y,
        with its kinks where one of the two reduced costs is 0, so the better of the two is the best.
        """
        whole = self.whole
        wide = np.zeros(whole.rows)
        wide[self.rows] = dual
        wide = whole.valid(wide)
        reduced = whole.reduced(wide)
        side = whole.row_lower[self.row]
        choices = reduced[self.gone] / self.one, reduced[self.follows] / self.two
        worth = []
        for y in choices:
            total = y * side
            for column, entry in ((self.gone, self.one), (self.follows, self.two)):
                r = reduced[column] - entry * y
                total = total + np.minimum(r * whole.lower[column], r * whole.upper[column])
            worth.append(total)
        wide[self.row] = np.where(worth[0] >= worth[1], *choices)
        return wide


def shorten(program: Linear) -> Short:
    """Solve equations between two columns, no column in more than one of them.

    Raises
    ------
    InfeasibleError
        If the bounds of two such columns exclude each other.

    Notes
    -----
    Of the two the column with more entries goes. O(entries of the matrix).

    Examples
    --------
    >>> from scipy.sparse import csc_array
    >>> half = csc_array([[1.0, -0.5, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    >>> program = Linear(np.ones(3), np.zeros(3), np.full(3, 9.0), half, np.array([0.0, 4, 1]), np.array([0.0, 9, 9]))
    >>> short = shorten(program)
    >>> short.program.matrix.shape, short.widen(np.array([4.0, 1.0])).tolist()
    ((2, 2), [2.0, 4.0, 1.0])
    """
    row, gone, follows, one, two = _pairs(program)
    rows = np.setdiff1d(np.arange(program.rows), row)
    columns = np.setdiff1d(np.arange(program.columns), gone)
    base, ratio = program.row_lower[row] / one, -two / one
    if not len(row):
        return Short(program, program, row, gone, follows, one, two, rows, columns)
    from scipy.sparse import csc_array

    place = np.zeros(program.columns, dtype=np.int64)
    place[columns] = np.arange(len(columns))
    merge = csc_array(
        (np.append(np.ones(len(columns)), ratio),
         (np.append(columns, gone), np.append(np.arange(len(columns)), place[follows]))),
        shape=(program.columns, len(columns)),
    )  # fmt: skip
    fixed = (program.matrix[:, gone] @ base)[rows]
    matrix = csc_array((program.matrix @ merge).tocsr()[rows])
    matrix.eliminate_zeros()
    lower, upper = program.lower[columns], program.upper[columns]
    ends = (program.lower[gone] - base) / ratio, (program.upper[gone] - base) / ratio
    at = place[follows]
    lower[at], upper[at] = np.maximum(lower[at], np.minimum(*ends)), np.minimum(upper[at], np.maximum(*ends))
    if (lower > upper + program.tolerance()).any():
        raise InfeasibleError("the program has no solution")
    less = Linear(
        merge.T @ program.cost, lower, np.maximum(lower, upper), matrix,
        program.row_lower[rows] - fixed, program.row_upper[rows] - fixed,
    )
    return Short(program, less, row, gone, follows, one, two, rows, columns)


def _pairs(program: Linear) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Choose equations with two columns, in order, so that no column is in two of them."""
    by_row = program.matrix.tocsr()
    by_row.eliminate_zeros()
    size = np.diff(by_row.indptr)
    entries = np.diff(program.matrix.indptr)
    found = np.flatnonzero((size == 2) & (program.row_lower == program.row_upper))
    first = by_row.indptr[found]
    left, right = by_row.indices[first], by_row.indices[first + 1]
    taken = np.zeros(program.columns, dtype=np.bool_)
    chosen = np.zeros(len(found), dtype=np.bool_)
    for number, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if not (taken[a] or taken[b]):
            taken[a] = taken[b] = chosen[number] = True
    found, first, left, right = found[chosen], first[chosen], left[chosen], right[chosen]
    swap = entries[left] < entries[right]
    value = by_row.data[first], by_row.data[first + 1]
    gone, follows = np.where(swap, right, left), np.where(swap, left, right)
    one, two = np.where(swap, value[1], value[0]), np.where(swap, value[0], value[1])
    return found, gone.astype(np.int64), follows.astype(np.int64), one, two
