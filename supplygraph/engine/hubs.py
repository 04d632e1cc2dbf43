"""Markets: origins with the same customers, destinations with the same suppliers.

Where no port, strait or edge has a limit of its own, only *who can reach whom* decides what can be
delivered, not the route. Origins that can reach the same destinations are then interchangeable, and
so are destinations with the same suppliers: they meet in hubs, and 150 x 150 pairs become a few dozen
columns. Every flow over the hubs splits into flows over open pairs and the reverse (within two
classes every pair is open), so the program is the same, only smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Ints
    from supplygraph.engine.rows import Audiences, Builder, Rows
    from supplygraph.engine.ways import Ways


def serves(graph: Expanded, audiences: Audiences, ways: Ways, audience: int) -> Bools:
    """Return the open pairs over which one audience may be served."""
    ends = ways.destinations
    last = audience == audiences.count - 1
    if not (len(ways.origins) and audiences.labelled[graph.gives[ways.origins[0]]]):
        return np.asarray(ways.open & audiences.allowed[audience, ways.origins][:, None] & last)
    is_end = graph.gives[ends] < 0
    mine = np.where(graph.role[ends] == USE, audiences.of[ends] == audience, last)
    keep = np.where(is_end, mine, True)
    return np.asarray(ways.open & audiences.allowed[audience, ways.origins][:, None] & keep[None, :])


def add_hubs(builder: Builder, rows: Rows, ways: Ways, audience: int, start: int) -> int:
    """Append hub columns of one product and audience; hub rows count from ``start``. Return the next.

    Pairs that count against different export limits meet in hubs of their own.
    """
    graph = rows.graph
    pairs = serves(graph, rows.audiences, ways, audience)
    kind = np.zeros(pairs.shape, dtype=np.int64)
    products = set(graph.gives[ways.origins].tolist())
    own = [(q, row) for q, row in zip(rows.quotas, rows.quota, strict=True) if q.product in products]
    for number, (quota, _) in enumerate(own):
        kind |= quota.covers(graph, ways.origins[:, None], ways.destinations[None, :]).astype(np.int64) << number
    for value in np.unique(kind[pairs]):
        numbers = [int(row) for bit, (_, row) in enumerate(own) if value >> bit & 1]
        start = _add_hubs(builder, rows, ways, audience, pairs & (kind == value), numbers, start)
    return start


def _add_hubs(
    builder: Builder, rows: Rows, ways: Ways, audience: int, pairs: Bools, quotas: list[int], start: int
) -> int:
    out_rows = np.flatnonzero(pairs.any(axis=1))
    in_columns = np.flatnonzero(pairs.any(axis=0))
    pairs = pairs[np.ix_(out_rows, in_columns)]
    out_class, out_first = _classes(pairs)
    in_class, in_first = _classes(pairs.T)
    out_hub, in_hub = start + out_class, start + len(out_first) + in_class
    origins, destinations = ways.origins[out_rows], ways.destinations[in_columns]
    who = np.full(max(len(origins), len(destinations)), audience)
    ones = np.ones(len(origins))
    limited = [(np.full(len(origins), row), ones) for row in quotas]
    builder.add(len(origins), [*rows.sending(origins, who[: len(origins)]), *limited, (out_hub, -ones)])
    left, right = np.nonzero(pairs[np.ix_(out_first, in_first)])
    between = np.ones(len(left))
    builder.add(len(left), [(start + left, between), (start + len(out_first) + right, -between)])
    builder.add(
        len(destinations),
        [*rows.taking(destinations, who[: len(destinations)]), (in_hub, np.ones(len(destinations)))],
    )
    return start + len(out_first) + len(in_first)


def _classes(pairs: Bools) -> tuple[Ints, Ints]:
    """Group equal rows: the class of each, and one representative per class."""
    packed = np.packbits(pairs, axis=1)
    _, first, group = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return group.reshape(-1).astype(np.int64), first.astype(np.int64)
