"""The proximal Newton method: prices move until every market clears, quantities answer prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csc_array

    from supplygraph.engine.complementarity.market import Bools, Floats, Parts

#: Newton steps for one pull, halvings of a step, steps without gain before it is given up.
_STEPS, _HALVINGS, _STUCK = 60, 14, 12
#: What may stay uncleared, relative to usual quantities: a share of the strength, but not less than rounding leaves.
_CLEAR, _ROUNDING = 1e-6, 1e-15
#: Markets, at most, whose system is solved as a full matrix when it is more than this full.
_FULL, _FILLED = 2500, 0.02


class Point(NamedTuple):
    """Quantities and prices."""

    x: Floats
    p: Floats


@dataclass(frozen=True)
class Answering:
    """What activities do at given prices, and how that changes with prices."""

    x: Floats
    free: Bools
    levied: Bools
    supported: Bools
    rate: Floats


class Pull:
    """One step of the proximal point method: the same market with a pull towards a point.

    The pull adds ``near (x - x0)`` to the loss of an activity and ``hold (p - p0)`` to what a market leaves over, so
    quantities are a function of prices and the Newton system is never singular. Its answer is the market's own
    where ``x = x0`` and ``p = p0``.
    """

    def __init__(self, parts: Parts, at: Point, strength: float) -> None:
        self.parts, self.at = parts, at
        self.near = strength * parts.worths / parts.sizes
        self.hold = strength * parts.size / parts.worth
        self.clear = max(_CLEAR * strength, _ROUNDING / strength) * float(np.sqrt(1.0 + len(parts.size)))
        #: Residuals of markets and of coupled activities, each relative to its usual size.
        self.scale = np.concatenate([parts.size, parts.sizes[parts.coupled]])

    def answer(self, p: Floats, y: Floats) -> Answering:
        """Return quantities at prices ``p``, where coupled activities are taken to run at ``y``."""
        parts, near = self.parts, self.near
        revenue, base = parts.earn.T @ p, parts.cost + parts.pay.T @ p
        if parts.cross is not None:
            base = base + parts.cross[:, parts.coupled] @ y
        supported = parts.least_revenue > revenue
        revenue = np.where(supported, parts.least_revenue, revenue)
        pulled = near * self.at.x
        plain = (revenue - base + pulled) / (parts.own + near)
        lifted = self.at.x + (revenue - parts.least_cost) / near  # inf where there is no floor
        levied = lifted < plain
        x = np.where(levied, lifted, plain)
        free = (x > 0) & (x < parts.upper)
        rate = np.where(free, 1.0 / np.where(levied, near, parts.own + near), 0.0)
        return Answering(np.clip(x, 0.0, parts.upper), free, levied, supported, rate)

    def left(self, found: Answering, p: Floats, y: Floats) -> Floats:
        """Return what markets leave over, then by how much coupled activities differ from what was taken."""
        over = self.parts.balance @ found.x + self.hold * (p - self.at.p)
        return np.concatenate([over, y - found.x[self.parts.coupled]])

    def step(self, found: Answering, left: Floats) -> Floats:
        """Return the Newton step for prices and coupled activities."""
        from scipy.sparse import block_array, csc_array, diags_array, eye_array

        parts, free = self.parts, found.free
        rate, kept = diags_array(found.rate[free]), parts.balance[:, free]
        earned = parts.earn[:, free] @ diags_array((~found.supported[free]).astype(np.float64))
        paid = parts.pay[:, free] @ diags_array((~found.levied[free]).astype(np.float64))
        toward = csc_array((earned - paid).T)
        matrix = kept @ rate @ toward + diags_array(self.hold)
        if parts.cross is not None:
            across = diags_array((~found.levied[free]).astype(np.float64)) @ parts.cross[free][:, parts.coupled]
            place = np.full(len(free), -1)
            place[free] = np.arange(int(free.sum()))
            mine = place[parts.coupled]
            pick = csc_array(
                (np.ones(int((mine >= 0).sum())), (np.flatnonzero(mine >= 0), mine[mine >= 0])),
                shape=(len(mine), int(free.sum())),
            )
            matrix = block_array([
                [matrix, -kept @ rate @ across],
                [-pick @ rate @ toward, eye_array(len(mine)) + pick @ rate @ across],
            ])  # fmt: skip
        return _solved(csc_array(matrix), -left, self.scale, self._columns)

    @property
    def _columns(self) -> Floats:
        return np.concatenate([self.parts.worth, self.parts.sizes[self.parts.coupled]])

    def solve(self, start: Floats, y: Floats) -> tuple[Floats, Floats, Answering, int, float]:
        """Return prices, coupled activities, the answer to them, steps taken, and what is left uncleared."""
        p, count = start, len(start)
        found = self.answer(p, y)
        left = self.left(found, p, y)
        gap = self._gap(left)
        lowest, since = np.inf, 0
        for taken in range(_STEPS):
            if gap <= self.clear:
                return p, y, found, taken, gap
            lowest, since = (gap, 0) if gap < 0.9 * lowest else (lowest, since + 1)
            if since > _STUCK:
                return p, y, found, taken, gap
            move = self.step(found, left)
            if not np.isfinite(move).all():
                break
            length, best = 1.0, None
            slope = float(move[:count] @ left[:count])
            for _ in range(_HALVINGS):
                trial_p, trial_y = p + length * move[:count], y + length * move[count:]
                trial = self.answer(trial_p, trial_y)
                trial_left = self.left(trial, trial_p, trial_y)
                trial_gap = self._gap(trial_left)
                if best is None or trial_gap < best[0]:
                    best = (trial_gap, trial_p, trial_y, trial, trial_left)
                # Where the market is symmetric, what is left is the slope of a convex function: stop near its valley.
                # Elsewhere that is no proof of progress, but a good sign all the same.
                turned = float(move[:count] @ trial_left[:count])
                if trial_gap <= (1 - 0.1 * length) * gap or abs(turned) <= 0.5 * abs(slope):
                    best = (trial_gap, trial_p, trial_y, trial, trial_left)
                    break
                length /= 2
            assert best is not None  # noqa: S101 - one trial at least
            gap, p, y, found, left = best
        return p, y, found, _STEPS, gap

    def _gap(self, left: Floats) -> float:
        return float(np.sqrt(np.sum((left / self.scale) ** 2)))


def _solved(matrix: csc_array, right: Floats, rows: Floats, columns: Floats) -> Floats:
    """Solve a system after bringing rows and columns to numbers near 1; NaN where it is singular."""
    from scipy.sparse import csc_array, diags_array
    from scipy.sparse.linalg import splu

    scaled = csc_array(diags_array(1.0 / rows) @ matrix @ diags_array(columns))
    height = scaled.shape[0]
    full = height <= _FULL and scaled.nnz > _FILLED * height * height
    try:
        found: Floats = np.linalg.solve(scaled.toarray(), right / rows) if full else splu(scaled).solve(right / rows)
    except (RuntimeError, np.linalg.LinAlgError):
        return np.full(height, np.nan)
    return found * columns
