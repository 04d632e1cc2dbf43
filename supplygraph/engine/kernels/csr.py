"""Arcs grouped by one of their ends, by a stable counting sort."""

from __future__ import annotations

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.errors import DataError, LimitError, Problem

#: Arcs are numbered in 32 bits.
_MOST = 2**31 - 1


def index(ends: Integers, size: int) -> tuple[Integers, Integers]:
    """Group arcs by a vertex at their end.

    Parameters
    ----------
    ends
        Vertex of each arc, 0 to ``size - 1``, shape ``(m,)``.
    size
        Number of vertices.

    Returns
    -------
    ptr, ids
        ``ids[ptr[v]:ptr[v + 1]]`` are the arcs with end v, in arc order; int64 ``(size + 1,)`` and int32 ``(m,)``.

    Raises
    ------
    DataError
        When an end is not a vertex.
    LimitError
        When arcs cannot be numbered in 32 bits.

    Notes
    -----
    O(size + m), two passes over the ends; parallel arcs keep their own entries.

    Examples
    --------
    >>> ptr, ids = index(np.array([2, 0, 2, 0]), 3)
    >>> ptr.tolist(), ids.tolist()
    ([0, 2, 2, 4], [1, 3, 0, 2])
    """
    if len(ends) > _MOST:
        raise LimitError(f"{len(ends)} arcs; expected at most {_MOST}. Ask about a part of the network.")
    check(ends, size, "end")
    ids = np.empty(len(ends), dtype=np.int32)
    return _sort(ends, size, ids), ids


def check(ends: Integers, size: int, what: str) -> None:
    """Refuse numbers outside 0 to ``size - 1``."""
    if not len(ends) or (ends.min() >= 0 and ends.max() < size):
        return
    wrong = np.flatnonzero((ends < 0) | (ends >= size))
    rows = [
        Problem(f"{what}, row {row}", f"number {ends[row]}; expected 0 to {size - 1}", "Check the numbering.")
        for row in wrong.tolist()
    ]
    raise DataError(f"{len(rows)} numbers in {what} are out of range.", rows)


@compiled
def _sort(ends: Integers, size: int, ids: Integers) -> Integers:
    ptr = np.zeros(size + 1, dtype=np.int64)
    for arc in range(ends.size):
        ptr[ends[arc] + 1] += 1
    for vertex in range(size):
        ptr[vertex + 1] += ptr[vertex]
    place = ptr.copy()
    for arc in range(ends.size):
        vertex = ends[arc]
        ids[place[vertex]] = arc
        place[vertex] += 1
    return ptr
