"""How much room to leave what may fail, so that a bound on the loss is least."""

from __future__ import annotations

from typing import Any


class Rooms:
    """Looks for the room of the least bound, a convex function of it, by its values and slopes.

    The least value lies between two rooms where the bound falls and rises; the tangents there meet at its floor.
    """

    def __init__(self, more: int, loss: Any, most: Any, *, whole: bool) -> None:
        self.more, self.loss, self.whole = more, loss, whole
        self.low: tuple[Any, Any, Any] | None = None
        self.high: tuple[Any, Any, Any] = (most, loss + more * most, more)  # enough room for everything

    def first(self, goal: Any) -> Any:
        """Return the room that closes the branch if nothing is lost by it."""
        room = (goal - self.loss) // self.more if self.whole else (goal - self.loss) / self.more
        return max(min(room, self.high[0]), 0)

    def next(self, room: Any, value: Any, slope: Any) -> tuple[Any, Any]:
        """Return the room to try next, and a value that no room goes below; None, when there is no better room."""
        if slope < 0:
            self.low = room, value, slope
        else:
            self.high = room, value, slope
        if slope == 0 or (room == 0 and slope > 0):
            return None, value
        if self.low is None:
            return (room // 2 if self.whole else room / 2), 0
        (a, at_a, down), (b, at_b, up) = self.low, self.high
        if b - a <= (1 if self.whole else 1e-9 * b):
            return None, value
        meet = a + (at_b - at_a - up * (b - a)) / (down - up)
        floor = at_a + down * (meet - a)
        return min(max(int(meet), a + 1), b - 1) if self.whole else min(max(meet, a), b), floor
