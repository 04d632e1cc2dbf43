"""Balance a matrix to its row and column sums with the least added information.

``min KL(F | Q)`` subject to ``F 1 = s``, ``F' 1 = d`` and ``low_k <= sum of F over block k <= high_k``.
The optimum is ``F = Q exp(u_i + v_j + w_k)``; the dual is solved by scaling sweeps (generalised iterative
proportional fitting, which for the blocks is Dykstra's algorithm in the KL sense) and Newton steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

#: Exponents are kept inside this range; e^-600 of a tonne is no tonne.
_RANGE = 600.0


@dataclass(frozen=True)
class Balanced:
    """A balanced matrix: its flow, the multiplier of each block, and the worst relative error left."""

    flow: Floats
    multiplier: Floats
    error: float


@dataclass
class _Dual:
    """The dual problem; ``block`` numbers the band of each cell (-1 = none)."""

    log_prior: Floats
    s: Floats
    d: Floats
    block: Ints
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        self.cells = [np.nonzero(self.block == k) for k in range(len(self.low))]

    def flow(self, u: Floats, v: Floats, w: Floats) -> Floats:
        """F = Q exp(u + v + w)."""
        z = self.log_prior + u[:, None] + v[None, :]
        if len(w):
            z = z + np.append(w, 0.0)[self.block]
        return np.asarray(np.exp(np.clip(z, -np.inf, _RANGE)))

    def value(self, u: Floats, v: Floats, w: Floats) -> float:
        """Return the concave dual objective."""
        gain = self.low @ np.maximum(w, 0) - self.high @ np.maximum(-w, 0) if len(w) else 0.0
        return float(self.s @ u + self.d @ v + gain - self.flow(u, v, w).sum())

    def sweep(self, u: Floats, v: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
        """One exact coordinate ascent over bands, rows, then columns."""
        flow = self.flow(u, v, w)
        w = w.copy()
        for k, cells in enumerate(self.cells):
            total = flow[cells].sum()
            if total <= 0:
                continue
            free = np.log(total) - w[k]  # what the block would carry without its multiplier
            with np.errstate(divide="ignore"):
                new = max(np.log(self.low[k]) - free, 0.0) + min(np.log(self.high[k]) - free, 0.0)
            new = float(np.clip(new, -_RANGE, _RANGE))
            flow[cells] *= np.exp(new - w[k])
            w[k] = new
        factor = self.s / np.maximum(flow.sum(1), 1e-300)
        flow *= factor[:, None]
        other = self.d / np.maximum(flow.sum(0), 1e-300)
        return u + np.log(factor), v + np.log(other), w

    def error(self, flow: Floats, w: Floats) -> float:
        """Worst relative miss of a row, a column or a band (with complementarity)."""
        worst = [np.abs(flow.sum(1) / self.s - 1).max(), np.abs(flow.sum(0) / self.d - 1).max()]
        for k, cells in enumerate(self.cells):
            total = flow[cells].sum()
            if w[k] > 0:
                worst.append(abs(total / self.low[k] - 1))
            elif w[k] < 0:
                worst.append(abs(total / max(self.high[k], 1e-300) - 1))
            else:
                worst.append(max(self.low[k] - total, total - self.high[k], 0.0) / max(total, 1e-300))
        return float(max(worst))

    def newton(self, u: Floats, v: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
        """One damped Newton step over rows, columns and the bands that act."""
        flow = self.flow(u, v, w)
        act = np.flatnonzero(w != 0)
        r, c = flow.sum(1), flow.sum(0)
        n, m, a = len(r), len(c), len(act)
        hessian = np.zeros((n + m + a, n + m + a))
        hessian[:n, n : n + m] = flow
        gradient = np.concatenate([self.s - r, self.d - c, np.zeros(a)])
        total = np.zeros(a)
        for position, k in enumerate(act):
            rows, columns = self.cells[k]
            x = flow[rows, columns]
            np.add.at(hessian[:, n + m + position], rows, x)
            np.add.at(hessian[:, n + m + position], n + columns, x)
            total[position] = x.sum()
            gradient[n + m + position] = (self.low[k] if w[k] > 0 else self.high[k]) - total[position]
        hessian += hessian.T
        diagonal = np.concatenate([r, c, total])
        hessian[np.diag_indices_from(hessian)] = diagonal * (1 + 1e-13) + 1e-300
        # scaled to a unit diagonal, so that a site of one tonne counts as much as one of a million
        scale = 1 / np.sqrt(np.maximum(diagonal, 1e-300))
        system = hessian * scale[:, None] * scale[None, :]
        system[np.diag_indices_from(system)] += 1e-12
        step = np.linalg.solve(system, gradient * scale) * scale
        step *= min(1.0, 8.0 / max(float(np.abs(step).max()), 1e-300))
        before, slope = self.value(u, v, w), float(gradient @ step)
        size = 1.0
        for _ in range(15):
            x, y, z = u + size * step[:n], v + size * step[n : n + m], w.copy()
            z[act] = w[act] + size * step[n + m :]
            z = np.where(np.sign(z) * np.sign(w) < 0, 0.0, z)  # a band that stops acting
            if self.value(x, y, z) >= before + 1e-4 * size * slope - 1e-13 * abs(before):
                return x, y, z
            size /= 2
        return u, v, w


def balance(
    log_prior: Floats,
    s: Floats,
    d: Floats,
    *,
    block: Ints | None = None,
    low: Floats | None = None,
    high: Floats | None = None,
    tolerance: float = 1e-11,
    steps: int = 150,
) -> Balanced:
    """Return the matrix nearest to the prior (in the KL sense) with these sums and bands.

    Parameters
    ----------
    log_prior
        Natural logarithm of the prior, ``-inf`` where a pair is impossible.
    s, d
        Row and column sums, equal in total; zeros are allowed.
    block
        Number of the band that each cell belongs to, -1 for none.
    low, high
        Bounds of each band (a high of ``inf`` is no bound).
    tolerance
        Largest relative error at which the search stops.
    steps
        Largest number of Newton steps. Without a solution on this support the error stays large: see
        :func:`shortfall`.

    Notes
    -----
    O(steps (n + m)^3) in the worst case; typically 5 to 20 steps.

    Examples
    --------
    >>> import numpy as np
    >>> found = balance(np.zeros((2, 2)), np.array([3.0, 1.0]), np.array([2.0, 2.0]))
    >>> found.flow.round(6).tolist()
    [[1.5, 1.5], [0.5, 0.5]]
    """
    flow = np.zeros_like(log_prior)
    bands = np.zeros(0) if low is None else np.asarray(low, dtype=float)
    tops = np.zeros(0) if high is None else np.asarray(high, dtype=float)
    rows, columns = np.flatnonzero(s > 0), np.flatnonzero(d > 0)
    if not len(rows) or not len(columns):
        return Balanced(flow, np.zeros(len(bands)), float(s.sum() + d.sum() > 0))
    z = log_prior[np.ix_(rows, columns)].astype(float)
    best = z.max(1)
    if np.isinf(best).any() or np.isinf(z.max(0)).any():
        return Balanced(flow, np.zeros(len(bands)), 1.0)
    z = z - best[:, None]
    z = np.where(np.isinf(z), z, np.maximum(z, -_RANGE))
    blocks = np.full(z.shape, -1) if block is None else block[np.ix_(rows, columns)]
    unit = float(s.sum())  # solved in shares of the total, for conditioning
    dual = _Dual(z, s[rows] / unit, d[columns] / unit, blocks, bands / unit, tops / unit)
    u, v, w = np.log(dual.s), np.zeros(len(columns)), np.zeros(len(bands))
    for _ in range(20):
        u, v, w = dual.sweep(u, v, w)
    error, slow = dual.error(dual.flow(u, v, w), w), 0
    for _ in range(steps):
        if error < tolerance:
            break
        u, v, w = dual.sweep(*dual.newton(u, v, w))
        before, error = error, dual.error(dual.flow(u, v, w), w)
        slow = slow + 1 if error > 0.9 * before else 0
        if slow >= 12:  # no solution on this support: the dual runs away while the error stays
            break
    inner = dual.flow(u, v, w) * unit
    flow[np.ix_(rows, columns)] = inner
    return Balanced(flow, w, error)


@dataclass(frozen=True)
class Shortfall:
    """Whether sums can be met: what is left over, and the cut that proves it.

    ``rows`` are origins whose supply exceeds everything that the destinations in ``columns`` (the only ones
    they reach) can take; both are empty when the sums can be met.
    """

    flow: Floats
    left: float
    rows: Ints
    columns: Ints


def shortfall(support: Flags, s: Floats, d: Floats) -> Shortfall:
    """Return the most that can be shipped on a support, and the cut that limits it.

    Notes
    -----
    A transport linear program (HiGHS); the cut is read off the residual graph.

    Examples
    --------
    >>> import numpy as np
    >>> cut = shortfall(np.array([[True, False], [True, True]]), np.array([3.0, 1.0]), np.array([2.0, 2.0]))
    >>> round(cut.left, 6), cut.rows.tolist(), cut.columns.tolist()
    (1.0, [0], [0])
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import breadth_first_order

    i, j = np.nonzero(support)
    n, m, k = len(s), len(d), len(i)
    unit = max(float(s.sum()), 1e-300)
    matrix = coo_array(
        (np.ones(2 * k), (np.concatenate([i, n + j]), np.tile(np.arange(k), 2))), shape=(n + m, k)
    ).tocsr()
    bound = np.concatenate([s, d]) / unit
    solved = linprog(-np.ones(k), A_ub=matrix, b_ub=bound, bounds=(0, None), method="highs") if k else None
    x = solved.x if solved is not None else np.zeros(0)
    flow = np.zeros((n, m))
    flow[i, j] = x * unit
    unmet = s - flow.sum(1)
    left = float(unmet.sum())
    short = np.flatnonzero(unmet > 1e-9 * unit)
    if not len(short):
        return Shortfall(flow, max(left, 0.0), np.zeros(0, int), np.zeros(0, int))
    back = x > 1e-12
    # residual graph: forward along every allowed pair, backward along pairs that carry something
    tail = np.concatenate([i, n + j[back], np.full(len(short), n + m)])
    head = np.concatenate([n + j, i[back], short])
    residual = csr_array((np.ones(len(tail)), (tail, head)), shape=(n + m + 1, n + m + 1))
    reached = breadth_first_order(residual, n + m, return_predecessors=False)
    reached = np.sort(reached[reached < n + m]).astype(np.int64)
    return Shortfall(flow, left, reached[reached < n], reached[reached >= n] - n)


