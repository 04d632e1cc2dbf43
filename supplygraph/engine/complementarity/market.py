"""A market as arrays: activities that turn inputs into outputs at a cost, and prices that clear what they trade."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csc_array

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

#: Rounds that carry known sizes of markets to markets that have none of their own.
_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Market:
    """Activities ``x`` (n) over markets with free prices ``p`` (m).

    An activity takes ``into`` and gives ``out`` per unit, costs ``cost + slope x`` beside what it pays for its inputs,
    and runs between 0 and ``upper``. A consumer is an activity that only takes: its cost is minus what it is willing
    to pay.

    Parameters
    ----------
    out, into
        Sparse, m by n, entries >= 0: units made and used per unit of activity. ``(out - into) x = 0``.
    cost
        Own cost of the first unit (n), money per unit of activity.
    slope
        What each further unit adds to it: per activity, >= 0; or a sparse n by n matrix, which may have entries
        beside the diagonal (what one activity does to the cost of another) and need not be symmetric.
    upper
        Largest activity (n); ``inf`` or None = no limit.
    pay, earn
        Sparse, m by n: units of price paid for inputs and earned for outputs, where they differ from ``into`` and
        ``out`` (an ad valorem duty pays 1.1 prices for one unit).
    least_cost
        Floor on the cost side (n), NaN or None = none: a variable levy lifts a lower cost to it.
    least_revenue
        Floor on the revenue side (n), NaN or None = none: a contract for difference pays up to it.

    Raises
    ------
    DataError
        If shapes disagree, a number is missing or infinite, or an own slope, an entry or a limit is negative.

    Notes
    -----
    The condition, for every activity, is ``0 <= x <= upper`` complementary to
    ``max(cost + slope x + pay' p, least_cost) - max(earn' p, least_revenue)``.
    """

    out: csc_array
    into: csc_array
    cost: Floats
    slope: Floats | csc_array
    upper: Floats | None = None
    pay: csc_array | None = None
    earn: csc_array | None = None
    least_cost: Floats | None = None
    least_revenue: Floats | None = None
    parts: Parts = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _parts(self))

    @property
    def activities(self) -> int:
        """How many activities there are."""
        return len(self.parts.cost)

    @property
    def markets(self) -> int:
        """How many markets there are."""
        return int(self.parts.balance.shape[0])


@dataclass(frozen=True, eq=False)
class Parts:
    """The checked arrays of a market, and sizes that make its numbers comparable.

    Attributes
    ----------
    balance, pay, earn
        Sparse m by n.
    own, cross
        Own slope (n), and the slopes beside the diagonal as sparse n by n; None where there are none.
    least_cost, least_revenue
        ``-inf`` where there is no floor.
    size, worth
        Per market: a usual quantity and a usual price.
    """

    balance: csc_array
    pay: csc_array
    earn: csc_array
    cost: Floats
    own: Floats
    cross: csc_array | None
    upper: Floats
    least_cost: Floats
    least_revenue: Floats

    @cached_property
    def _sizes(self) -> tuple[Floats, Floats, Floats, Floats]:
        return _sizes(self)

    @property
    def size(self) -> Floats:
        """A usual quantity of each market."""
        return self._sizes[0]

    @property
    def worth(self) -> Floats:
        """A usual price of each market."""
        return self._sizes[1]

    @property
    def sizes(self) -> Floats:
        """A usual quantity of each activity."""
        return self._sizes[2]

    @property
    def worths(self) -> Floats:
        """A usual price around each activity."""
        return self._sizes[3]

    @cached_property
    def gap(self) -> csc_array:
        """Prices earned less prices paid, m by n."""
        from scipy.sparse import csc_array

        return csc_array(self.earn - self.pay)

    @cached_property
    def coupled(self) -> Ints:
        """The activities whose size enters the cost of others."""
        if self.cross is None:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.diff(self.cross.indptr))

    @cached_property
    def symmetric(self) -> bool:
        """Whether it is the optimum of a program: duties in proportion, levies and one-sided slopes make it none."""
        pays_balance = _same(self.gap, self.balance)
        no_floor = not (np.isfinite(self.least_cost).any() or np.isfinite(self.least_revenue).any())
        return pays_balance and no_floor and (self.cross is None or _same(self.cross, self.cross.T))

    @cached_property
    def monotone(self) -> bool:
        """Whether one more unit nowhere makes the next one cheaper on balance: then prices are unique where used."""
        if not _same(self.gap, self.balance) or np.isfinite(self.least_cost).any():
            return False
        if np.isfinite(self.least_revenue).any():
            return False
        return self.cross is None or _semidefinite(self)

    def sides(self, x: Floats, p: Floats) -> Sides:
        """Return what each activity costs and earns at a point, before floors, and the difference after them."""
        cost = self.cost + self.own * x + self.pay.T @ p
        if self.cross is not None:
            cost = cost + self.cross @ x
        revenue = self.earn.T @ p
        return Sides(cost, revenue, np.maximum(cost, self.least_cost) - np.maximum(revenue, self.least_revenue))

    def residual(self, x: Floats, p: Floats) -> tuple[float, float]:
        """Return the largest natural residual of all conditions: as it stands, and relative to the usual sizes."""
        loss = self.sides(x, p).loss
        kept = self.balance @ x
        plain = np.abs(x - np.clip(x - loss, 0.0, self.upper)).max(initial=0.0)
        part, top = x / self.sizes, self.upper / self.sizes
        share = np.abs(part - np.clip(part - loss / self.worths, 0.0, top)).max(initial=0.0)
        return (
            float(max(plain, np.abs(kept).max(initial=0.0))),
            float(max(share, np.abs(kept / self.size).max(initial=0.0))),
        )


class Sides(NamedTuple):
    """What activities cost and earn before floors, and the loss of one more unit after them."""

    cost: Floats
    revenue: Floats
    loss: Floats


def _same(one: Any, other: Any) -> bool:
    difference = abs(one - other)
    return difference.nnz == 0 or float(difference.max()) <= 1e-12 * max(float(abs(one).max()), 1e-300)


def _semidefinite(parts: Parts) -> bool:
    """Whether the symmetric part of the slopes has no negative direction."""
    assert parts.cross is not None  # noqa: S101 - for the type checker
    used = np.union1d(parts.coupled, np.flatnonzero(np.diff(parts.cross.tocsr().indptr)))
    block = parts.cross[used][:, used].toarray() + np.diag(parts.own[used])
    values = np.linalg.eigvalsh((block + block.T) / 2)
    return bool(values[0] >= -1e-12 * max(abs(values[-1]), 1e-300))


def _sizes(parts: Parts) -> tuple[Floats, Floats, Floats, Floats]:
    """Return usual quantities and prices, by market and by activity.

    Prices are alike within a connected part: the median own cost of what has a slope or a limit. Quantities come from
    where the slope alone would use up that price, or from the limit; they spread to markets that have neither.
    """
    from scipy.sparse.csgraph import connected_components

    touch = abs(parts.balance) + abs(parts.pay) + abs(parts.earn)
    body = touch.tocsc()
    height = body.shape[0]
    _, label = connected_components(body @ body.T, directed=False)
    first = np.zeros(body.shape[1], dtype=np.int64)
    filled = np.diff(body.indptr) > 0
    first[filled] = label[body.indices[body.indptr[:-1][filled]]]
    worth = np.ones(max(height, 1))
    firm = (parts.own > 0) | np.isfinite(parts.upper)
    floors = np.where(np.isfinite(parts.least_cost), parts.least_cost, 0.0)
    value = np.maximum(np.abs(parts.cost), floors)
    for part in range(int(label.max(initial=-1)) + 1):
        inside = (first == part) & (value > 0)
        chosen = value[inside & firm] if (inside & firm).any() else value[inside]
        if len(chosen):
            worth[part] = float(np.median(chosen))
    worths = worth[first] if height else np.ones(len(first))
    with np.errstate(divide="ignore"):
        alone = np.minimum(np.where(parts.own > 0, worths / parts.own, np.inf), parts.upper)
    known = np.where(np.isfinite(alone) & (alone > 0), alone, 0.0)
    size = _spread(body, known)
    least = np.full(len(known), np.inf)
    np.minimum.at(least, np.repeat(np.arange(len(known)), np.diff(body.indptr)), size[body.indices])
    usual = np.where(known > 0, np.minimum(known, least), np.where(np.isfinite(least), least, 1.0))
    return size, worth[label] if height else np.zeros(0), usual, worths


def _spread(body: csc_array, known: Floats) -> Floats:
    """Return a quantity for each market: the largest known one that touches it, else that of its neighbours."""
    height, activity = body.shape[0], np.repeat(np.arange(body.shape[1]), np.diff(body.indptr))
    size = np.zeros(height)
    np.maximum.at(size, body.indices, known[activity])
    for _ in range(_ROUNDS):
        empty = size <= 0
        if not empty.any() or empty.all():
            break
        around = np.zeros(body.shape[1])
        np.maximum.at(around, activity, size[body.indices])
        carried = np.zeros(height)
        np.maximum.at(carried, body.indices, around[activity])
        size = np.where(empty, carried, size)
    usual = float(np.median(size[size > 0])) if (size > 0).any() else 1.0
    return np.where(size > 0, size, usual)


def _parts(given: Market) -> Parts:
    """Read and check the arrays of a market; every fault is told at once."""
    from scipy.sparse import csc_array, issparse

    problems: list[Problem] = []
    out, into = csc_array(given.out, dtype=np.float64), csc_array(given.into, dtype=np.float64)
    count = out.shape[1]

    def sparse(name: str, value: Any) -> csc_array:
        found = csc_array(value, dtype=np.float64)
        if found.shape != out.shape:
            problems.append(Problem(name, f"has shape {found.shape}; expected {out.shape} like `out`"))
            return out
        if len(found.data) and not (np.isfinite(found.data).all() and found.data.min() >= 0):
            problems.append(Problem(name, "has entries that are missing, infinite or negative"))
        return found

    def plain(name: str, value: Any, missing: float, *, least: float = -np.inf) -> Floats:
        if value is None:
            return np.full(count, missing)
        found = np.array(value, dtype=np.float64)
        if found.shape != (count,):
            problems.append(Problem(name, f"has shape {found.shape}; expected ({count},), one per activity"))
            return np.full(count, missing)
        if name in ("least_cost", "least_revenue"):
            found = np.where(np.isnan(found), -np.inf, found)
            bad = found == np.inf
        else:
            bad = np.isnan(found) | (found < least) | ((name != "upper") & np.isinf(found))
        if bad.any():
            where = f"{name}[{int(np.flatnonzero(bad)[0])}]"
            what = f"is {found[bad][0]}; expected {'a number' if np.isinf(least) else f'at least {least:g}'}"
            problems.append(Problem(where, what, f"{int(bad.sum())} such entries."))
        return found

    out, into = sparse("out", out), sparse("into", into)
    pay = into if given.pay is None else sparse("pay", given.pay)
    earn = out if given.earn is None else sparse("earn", given.earn)
    cross = None
    if issparse(given.slope) or np.ndim(given.slope) == 2:
        body = csc_array(given.slope, dtype=np.float64)
        if body.shape != (count, count):
            problems.append(Problem("slope", f"has shape {body.shape}; expected ({count}, {count})"))
            body = csc_array((count, count))
        own = plain("slope", body.diagonal(), 0.0, least=0.0)
        cross = _beside(body)
        if cross is not None and not np.isfinite(cross.data).all():
            problems.append(Problem("slope", "has entries that are missing or infinite"))
    else:
        own = plain("slope", given.slope, 0.0, least=0.0)
    cost, upper = plain("cost", given.cost, 0.0), plain("upper", given.upper, np.inf, least=0.0)
    low, high = (plain(name, getattr(given, name), -np.inf) for name in ("least_cost", "least_revenue"))
    if problems:
        raise DataError("this market cannot be read", problems)
    return Parts(csc_array(out - into), pay, earn, cost, own, cross, upper, low, high)


def _beside(body: csc_array) -> csc_array | None:
    """Return the entries beside the diagonal, or None."""
    from scipy.sparse import csc_array

    table = body.tocoo()
    kept = (table.row != table.col) & (table.data != 0)
    if not kept.any():
        return None
    return csc_array((table.data[kept], (table.row[kept], table.col[kept])), shape=body.shape)
