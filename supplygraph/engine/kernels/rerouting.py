"""Re-routing in a residual graph: the loops behind :mod:`supplygraph.engine.kernels.vitality`.

One question at a time: the arcs of an item are taken out, its flow is left over at some vertices (``over > 0``) and
missing at others (``over < 0``); how much gets from the former to the latter? Every change is written down and
taken back, so the next question finds the graph as it was.

``draw`` is the shortest augmenting path method with distance labels (Ahuja and Orlin 1989; gaps after Derigs and
Meier 1989). Its labels are distances to a hub and the same for all questions: no search at all. ``bridge`` goes
without a hub: Dinic's phases, each searched from both ends, a level at a time, the smaller side first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from supplygraph.engine.kernels import Integers, compiled

if TYPE_CHECKING:
    from supplygraph.engine.kernels.maxflow import Residual

#: Columns of ``Work.arc``: where the slot leads, its opposite, room along it, room against it.
HEAD, BACK, ALONG, AGAINST = range(4)
#: Rows of ``Work.vertex``; those two apart have one for each side.
FAR, FIRST, MARK, HERE, DIST, QUEUE, PATH = range(0, 14, 2)
STACK, ENDS, LABEL = 14, 15, 16
#: Rows of ``Work.amount``, ``Work.part`` and ``Work.log``.
ASK, LEFT, OVER, DUE = range(4)
LOW, KIND, WIDTH = range(3)
PUSH, SIDE, VERTEX, LEVEL = range(4)
#: Entries of ``Work.tally``: stamp of a search, slots looked at, where to give up, pushes, labels raised, gave up;
#: and for each side its frontier in the queue, the slots that it will look at, the steps of a walk, and the highest
#: component (side 0) and the lowest (side 1) that a search may enter.
TURN, SEEN, LIMIT, PUSHED, RAISED, GAVE_UP, BEGIN, END, SLOTS, STEPS, REACH = (*range(6), *range(6, 16, 2))
#: How an item is re-routed: through a hub, without one, or in several components at once.
HUB, DIRECT, ACROSS = range(3)
#: What a hub is.
SOURCE, SINK, OTHER = range(3)
#: One kind of number for the arguments of loops, so that each is compiled once.
_INT: Any = np.int64
#: A vertex from which a walk cannot go on.
_DEAD = -9


class Work(NamedTuple):
    """A copy of a residual graph to work on, labels, and scratch.

    In few arrays, and loops below are called from few places with one kind of number: that compiles much faster.

    Attributes
    ----------
    ptr, arc
        Slots by vertex; a slot's columns side by side, so that a scan and a push touch one place each.
    vertex, amount
        Per vertex, whole numbers and amounts. ``FAR`` is the level from the hub (side 0) and to it (side 1),
        ``FIRST`` the first slot that leads nearer, ``LABEL`` the component; ``OVER`` is 0 between two questions.
    part
        Per component: its lowest level (levels of two components never mix), what its hub is, and how much can
        leave or enter the hub at once (0 = no hub).
    members
        Per side and level: how many vertices have it.
    log, pushed
        What was done: slot and amount of each push; side, vertex and old level of each label raised.
    tally
        Counters.
    """

    ptr: Integers
    arc: Integers
    vertex: Integers
    amount: Integers
    part: Integers
    members: Integers
    log: Integers
    pushed: Integers
    tally: Integers


def work_on(res: Residual, label: Integers, most: int) -> Work:
    """Copy a residual graph; room above ``most`` is cut to it, which no question up to ``most`` can tell."""
    size, slots, parts = len(res.ptr) - 1, len(res.head), int(label.max()) + 1
    arc = np.empty((slots, 4), dtype=np.int32 if 2 * most < 2**31 else np.int64)
    _lay(*res[:4], arc, most)
    part = np.zeros((3, parts + 1), dtype=np.int64)
    part[LOW, 1:] = np.cumsum(np.bincount(label, minlength=parts) + 1)
    vertex, amount = np.empty((LABEL + 1, size + 1), dtype=np.int32), np.zeros((4, size + 1), dtype=np.int64)
    vertex[LABEL, :-1] = label
    vertex[MARK : MARK + 2] = 0
    logs = slots + 8 * size + 1024  # memory is touched only as far as it is needed
    return Work(
        res.ptr, arc, vertex, amount, part, np.zeros((2, size + parts + 1), dtype=np.int32),
        np.empty((4, logs), dtype=np.int32), np.empty(logs, dtype=arc.dtype), np.zeros(16, dtype=np.int64),
    )  # fmt: skip


@compiled
def _lay(ptr: Integers, head: Integers, rev: Integers, cap: Integers, arc: Integers, most: int) -> None:
    for i in range(ptr[-1]):
        arc[i, HEAD] = head[i]
        arc[i, BACK] = rev[i]
        arc[i, ALONG] = min(cap[i], most)
        arc[i, AGAINST] = min(cap[rev[i]], most)


@compiled
def hubs(work: Work, source: int, sink: int) -> tuple[Integers, Integers]:
    """Return per component its terminal (row 0), its widest other vertex (row 1), -1 = none; and their widths.

    The width is how much can leave the source, enter the sink, or do both elsewhere, within the component.
    """
    ptr, arc, label = work.ptr, work.arc, work.vertex[LABEL]
    parts = work.part.shape[1] - 1
    found, width = np.full((2, parts), -1, dtype=np.int32), np.zeros((2, parts), dtype=np.int64)
    for u in range(ptr.size - 1):
        part = label[u]
        leave = enter = 0
        for x in range(ptr[u], ptr[u + 1]):
            if label[arc[x, HEAD]] == part:
                leave += arc[x, ALONG]
                enter += arc[x, AGAINST]
        row = 0 if u in (source, sink) else 1
        wide = leave if u == source else enter if u == sink else min(leave, enter)
        if wide > width[row, part]:
            found[row, part], width[row, part] = u, wide
    return found, width


@compiled
def measure(work: Work, hub: Integers) -> None:
    """Find the levels from and to the hub of each component (-1 = none)."""
    ptr, arc, label, queue = work.ptr, work.arc, work.vertex[LABEL], work.vertex[QUEUE]
    size = ptr.size - 1
    work.members[:] = 0
    for side in range(2):
        far, first, count = work.vertex[FAR + side], work.vertex[FIRST + side], work.members[side]
        far[:] = -1
        last = k = 0
        for part in range(hub.size):
            if hub[part] >= 0:
                far[hub[part]] = work.part[LOW, part]
                queue[last] = hub[part]
                last += 1
        while k < last:
            u = queue[k]
            k += 1
            for x in range(ptr[u], ptr[u + 1]):
                w = arc[x, HEAD]
                if far[w] < 0 and arc[x, ALONG + side] > 0 and label[w] == label[u]:
                    far[w] = far[u] + 1
                    queue[last] = w
                    last += 1
        for u in range(size):
            x = ptr[u]
            if far[u] >= 0:
                count[far[u]] += 1
                while x < ptr[u + 1] and not (arc[x, AGAINST - side] > 0 and far[arc[x, HEAD]] == far[u] - 1):
                    x += 1
            first[u] = x


@compiled
def _push(work: Work, slot: int, pulled: int) -> None:
    """Move flow against a slot (or along it, for less than 0), and write it down."""
    arc, k = work.arc, work.tally[PUSHED]
    back = arc[slot, BACK]
    arc[slot, AGAINST] -= pulled
    arc[slot, ALONG] += pulled
    arc[back, ALONG] -= pulled
    arc[back, AGAINST] += pulled
    work.log[PUSH, k] = slot
    work.pushed[k] = pulled
    work.tally[PUSHED] = k + 1


@compiled
def _undo(work: Work, last: int) -> None:
    """Take back pushes and labels; what is over is as at the start of the question."""
    arc, tally = work.arc, work.tally
    for k in range(tally[PUSHED]):
        slot, pulled = work.log[PUSH, k], work.pushed[k]
        back = arc[slot, BACK]
        arc[slot, AGAINST] += pulled
        arc[slot, ALONG] -= pulled
        arc[back, ALONG] += pulled
        arc[back, AGAINST] -= pulled
    tally[PUSHED] = 0
    for k in range(tally[RAISED] - 1, -1, -1):
        side, u = work.log[SIDE, k], work.log[VERTEX, k]
        far, count = work.vertex[FAR + side], work.members[side]
        count[far[u]] -= 1
        far[u] = work.log[LEVEL, k]
        count[far[u]] += 1
    tally[RAISED] = 0
    for k in range(last):
        work.amount[OVER, work.vertex[ENDS, k]] = work.amount[DUE, k]


@compiled
def _raise(work: Work, side: int, u: int, low: int, high: int) -> bool:
    """Raise the label of a vertex without a slot towards the hub; tell whether the hub is out of reach."""
    far, count, arc, tally, room = work.vertex[FAR + side], work.members[side], work.arc, work.tally, AGAINST - side
    old = far[u]
    # An empty level between here and the hub: no way crosses it.
    if count[old] == 1 or count[old - 1] == 0:
        return True
    best = high
    for x in range(work.ptr[u], work.ptr[u + 1]):
        if arc[x, room] > 0 and low <= far[arc[x, HEAD]] < best:
            best = far[arc[x, HEAD]]
    tally[SEEN] += work.ptr[u + 1] - work.ptr[u]
    if best == high:
        return True
    k = tally[RAISED]
    work.log[SIDE, k], work.log[VERTEX, k], work.log[LEVEL, k] = side, u, old
    tally[RAISED] = k + 1
    count[old] -= 1
    far[u] = best + 1
    count[best + 1] += 1
    work.vertex[HERE + side, u] = work.ptr[u]
    return False


@compiled
def _too_much(work: Work, pushes: int) -> bool:
    """Tell whether a question has taken its time, or the logs cannot hold some more pushes."""
    tally, logs = work.tally, work.pushed.size - 2
    full: bool = tally[PUSHED] + pushes > logs or tally[RAISED] > logs
    return full or tally[SEEN] > tally[LIMIT]


@compiled
def _draw(work: Work, side: int, start: int, need: int) -> int:
    """Bring up to ``need`` from the hub to a vertex (side 0), or from it to the hub (side 1)."""
    ptr, arc, stack, path, vertex = work.ptr, work.arc, work.vertex[STACK], work.vertex[PATH], work.vertex
    far, first = vertex[FAR + side], vertex[FIRST + side]
    mark, here = vertex[MARK + side], vertex[HERE + side]
    ask, left, tally = work.amount[ASK], work.amount[LEFT], work.tally
    room, turn = AGAINST - side, tally[TURN]
    low, high = work.part[LOW, vertex[LABEL, start]], work.part[LOW, vertex[LABEL, start] + 1] - 2
    depth, apart = 0, False
    stack[0] = start
    ask[0] = left[0] = need
    while True:
        u = stack[depth]
        if far[u] == low:  # the hub has as much as is asked for
            left[depth] = 0
        if left[depth] > 0 and not apart:
            if mark[u] != turn:
                mark[u] = turn
                here[u] = first[u]
            x, end, goal = here[u], ptr[u + 1], far[u] - 1
            while x < end and not (arc[x, room] > 0 and far[arc[x, HEAD]] == goal):
                x += 1
            tally[SEEN] += x - here[u] + 1
            here[u] = x
            if x < end:
                path[depth] = x
                depth += 1
                stack[depth] = arc[x, HEAD]
                ask[depth] = left[depth] = min(left[depth - 1], arc[x, room])
                continue
        elif depth == 0:
            break
        # Settle with the vertex before, which opens the way back: labels must see it.
        given = ask[depth] - left[depth]
        if depth > 0 and given > 0:
            _push(work, _INT(path[depth - 1]), (1 - 2 * side) * given)
            left[depth - 1] -= given
            ask[depth] = left[depth]
        if left[depth] > 0 and not apart:
            apart = _raise(work, side, _INT(u), low, high)
        if not apart and _too_much(work, depth):
            tally[GAVE_UP] = 1
            apart = True
        depth = max(depth - 1, 0)
    drawn: int = need - left[0]
    return drawn


@compiled
def _draw_all(work: Work, last: int, want: int, way: int, which: int) -> int:
    """Let the hub bring what is missing (0), or take what is over (1); across components the terminals do both."""
    got, over, part = 0, work.amount[OVER], work.part
    work.tally[TURN] += 1
    for k in range(last):
        u = _INT(work.vertex[ENDS, k])
        side = 0 if over[u] < 0 else 1
        mine = work.vertex[LABEL, u]
        here = side == which if way == HUB else part[WIDTH, mine] > 0 and part[KIND, mine] == side
        if over[u] != 0 and here and got < want and work.tally[GAVE_UP] == 0:
            most = _draw(work, side, u, min(abs(over[u]), want - got))
            over[u] += most if side == 0 else -most
            got += most
    return got


@compiled
def _grow(work: Work, side: int) -> int:
    """Search one level further; return at how many vertices the other side has been."""
    ptr, arc, vertex, tally, room = work.ptr, work.arc, work.vertex, work.tally, ALONG + side
    dist, queue, here, label = vertex[DIST + side], vertex[QUEUE + side], vertex[HERE + side], vertex[LABEL]
    mark, other, turn = vertex[MARK + side], vertex[MARK + 1 - side], tally[TURN]
    begin, end, highest, lowest = tally[BEGIN + side], tally[END + side], tally[REACH], tally[REACH + 1]
    tally[SEEN] += tally[SLOTS + side]
    last, met, slots = end, 0, 0
    for k in range(begin, end):
        u = queue[k]
        for x in range(ptr[u], ptr[u + 1]):
            w = arc[x, HEAD]
            if arc[x, room] > 0 and mark[w] != turn and lowest <= label[w] <= highest:
                mark[w] = turn
                dist[w] = dist[u] + 1
                here[w] = ptr[w]
                queue[last] = w
                last += 1
                slots += ptr[w + 1] - ptr[w]
                if other[w] == turn:
                    vertex[STACK, met] = w
                    met += 1
    tally[BEGIN + side], tally[END + side], tally[SLOTS + side] = end, last, slots
    return met


@compiled
def _search(work: Work, last: int) -> int:
    """Search from both ends, the side with fewer slots to look at first, until they meet; return at how many."""
    ptr, tally, vertex, over = work.ptr, work.tally, work.vertex, work.amount[OVER]
    tally[TURN] += 1
    tally[BEGIN : SLOTS + 2] = 0
    for k in range(last):
        u = vertex[ENDS, k]
        if over[u] == 0:
            continue
        side = 0 if over[u] > 0 else 1
        vertex[MARK + side, u] = tally[TURN]
        vertex[DIST + side, u] = 0
        vertex[QUEUE + side, tally[END + side]] = u
        tally[END + side] += 1
        tally[SLOTS + side] += ptr[u + 1] - ptr[u]
    met = 0
    while met == 0 and tally[BEGIN] < tally[END] and tally[BEGIN + 1] < tally[END + 1]:
        side = 0 if tally[SLOTS] <= tally[SLOTS + 1] else 1
        met = _grow(work, side)
    return met


@compiled
def _walk(work: Work, side: int, start: int) -> bool:
    """Walk from a meeting point to an end of one side that still has something; tell whether there is a way."""
    ptr, arc, vertex, turn = work.ptr, work.arc, work.vertex, work.tally[TURN]
    dist, here, path, mark = vertex[DIST + side], vertex[HERE + side], vertex[PATH + side], vertex[MARK + side]
    room, sign = AGAINST - side, 1 - 2 * side
    depth, u = 0, start
    while True:
        x = end = ptr[u + 1]
        if dist[u] > 0:
            x = _INT(here[u])
            while x < end:
                w = arc[x, HEAD]
                if arc[x, room] > 0 and mark[w] == turn and dist[w] == dist[u] - 1:
                    break
                x += 1
            work.tally[SEEN] += x - here[u] + 1
            here[u] = x
        elif dist[u] == 0 and sign * work.amount[OVER, u] > 0:
            work.tally[STEPS + side] = depth
            return True
        if x < end:
            path[depth] = x
            depth += 1
            u = _INT(arc[x, HEAD])
        elif depth == 0:
            return False
        else:
            dist[u] = _DEAD
            depth -= 1
            u = _INT(arc[arc[path[depth], BACK], HEAD])
            here[u] += 1


@compiled
def _join(work: Work, middle: int, most: int) -> int:
    """Send along the two walks from a meeting point."""
    arc, over = work.arc, work.amount[OVER]
    for side in range(2):
        path, steps = work.vertex[PATH + side], work.tally[STEPS + side]
        u = middle if steps == 0 else _INT(arc[path[steps - 1], HEAD])
        most = min(most, abs(over[u]))
        for k in range(steps):
            most = min(most, arc[path[k], AGAINST - side])
    for side in range(2):
        path, steps = work.vertex[PATH + side], work.tally[STEPS + side]
        u = middle if steps == 0 else _INT(arc[path[steps - 1], HEAD])
        over[u] -= (1 - 2 * side) * most
        for k in range(steps):
            _push(work, _INT(path[k]), (1 - 2 * side) * most)
    return most


@compiled
def _bound(work: Work, last: int) -> None:
    """Note which components lie between: no slot leads to a higher one, and flow sent stays within these."""
    tally, over = work.tally, work.amount[OVER]
    tally[REACH], tally[REACH + 1] = -1, work.part.shape[1]
    for k in range(last):
        u = work.vertex[ENDS, k]
        if over[u] > 0:
            tally[REACH] = max(tally[REACH], work.vertex[LABEL, u])
        if over[u] < 0:
            tally[REACH + 1] = min(tally[REACH + 1], work.vertex[LABEL, u])


@compiled
def _bridge(work: Work, last: int, want: int) -> int:
    """Send from where something is over to where it is missing."""
    got, tally = 0, work.tally
    _bound(work, last)
    while got < want and tally[REACH] >= tally[REACH + 1]:
        met = _search(work, last)
        if met == 0:
            break
        for k in range(met):
            middle, found = _INT(work.vertex[STACK, k]), True
            while got < want and found:
                for side in range(2):
                    found = found and _walk(work, side, middle)
                if found and _too_much(work, tally[STEPS] + tally[STEPS + 1]):
                    tally[GAVE_UP] = 1
                    return got
                if found:
                    got += _join(work, middle, want - got)
    return got


@compiled
def _answer(work: Work, way: int, last: int, want: int, only: int, limits: Integers) -> int:
    """Return how much can be re-routed, or -1 when finding out takes longer than looking at so many slots.

    The first limit is for what the hub brings or takes, the second for going without it.

    Through a hub: the lesser of what hub and tails bring to the heads (side 0), and what hub and heads take from the
    tails (side 1). One of the two is known for source and sink.
    """
    tally, kind = work.tally, work.part[KIND, only]
    tally[GAVE_UP] = 0
    for side in range(2):
        known = kind not in (side, OTHER) if way == HUB else side == 1
        if known:
            continue
        got = 0
        tally[SEEN], tally[LIMIT] = 0, limits[0]
        if way != DIRECT:
            got += _draw_all(work, last, want, way, side)
        if got < want and tally[GAVE_UP] == 0:
            tally[SEEN], tally[LIMIT] = 0, limits[1]
            got += _bridge(work, last, want - got)
        _undo(work, last)
        want = got
    return want if tally[GAVE_UP] == 0 else -1


@compiled
def _collect(work: Work, place: Integers, arcs: Integers) -> tuple[int, int]:
    """Take arcs out; note where something is over or missing; return how many vertices, and how much."""
    arc, over, ends, mark = work.arc, work.amount[OVER], work.vertex[ENDS], work.vertex[MARK]
    last, want = 0, 0
    for a in arcs:
        i = place[a]
        j = arc[i, BACK]
        for u in (arc[i, HEAD], arc[j, HEAD]):
            if mark[u] != -1:
                mark[u] = -1
                ends[last] = u
                last += 1
        over[arc[j, HEAD]] += arc[i, AGAINST]
        over[arc[i, HEAD]] -= arc[i, AGAINST]
        arc[i, ALONG] = arc[i, AGAINST] = arc[j, ALONG] = arc[j, AGAINST] = 0
    for k in range(last):
        u = ends[k]
        mark[u] = 0
        work.amount[DUE, k] = over[u]
        want += max(over[u], 0)
    return last, want


@compiled
def each(
    work: Work, cap: Integers, place: Integers, most: int, way: int, only: Integers, items: Integers, arcs: Integers,
    todo: Integers, limits: Integers, found: Integers,
) -> None:  # fmt: skip
    """Find the loss of the items to do; -1 where it takes too long."""
    arc = work.arc
    for item in todo:
        mine = arcs[items[item] : items[item + 1]]
        last, want = _collect(work, place, mine)
        got = _answer(work, way, last, want, only[item], limits)
        found[item] = want - got if got >= 0 else -1
        for k in range(last):
            work.amount[OVER, work.vertex[ENDS, k]] = 0
        for a in mine:
            i = place[a]
            j = arc[i, BACK]
            arc[i, ALONG] = arc[j, AGAINST] = min(cap[i], most)
            arc[i, AGAINST] = arc[j, ALONG] = min(cap[j], most)
