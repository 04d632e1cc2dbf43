"""Attacks on a linear program: exact where limits are shared, recoveries differ or exports are limited."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.attacks.oracle import Delivery, Shares
from supplygraph.engine.expanded import tally
from supplygraph.engine.solver import Solver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from supplygraph.engine.expanded import Bools, Floats, Ints
    from supplygraph.engine.linear import Linear

#: The demand becomes so many units, so that the solver's tolerances mean the same everywhere.
_UNITS = 1e4
#: Losses in units that differ by no more are equal.
_SLACK = 1e-4


class Parts(NamedTuple):
    """What items take of columns that they do not hold altogether; one number per entry (an item in a column).

    Attributes
    ----------
    shares
        As for flows; in tonnes that the column carries.
    worth
        Tonnes of demand that one tonne carried can become.
    asked
        Where the column is the unmet part of a demand, that demand (the rest is carried); NaN where it carries.
    """

    shares: Shares
    worth: Floats
    asked: Floats


class ProgramOracle:
    """A linear program that minimises unmet demand, every time warm from its undisturbed basis.

    Parameters
    ----------
    linear
        The program; its optimum is the demand that stays unmet, in tonnes.
    demand
        All demand, in tonnes.
    item_ptr, item_columns
        Item i fails as the columns ``item_columns[item_ptr[i]:item_ptr[i + 1]]`` together: they fall to zero, or to
        what ``parts`` leave.
    cover
        Items x columns: from a solution x a failing item takes at most ``cover @ x`` of the demand served.
        With ``parts`` only a guide to what it takes, without constant terms.
    parts
        Where items take only a part of their columns.

    Notes
    -----
    Amounts are in units of a ten thousandth of the demand (``unit`` tonnes). Room is one more row per item.

    Examples
    --------
    Of 10 tonnes asked for, one mine can send 6 and another 8.

    >>> from scipy.sparse import csc_array, csr_array
    >>> from supplygraph.engine.linear import Linear
    >>> linear = Linear(
    ...     np.array([1.0, 0.0, 0.0]), np.zeros(3), np.array([10.0, 6.0, 8.0]), csc_array([[1.0, 1.0, 1.0]]),
    ...     np.array([10.0]), np.array([10.0]),
    ... )
    >>> cover = csr_array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> oracle = ProgramOracle(linear, 10.0, np.arange(3), np.array([1, 2]), cover)
    >>> [round(float(oracle.deliver(gone).amount) * oracle.unit, 6) for gone in ((), (0,), (1,))]
    [10.0, 8.0, 6.0]
    """

    slack = _SLACK
    quick = False

    def __init__(
        self, linear: Linear, demand: float, item_ptr: Ints, item_columns: Ints, cover: csr_array,
        *, parts: Parts | None = None,
    ) -> None:  # fmt: skip
        from scipy.sparse import csc_array, vstack

        self.count = len(item_ptr) - 1
        self.unit = max(demand, 1e-9) / _UNITS
        self._item = np.repeat(np.arange(self.count), np.diff(item_ptr))
        self._columns = np.asarray(item_columns)
        _, self._place = np.unique(self._columns, return_inverse=True)
        self._cover, self._demand = cover, demand / self.unit
        self._parts = None if parts is None else _scaled(parts, self.unit)
        self._lower, self._upper = linear.lower / self.unit, linear.upper / self.unit
        free = np.full(self.count, np.inf)
        self._row_lower = np.append(linear.row_lower / self.unit, -free)
        self._row_upper = np.append(linear.row_upper / self.unit, free)
        matrix = csc_array(vstack([linear.matrix, cover], format="csc"))
        self._solver = Solver(linear.cost, self._lower, self._upper, matrix, self._row_lower, self._row_upper)
        self._solver.solve()
        self._basis = self._solver.basis()
        self._constant = np.zeros(self.count)
        if self._parts is None:
            carried = cover @ self._upper
        else:
            turned = np.nan_to_num(self._parts.asked)
            np.add.at(self._constant, self._item, self._parts.worth * self._parts.shares.share * turned)
            most = np.maximum(self._parts.shares.high, self._parts.shares.low)
            carried = tally(self._item, self._parts.worth * most, self.count)
        self.size = np.minimum(carried, self._demand)

    def deliver(self, removed: Sequence[int], free: Bools | None = None, room: float | None = None) -> Delivery:
        """Deliver the most without some items; see :class:`supplygraph.engine.attacks.oracle.Oracle`."""
        upper = self._row_upper.copy()
        if free is not None and room is not None:
            upper[-self.count :] = np.where(free, room - self._constant, np.inf)
        self._solver.set_columns(*self._bounds(removed))
        self._solver.set_rows(self._row_lower, upper)
        self._solver.restore(self._basis)
        found = self._solver.solve()
        gain = np.maximum(-found.dual[-self.count :], 0.0)
        return Delivery(self._demand - found.objective, self._through(found.x), gain)

    def singles(self, removed: Sequence[int], among: Ints) -> Floats:
        """Return how much more is lost when each of some further items fails as well: a program each."""
        whole = self.deliver(removed).amount
        return np.array([whole - self.deliver((*removed, item)).amount for item in among.tolist()])

    def _bounds(self, removed: Sequence[int]) -> tuple[Floats, Floats]:
        gone = np.zeros(self.count, dtype=np.bool_)
        gone[list(removed)] = True
        hit = gone[self._item]
        lower, upper = self._lower.copy(), self._upper.copy()
        if self._parts is None:
            upper[self._columns[hit]] = 0.0
            return lower, upper
        shares, asked = self._parts.shares, self._parts.asked
        lost = tally(self._place, np.where(hit, shares.share, 0.0), len(self._place))[self._place]
        left = shares.left(lost)
        carries, turned = (lost > 0) & np.isnan(asked), (lost > 0) & ~np.isnan(asked)
        np.minimum.at(upper, self._columns[carries], left[carries])
        np.maximum.at(lower, self._columns[turned], (asked - left)[turned])
        return lower, upper

    def _through(self, x: Floats) -> Floats:
        if self._parts is None:
            found: Floats = self._cover @ x
            return np.maximum(found, 0.0)
        carried = x[self._columns]
        carried = np.where(np.isnan(self._parts.asked), carried, self._parts.asked - carried)
        taken = self._parts.worth * self._parts.shares.drop(np.maximum(carried, 0.0))
        return tally(self._item, taken, self.count)


def _scaled(parts: Parts, unit: float) -> Parts:
    shares = parts.shares._replace(low=parts.shares.low / unit, high=parts.shares.high / unit)
    return parts._replace(shares=shares, asked=parts.asked / unit)
