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
#: No quantity changes by more than this power of e in one step, so that no exponential overflows.
STEP = 3.0
MOST_STEPS = 200
#: Groups with more balances than this are factorised as sparse matrices.
DENSE = 1500


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
    """Quantities and balances that hang together, and how their Hessian is laid out."""

    terms: Ints
    rows: sp.csr_matrix
    columns: sp.csr_matrix
    size: Floats
    place: Ints
    factor: Floats
    term: Ints
    pattern: tuple[Ints, Ints] | None

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
    spread_i^2``. Newton's method on y, with a factorisation of its Hessian per step (Cholesky in dense groups, LU in
    large sparse ones), closes hundreds of balances in under ten steps. It is the generalised cross entropy of Golan,
    Judge and Miller (1996), as used to balance social accounting matrices, with soft margins.

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
    term, factor, first, second = _products(rows)
    pattern = None
    place = first * size + second
    if size > DENSE:
        cells, place = np.unique(place, return_inverse=True)
        pattern = (cells // size, cells % size)
    columns = sp.csr_matrix(rows.T)
    return _Group(terms, rows, columns, abs(columns), place.astype(np.int64), factor, term, pattern)


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
    y = np.zeros(group.balances)
    soft = squared > 0

    def at(y: Floats) -> tuple[Floats, float]:
        pull = group.rows @ y
        with np.errstate(over="ignore"):
            grown = np.expm1(squared * pull)
            cost = base * np.where(soft, grown / np.where(soft, squared, 1.0), pull)
        return base * (1.0 + grown), float(cost.sum())

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
        stalled = stalled + 1 if sure and error > 0.5 * best[1] else 0
        if error < best[1]:
            best = (x, error)
    return *best, MOST_STEPS


def _solver(group: _Group, weight: Floats) -> Callable[[Floats], Floats]:
    """Factorise the Hessian and return what solves with it."""
    size = group.balances
    entries = group.factor * weight[group.term]
    if group.pattern is None:
        hessian = np.bincount(group.place, weights=entries, minlength=size * size).reshape(size, size)
        diagonal = hessian.diagonal()
    else:
        data = np.bincount(group.place, weights=entries, minlength=len(group.pattern[0]))
        hessian = sp.csc_matrix((data, group.pattern), shape=(size, size))
        diagonal = hessian.diagonal()
    # a balance that nothing soft takes part in has no curvature: it is left alone
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    if group.pattern is None:
        return _dense(hessian, diagonal, scale)
    ridge = sp.diags_array(np.where(diagonal > 0, 1e-14, 1.0))
    factors = sp.linalg.splu(
        sp.csc_matrix(sp.diags_array(scale) @ hessian @ sp.diags_array(scale) + ridge),
        permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True},
    )  # fmt: skip
    return lambda right: scale * factors.solve(scale * right)


def _dense(hessian: Floats, diagonal: Floats, scale: Floats) -> Callable[[Floats], Floats]:
    """Factorise by Cholesky; a singular matrix gets as much of a ridge as it needs."""
    from scipy.linalg import lapack

    scaled = hessian * scale[:, None] * scale[None, :]
    ridge = 1e-14
    while True:
        np.fill_diagonal(scaled, np.where(diagonal > 0, 1.0, 0.0) + np.where(diagonal > 0, ridge, 1.0))
        factor, failed = lapack.dpotrf(scaled, lower=1, clean=0)
        if not failed:
            return lambda right: scale * lapack.dpotrs(factor, scale * right, lower=1)[0]
        ridge *= 100