def band_misses(
    base: Floats, support: Flags, s: Floats, d: Floats, *, block: Ints, low: Floats, high: Floats, keep: float
) -> Floats:
    """Return by how much each band must be missed, when every pair keeps the share ``keep`` of ``base``.

    ``base`` is balanced to ``s`` and ``d``. A band that can be met in this sense has a finite multiplier, so
    that scaling converges and no pair is driven to nothing by an observation elsewhere.

    Notes
    -----
    A linear program: least total miss in tonnes, one slack for each band.
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    i, j = np.nonzero(support)
    n, m, k, bands = len(s), len(d), len(i), len(low)
    unit = max(float(s.sum()), 1e-300)
    kept = keep * base
    equal = coo_array(
        (np.ones(2 * k), (np.concatenate([i, n + j]), np.tile(np.arange(k), 2))), shape=(n + m, k + bands)
    )
    inside = np.flatnonzero(block[i, j] >= 0)
    band = block[i, j][inside]
    fixed = np.array([kept[block == b].sum() for b in range(bands)])
    slack = k + np.arange(bands)
    capped = np.flatnonzero(np.isfinite(high))
    position = np.full(bands, -1)
    position[capped] = bands + np.arange(len(capped))
    top = inside[position[band] >= 0]
    limits = coo_array(
        (
            np.concatenate([-np.ones(len(inside)), -np.ones(bands), np.ones(len(top)), -np.ones(len(capped))]),
            (
                np.concatenate([band, np.arange(bands), position[block[i, j][top]], position[capped]]),
                np.concatenate([inside, slack, top, slack[capped]]),
            ),
        ),
        shape=(bands + len(capped), k + bands),
    )
    bound = np.concatenate([fixed - low, high[capped] - fixed[capped]]) / unit
    margin = np.concatenate([s - kept.sum(1), d - kept.sum(0)]) / unit
    solved = linprog(
        np.concatenate([np.zeros(k), np.ones(bands)]),
        A_ub=limits.tocsr(),
        b_ub=bound,
        A_eq=equal.tocsr(),
        b_eq=np.maximum(margin, 0.0),
        bounds=(0, None),
        method="highs",
    )
    if solved.x is None:  # only rounding can make the sums disagree: treat every band as too much
        return np.maximum(low, 1.0)
    return np.asarray(solved.x[k:] * unit)
