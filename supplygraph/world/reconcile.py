"""Reconciling quantities that must balance: the nearest ones to what was drawn or measured, all bounds soft.

Many figures of unequal worth describe one network: activities of sites, totals of countries, shipments, customs
records. They never agree. `Reconciler` moves each by as much as it deserves until every balance closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: A balance is closed when what is left of it is this small a part of what passes through it.
TOLERANCE = 1e-12
#: ... and must be at least this well closed.
ENOUGH = 1e-10
#: Below this a step that gains nothing has met the limits of arithmetic.
STALLS = 1e-9
#: No quantity changes by more than this power of e in one step, so that no exponential overflows.
STEP = 5.0
MOST_STEPS = 500
#: Rounds of scaling before Newton's method, and the imbalance that ends them.
ROUNDS, NEAR = 30, 0.05
#: Added to the diagonal of the scaled Hessian, which is singular where balances say the same.
RIDGE = 1e-13


@dataclass(frozen=True)
class Reconciled:
    """Quantities that balance.

    Attributes
    ----------
    value
        The quantities.
    error
        Largest relative imbalance left.
    steps
        Newton steps, the most of any group.
    """

    value: Floats
    error: float
    steps: int


@dataclass(frozen=True)
class _Group:
    """Quantities and balances that hang together, and how their Hessian is laid out.

    Attributes
    ----------
    terms
        The quantities.
    rows, columns, size
        Quantities by balances, balances by quantities, and the latter without signs.
    place, factor, term
        Each product of two entries of one quantity: its cell of the Hessian, its value, the quantity.
    row, column, start, diagonal
        Cells of the Hessian by columns, and which of them lie on the diagonal.
    classes
        Balances that can be scaled at once.
    """

    terms: Ints
    rows: sp.csr_matrix
    columns: sp.csr_matrix
    size: sp.csr_matrix
    place: Ints
    factor: Floats
    term: Ints
    row: Ints
    column: Ints
    start: Ints
    diagonal: Ints
    classes: list[tuple[Ints, Ints, Floats]]

    @property
    def balances(self) -> int:
        return int(self.rows.shape[1])


class Reconciler:
    """Nearest balanced quantities, for balances that stay and quantities that change.

    Minimises ``sum_i KL(x_i | base_i) / spread_i^2`` subject to ``matrix.T @ x = 0`` and ``x >= 0``, with ``KL(x | b) =
    x log(x / b) - x + b``. A quantity of spread s gives way like one that is known to within a factor e^s; spread 0
    does not move. A base of 0 stays 0.

    Parameters
    ----------
    matrix
        Sparse, quantities by balances: how much a quantity adds to each balance.

    Notes
    -----
    The solution is ``x_i = base_i exp(spread_i^2 (matrix @ y)_i)``, where y minimises the convex dual ``sum_i x_i /
    spread_i^2``. A few rounds of scaling and then Newton's method on y, with a sparse factorisation of its Hessian per
    step, close hundreds of balances in under ten steps. It is the generalised cross entropy of Golan, Judge and Miller
    (1996), as used to balance social accounting matrices, with soft margins.

    Examples
    --------
    Two mines (10 t, known to 5 %, and 10 t, known to 50 %) feed a plant that takes 30 t, known to 5 %:

    >>> balance = sp.csr_matrix(np.array([[1.0], [1.0], [-1.0]]))
    >>> Reconciler(balance).solve(np.array([10.0, 10.0, 30.0]), np.array([0.05, 0.5, 0.05])).value.round(2).tolist()
    [10.07, 19.73, 29.8]
    """

    def __init__(self, matrix: sp.csr_matrix) -> None:
        self.shape = matrix.shape
        self._groups = _groups(sp.csr_matrix(matrix, dtype=np.float64))

    def solve(self, base: Floats, spread: Floats) -> Reconciled:
        """Return the balanced quantities.

        Parameters
        ----------
        base
            Quantities as drawn or measured, >= 0.
        spread
            How well each is known, >= 0 (a standard deviation of its logarithm).

        Raises
        ------
        InfeasibleError
            If quantities that may not move (spread 0) cannot balance.
        """
        value, error, steps = base.copy(), 0.0, 0
        squared = spread * spread
        for group in self._groups:
            found, left, used = _newton(group, base[group.terms], squared[group.terms])
            value[group.terms], error, steps = found, max(error, left), max(steps, used)
        if not error <= ENOUGH:
            message = f"the quantities that may not move cannot balance (relative imbalance {error:.1e})"
            raise InfeasibleError(message, {"imbalance": error})
        return Reconciled(value, error, steps)


def _groups(matrix: sp.csr_matrix) -> list[_Group]:
    """Cut the balances into groups that share no quantity."""
    count = matrix.shape[1]
    _, label = sp.csgraph.connected_components(abs(matrix).T @ abs(matrix), directed=False)
    live = np.flatnonzero(np.diff(matrix.indptr))
    of_term = label[matrix.indices[matrix.indptr[live]]] if count else np.empty(0, dtype=np.int64)
    return [
        _group(matrix, live[of_term == number].astype(np.int64), np.flatnonzero(label == number))
        for number in np.unique(of_term).tolist()
    ]


def _group(matrix: sp.csr_matrix, terms: Ints, balances: Ints) -> _Group:
    rows = sp.csr_matrix(matrix[terms][:, balances])
    size = rows.shape[1]
    rows = sp.csr_matrix(rows[:, _order(sp.csc_matrix(abs(rows.T) @ abs(rows)))])
    rows.sort_indices()
    term, factor, first, second = _products(rows)
    cells, place = np.unique(first * size + second, return_inverse=True)
    column, row = cells // size, cells % size
    columns = sp.csr_matrix(rows.T)
    return _Group(
        terms=terms, rows=rows, columns=columns, size=abs(columns),
        place=place.astype(np.int64), factor=factor, term=term,
        row=row, column=column, start=np.searchsorted(column, np.arange(size + 1)),
        diagonal=np.flatnonzero(row == column), classes=_classes(columns, rows),
    )  # fmt: skip


def _order(beside: sp.csc_matrix) -> Ints:
    """Return an order of the balances in which the factors stay sparse: least degree first."""
    size = beside.shape[0]
    heavy = sp.csc_matrix(beside + sp.diags_array(np.full(size, 1.0 + 2.0 * beside.sum())))
    factors = sp.linalg.splu(
        heavy, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )  # fmt: skip
    return np.argsort(factors.perm_c).astype(np.int64)


def _classes(columns: sp.csr_matrix, rows: sp.csr_matrix) -> list[tuple[Ints, Ints, Floats]]:
    """Sort the balances into classes that share no quantity, so that a class can be scaled at once.

    Returns
    -------
    list of (terms, balances, factors)
    """
    beside = abs(columns) @ abs(rows)
    colour = np.full(columns.shape[0], -1)
    for one in range(len(colour)):  # greedily, in order
        taken = set(colour[beside.indices[beside.indptr[one] : beside.indptr[one + 1]]].tolist())
        colour[one] = next(number for number in range(len(colour)) if number not in taken)
    balance = np.repeat(np.arange(len(colour)), np.diff(columns.indptr))
    return [
        (columns.indices[at].astype(np.int64), balance[at], columns.data[at])
        for at in (np.flatnonzero(colour[balance] == number) for number in range(colour.max(initial=-1) + 1))
    ]


def _products(rows: sp.csr_matrix) -> tuple[Ints, Floats, Ints, Ints]:
    """Return every product of two entries of one row: the row, the product, and the two columns."""
    length = np.diff(rows.indptr)
    parts = []
    for many in np.unique(length[length > 0]).tolist():
        at = np.flatnonzero(length == many)
        entry = rows.indptr[at][:, None] + np.arange(many)
        left, right = np.repeat(entry, many, axis=1).ravel(), np.tile(entry, many).ravel()
        parts.append((np.repeat(at, many * many), left, right))
    term, left, right = (np.concatenate(part).astype(np.int64) for part in zip(*parts, strict=True))
    index, data = rows.indices.astype(np.int64), rows.data
    return term, data[left] * data[right], index[left], index[right]


def _newton(group: _Group, base: Floats, squared: Floats) -> tuple[Floats, float, int]:
    """Minimise the dual of one group: (quantities, relative imbalance, steps)."""
    y = _scaled(group, base, squared)
    soft = squared > 0

    def at(y: Floats) -> tuple[Floats, float]:
        pull = group.rows @ y
        with np.errstate(over="ignore"):
            x = base * np.exp(squared * pull)
            cost = np.where(soft, (x - base) / np.where(soft, squared, 1.0), base * pull)
        return x, float(cost.sum())

    def imbalance(x: Floats) -> tuple[Floats, float]:
        left, passes = group.columns @ x, group.size @ x
        return left, float(np.max(np.abs(left) / np.where(passes > 0, passes, 1.0), initial=0.0))

    x, cost = at(y)
    left, error = imbalance(x)
    best, stalled = (x, error), 0
    for step in range(MOST_STEPS):
        if error <= TOLERANCE or stalled > 3:
            return *best, step
        move = _solver(group, squared * x)(-left)
        reach = float(np.max(np.abs(squared * (group.rows @ move)), initial=0.0))
        length, slope = min(1.0, STEP / max(reach, 1e-300)), float(left @ move)
        # near the optimum the cost no longer shows the gain: there the full step is known to be right
        sure = -slope <= 1e-9 * max(abs(cost), float(x.sum()))
        for _ in range(60):
            there, spent = at(y + length * move)
            if sure or (np.isfinite(spent) and spent <= cost + 1e-4 * length * slope):
                break
            length /= 2
        y = y + length * move
        x, cost = there, spent
        left, error = imbalance(x)
        stalled = stalled + 1 if best[1] < STALLS and error > 0.5 * best[1] else 0
        if error < best[1]:
            best = (x, error)
    return *best, MOST_STEPS


def _scaled(group: _Group, base: Floats, squared: Floats) -> Floats:
    """Scale each balance in turn so that what goes in equals what comes out: a start from which Newton's steps are few.

    Far from the optimum a step that must make much out of little overshoots by as much; scaling does not.
    """
    y, x = np.zeros(group.balances), base.copy()
    for _ in range(ROUNDS):
        left, passes = group.columns @ x, group.size @ x
        if np.max(np.abs(left) / np.where(passes > 0, passes, 1.0), initial=0.0) < NEAR:
            break
        for terms, balance, factor in group.classes:
            flow = factor * x[terms]
            into = np.bincount(balance, weights=np.maximum(flow, 0.0), minlength=len(y))
            out = np.bincount(balance, weights=np.maximum(-flow, 0.0), minlength=len(y))
            rate = _rate(balance, factor, flow, squared[terms], len(y))
            sound = (into > 0) & (out > 0) & (rate > 0)
            move = np.log(np.where(sound, out, 1.0) / np.where(sound, into, 1.0)) / np.where(sound, rate, 1.0)
            y += move
            x[terms] *= np.exp(squared[terms] * factor * move[balance])
    return y


def _rate(balance: Ints, factor: Floats, flow: Floats, squared: Floats, size: int) -> Floats:
    """Return the derivative of log(in / out) of each balance."""
    total = np.zeros(size)
    for side in (np.maximum(flow, 0.0), np.maximum(-flow, 0.0)):
        weight = np.bincount(balance, weights=side, minlength=size)
        pull = np.bincount(balance, weights=side * np.abs(factor) * squared, minlength=size)
        total += pull / np.where(weight > 0, weight, 1.0)
    return total


def _solver(group: _Group, weight: Floats) -> Callable[[Floats], Floats]:
    """Factorise the Hessian and return what solves with it.

    By sparse LU on the diagonal, which is Cholesky but for the roots: unlike a dense factorisation it gives the same
    bits on any number of threads.
    """
    size = group.balances
    entries: Floats = np.bincount(group.place, weights=group.factor * weight[group.term]).astype(np.float64)
    diagonal = entries[group.diagonal]
    # a balance that nothing soft takes part in has no curvature: it is left alone
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    entries *= scale[group.row] * scale[group.column]
    entries[group.diagonal] = np.where(diagonal > 0, 1.0 + RIDGE, 1.0)
    scaled = sp.csc_matrix((entries, group.row, group.start), shape=(size, size))
    factors = sp.linalg.splu(scaled, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return lambda right: scale * factors.solve(scale * right)
