"""Bounds of a centrality over all ways to match what processes take to what they send.

A tonne in a factory is traced back in proportion to what each process on the way took in. Where processes mix between
the stage and demand, another matching gives other shares ``s_v`` and ``S_c``; their bounds are exact (see
:mod:`supplygraph.measures.matching`). A centrality is a product of two of them, so its bounds take both at their worst:
never too narrow, perhaps too wide. Right after the stage nothing mixes, and all bounds are the shares themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.measures import matching
from supplygraph.measures.sources import Chains, Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.attribution import Attribution

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: What rounding leaves of nothing is nothing.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Mixed:
    """Bounds by row (a factory, a country, or all demand), of the demand that crossed the stage.

    Attributes
    ----------
    low, high
        Of the shares of sites: rows x sites.
    label_low, label_high
        Of the shares of labels: rows x labels.
    central_low, central_high
        Of the centralities of sites: rows x sites.
    hhi_low, hhi_high
        Of the index of each row: ``l'K l`` for the least shares l, and the most that ``S'K u`` can be for the largest
        shares u and shares S that fit in between.
    """

    low: Floats
    high: Floats
    label_low: Floats
    label_high: Floats
    central_low: Floats
    central_high: Floats
    hhi_low: Floats
    hhi_high: Floats


def of_all(found: Attribution) -> Mixed:
    """Return the bounds for all final demand together: one row."""
    return mixed(found, np.where(found.traced.demand > 0, 0, -1), found.tonnes[None, :])


def mixed(found: Attribution, label: Ints, tonnes: Floats) -> Mixed:
    """Return the bounds of the demand of some rows.

    Parameters
    ----------
    found
        The sites, the kernel and the walk.
    label
        Per process the row that its demand belongs to; -1 = none.
    tonnes
        Demand by row and the site of its last crossing.

    Raises
    ------
    LimitError
        If that takes too many linear programs.
    """
    traced, held, sites = found.traced, found.main.stakes.held, len(found.sites)
    ends = label >= 0
    demand = np.bincount(label[ends], traced.demand[ends], len(tonnes)).astype(np.float64)
    payoff = np.zeros((len(label), sites + held.shape[1]))
    payoff[found.inside] = np.column_stack([np.eye(sites), held])[found.site[found.inside]]
    chains = Chains(
        question=Question("node", found.stage, "factory"),
        traced=traced,
        inside=found.inside,
        index=pd.RangeIndex(len(tonnes)),
        row=label,
        demand=demand,
        columns=(),
        payoff=payoff,
        passes=np.zeros((0, len(traced.flow)), dtype=bool),
    )
    crossed = tonnes.sum(axis=1, keepdims=True)
    shares = np.column_stack([tonnes, found.main.shares(tonnes.T).T, demand[:, None] - crossed]) / demand[:, None]
    ranges = matching.bounds(chains, np.where(shares > _ROUNDING, shares, 0.0))
    # Shares are of what crossed the stage, and how much did may depend on the matching as well.
    least, most = (1.0 - side[:, -1:] for side in (ranges.high, ranges.low))
    low = ranges.low[:, :-1] / np.where(most > 0, most, 1.0)
    high = np.minimum(ranges.high[:, :-1] / np.where(least > 0, least, 1.0), 1.0)
    label_low, label_high = low[:, sites:], high[:, sites:]
    kin_low, kin_high = (found.main.kin(side.T) for side in (label_low, label_high))
    return Mixed(
        low[:, :sites], high[:, :sites], label_low, label_high,
        low[:, :sites] * (held @ kin_low).T, high[:, :sites] * (held @ kin_high).T,
        (label_low.T * kin_low).sum(axis=0), _most(kin_high.T, label_low, label_high),
    )  # fmt: skip


def _most(worth: Floats, low: Floats, high: Floats) -> Floats:
    """Return, per row, the most that shares between two bounds with a sum of at most 1 can be worth: dearest first."""
    order = np.argsort(-worth, axis=1, kind="stable")
    room, start, price = (np.take_along_axis(part, order, axis=1) for part in (high - low, low, worth))
    left = np.maximum(1.0 - start.sum(axis=1, keepdims=True), 0.0)
    before = np.cumsum(room, axis=1) - room
    found: Floats = ((start + np.clip(left - before, 0.0, room)) * price).sum(axis=1)
    return found
