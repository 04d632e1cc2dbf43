"""What passes a site or an edge: the demand whose chain of shipments touches it, weighed by where it was refined.

A chain may touch a port twice (as ore, and again as metal), so shipments cannot simply be added up. They can where
all that touches an item is one product that no chain carries twice. For all other items the chains are counted that
never touch them, for many items at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from supplygraph.measures import tracing
from supplygraph.network.schema import LIST_SEPARATOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

#: Shares under this are what rounding leaves of nothing.
_NOTHING = 1e-13
#: Processes times items treated at once: bounds memory (a few vectors of so many numbers).
_AT_ONCE = 1_000_000


def over_edges(traced: tracing.Trace) -> tuple[Ints, Ints]:
    """Return which shipments move over which edges: pairs (position of shipment, position of edge), each once."""
    legs = traced.routes.reset_index(drop=True).dropna().str.split(LIST_SEPARATOR).explode()
    edge = traced.network.edges.index.get_indexer(pd.Index(legs))
    pairs = np.unique(np.stack([edge, legs.index.to_numpy(dtype=np.int64)], axis=1), axis=0)
    return pairs[:, 1].astype(np.int64), pairs[:, 0].astype(np.int64)


def passing(
    traced: tracing.Trace, inside: Bools, payoff: Floats, touches: tuple[Ints, Ints], items: int
) -> Floats:
    """Return, per item, the payoff of the demand that touches it anywhere on its way, at least once.

    Parameters
    ----------
    traced
        The backward walk.
    inside
        The processes of the stage: the last one that a tonne crossed decides what it pays.
    payoff
        One row per process (those of the stage are read), one or more columns.
    touches
        Pairs (shipment, item).
    items
        How many items there are.

    Returns
    -------
    float64 ``(items, columns)``, in tonnes of demand times payoff

    Notes
    -----
    O(shipments x columns) for the items that one product touches; for the others two sweeps over the links between
    processes, times the items.
    """
    shipment, item = touches
    once = _once(traced, shipment, item, items)
    through = _through(traced, inside, payoff)
    easy = once[item]
    found = np.zeros((items, payoff.shape[1]))
    for column in range(payoff.shape[1]):
        found[:, column] = np.bincount(item[easy], through[shipment[easy], column], items)
    whole = traced.demand @ traced.expect(inside, payoff)
    several = np.unique(item[~easy])
    width = max(1, _AT_ONCE // max(len(traced.processes), 1))
    for first in range(0, len(several), width):
        some = several[first : first + width]
        here = ~easy & (item >= some[0]) & (item <= some[-1])
        column = np.searchsorted(some, item[here])
        found[some] = whole - _avoiding(traced, inside, payoff, (shipment[here], column), len(some))
    return np.where(found > _NOTHING * np.maximum(whole, 1e-300), found, 0.0)


def _through(traced: tracing.Trace, inside: Bools, payoff: Floats) -> Floats:
    """Return the payoff of the demand that moves in each shipment, before or after its last crossing."""
    back = traced.matrix().T.tocsr()
    arriving = tracing.solve(_without(back, inside), traced.demand)  # has not crossed yet
    crossed = tracing.solve(back, np.where(inside, arriving, 0.0)[:, None] * payoff)
    ahead = np.where(inside, 0.0, arriving)[:, None] * np.ones(payoff.shape[1])
    to, of = traced.destination, traced.origin
    found: Floats = traced.step[:, None] * (crossed[to] + ahead[to] * traced.expect(inside, payoff)[of])
    return found


def _without(back: Any, inside: Bools) -> Any:
    """Return the walk from demand backward that ends at the first process inside (columns: where the tonne is)."""
    from scipy.sparse import diags_array

    return (back @ diags_array((~inside).astype(float))).tocsr()


@dataclass(frozen=True, eq=False)
class _Apart:
    """One copy of a walk for each of many items, without the steps that touch it; a vector has all copies, by process.

    Attributes
    ----------
    walk
        The walk that all share.
    lost
        The steps that each copy lacks.
    count
        How many copies there are.
    """

    walk: Any
    lost: Any
    count: int

    @property
    def shape(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.lost.shape)

    def __matmul__(self, vector: Floats) -> Floats:
        found: Floats = (self.walk @ vector.reshape(-1, self.count)).ravel() - self.lost @ vector
        return found

    def tocoo(self) -> Any:
        """Return it as one matrix (for loops, which are solved together)."""
        from scipy.sparse import eye_array, kron

        return (kron(self.walk, eye_array(self.count), format="csr") - self.lost).tocoo()


def _avoiding(
    traced: tracing.Trace, inside: Bools, payoff: Floats, touches: tuple[Ints, Ints], count: int
) -> Floats:
    """Return, per item, the payoff of the demand that never touches it."""
    from scipy.sparse import csr_array

    size, walk = len(traced.processes), traced.matrix()
    shipment, item = touches
    row, column = (end[shipment] * count + item for end in (traced.destination, traced.origin))
    lost = csr_array((traced.step[shipment], (row, column)), shape=(size * count, size * count))
    source = np.bincount(traced.destination, minlength=size) == 0
    begun = tracing.solve(_Apart(walk, lost, count), np.repeat(source.astype(float), count))
    back = _without(walk.T.tocsr(), inside), _without(lost.T.tocsr(), np.repeat(inside, count))
    arriving = tracing.solve(_Apart(*back, count), np.repeat(traced.demand, count))
    found: Floats = (arriving * begun).reshape(size, count)[inside].T @ payoff[inside]
    return found


def _once(traced: tracing.Trace, shipment: Ints, item: Ints, items: int) -> Bools:
    """Tell which items no chain can touch twice: all that touches one is one product that no chain carries twice."""
    net = traced.network
    of, products = pd.factorize(net.shipments["product"].reindex(traced.shipments))
    code = np.asarray(of, dtype=np.int64)[shipment]
    first, last = np.full(items, len(products)), np.full(items, -1)
    np.minimum.at(first, item, code)
    np.maximum.at(last, item, code)
    again = np.append(_recurring(net.processes, products), False)
    return np.asarray((first == last) & ~again[np.minimum(first, len(products))])


def _recurring(processes: pd.DataFrame, products: pd.Index) -> Bools:
    """Tell which products can be made of themselves (re-refined, traded)."""
    every = pd.Index(pd.unique(pd.concat([processes["input"], processes["output"]]).dropna()))
    made = processes[processes["input"].notna() & processes["output"].notna()]
    reach = np.zeros((len(every), len(every)), dtype=np.bool_)
    reach[every.get_indexer(pd.Index(made["input"])), every.get_indexer(pd.Index(made["output"]))] = True
    for _ in range(len(every).bit_length()):
        reach |= (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return np.asarray(np.diag(reach)[every.get_indexer(pd.Index(products))], dtype=np.bool_)
