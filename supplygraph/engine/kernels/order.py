"""Vertices in the order in which material passes them; those that feed each other stand together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.engine.kernels.csr import check, index
from supplygraph.errors import DataError


class Order(NamedTuple):
    """Groups of vertices, each after all that lead into it.

    Attributes
    ----------
    vertices
        Group i is ``vertices[bounds[i]:bounds[i + 1]]``: one vertex, or several that all reach each other; int32.
    bounds
        Int64, one more than there are groups.
    ptr, ids
        Arcs into vertex v are ``ids[ptr[v]:ptr[v + 1]]``, in arc order (:func:`supplygraph.engine.kernels.csr.index`).
    """

    vertices: Integers
    bounds: Integers
    ptr: Integers
    ids: Integers

    @property
    def loops(self) -> Integers:
        """Groups of more than one vertex."""
        return np.flatnonzero(np.diff(self.bounds) > 1)


def upstream(size: int, tail: Integers, head: Integers, *, ends: Integers | None = None, source: int = -1) -> Order:
    """Order the vertices along the arcs.

    Parameters
    ----------
    size
        Number of vertices.
    tail, head
        Ends of each arc; parallel arcs and loops are fine.
    ends
        Only vertices that lead to one of these are listed; None: all.
    source
        A vertex whose own inputs do not count; -1: none.

    Returns
    -------
    Order
        Where no arc leads back, every group is one vertex.

    Raises
    ------
    DataError
        When an end is not a vertex or lengths differ.

    Notes
    -----
    Where every arc leads to a larger number that is the order, found in one look at the arcs. Else strongly
    connected components by Tarjan (1972) along the arcs backward, which gives them in this order; O(size + arcs).

    Examples
    --------
    >>> found = upstream(4, np.array([3, 0, 2, 0]), np.array([0, 2, 0, 1]))
    >>> found.vertices.tolist(), found.bounds.tolist(), found.loops.tolist()
    ([3, 2, 0, 1], [0, 1, 3, 4], [1])
    """
    if len(tail) != len(head):
        raise DataError(f"{len(tail)} tails and {len(head)} heads; expected as many of each.")
    check(tail, size, "tail")
    ptr, ids = index(head, size)
    if not bool((tail < head).all()):
        starts = np.arange(size, dtype=np.int32) if ends is None else np.asarray(ends, dtype=np.int32)
        return Order(*_backward(ptr, ids, tail, starts, source), ptr, ids)
    return Order(np.arange(size, dtype=np.int32), np.arange(size + 1), ptr, ids)


@compiled
def _backward(ptr: Integers, ids: Integers, tail: Integers, starts: Integers, source: int) -> tuple[Integers, Integers]:
    """Return groups and bounds. ``low`` is ``size`` for a vertex whose group is complete."""
    size = ptr.size - 1
    number, low = np.full(size, -1, dtype=np.int32), np.empty(size, dtype=np.int32)
    place, calls, held = ptr[:-1].copy(), np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    order, bounds = np.empty(size, dtype=np.int32), np.zeros(size + 1, dtype=np.int64)
    count = groups = listed = kept = 0
    for start in starts:
        if number[start] >= 0:
            continue
        depth, calls[0] = 0, start
        number[start] = low[start] = count
        held[kept] = start
        count, kept = count + 1, kept + 1
        while depth >= 0:
            vertex = calls[depth]
            stop = ptr[vertex] if vertex == source else ptr[vertex + 1]
            deeper = False
            while place[vertex] < stop and not deeper:
                other = tail[ids[place[vertex]]]
                place[vertex] += 1
                if number[other] < 0:
                    number[other] = low[other] = count
                    held[kept] = other
                    count, kept, depth, deeper = count + 1, kept + 1, depth + 1, True
                    calls[depth] = other
                elif low[other] < size:
                    low[vertex] = min(low[vertex], number[other])
            if deeper:
                continue
            depth -= 1
            if depth >= 0:
                low[calls[depth]] = min(low[calls[depth]], low[vertex])
            if low[vertex] == number[vertex]:
                last = -1
                while last != vertex:
                    kept -= 1
                    last = held[kept]
                    low[last] = size
                    order[listed] = last
                    listed += 1
                groups += 1
                bounds[groups] = listed
    return order[:listed].copy(), bounds[: groups + 1].copy()
