"""Lines on the map: lanes that share a stretch of sea become one line that carries their sum.

Every line is kept in hundredths of a degree, so that lanes over the same stretch of the lane network meet
in the very same points and can be added up exactly.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Line = NDArray[np.int64]
    Table = NDArray[np.float64]

#: Steps per degree.
SCALE = 100
_TURN = 360 * SCALE
#: Lines west of this meridian are drawn beyond 180 E, so that the map is cut in the Atlantic.
CUT = -30.0
#: Bend that a line may lose, in degrees: less than a pixel until a port fills the screen.
_BEND = 0.015


@dataclass(frozen=True)
class Chain:
    """A stretch with the same flow all along: points, and tonnes along and against its direction.

    ``flow`` has shape (2, columns): forward and backward, one column per (product, scenario).
    """

    points: Line
    flow: Table


def integer(line: Sequence[tuple[float, float]] | NDArray[np.float64]) -> Line:
    """Return a line in hundredths of a degree, without repeated points."""
    points = np.round(np.asarray(line, dtype=float) * SCALE).astype(np.int64)
    keep = np.ones(len(points), dtype=bool)
    keep[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
    return points[keep]


def great_circle(start: tuple[float, float], end: tuple[float, float], *, step: float = 2.0) -> Line:
    """Return the great circle between two points (degrees east, north), a point every ``step`` degrees.

    Examples
    --------
    >>> great_circle((0, 0), (90, 0), step=45).tolist()
    [[0, 0], [4500, 0], [9000, 0]]
    """
    a, b = (_vector(*point) for point in (start, end))
    angle = float(np.arccos(np.clip(a @ b, -1.0, 1.0)))
    if angle < np.radians(step) or np.pi - angle < 1e-6:
        return integer([start, end])
    at = np.linspace(0.0, 1.0, max(2, int(np.ceil(np.degrees(angle) / step)) + 1))[:, None]
    points = (np.sin((1 - at) * angle) * a + np.sin(at * angle) * b) / np.sin(angle)
    lat = np.degrees(np.arcsin(np.clip(points[:, 2], -1.0, 1.0)))
    lon = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    return integer(np.column_stack([lon, lat]))


def _vector(lon: float, lat: float) -> NDArray[np.float64]:
    east, north = np.radians(lon), np.radians(lat)
    return np.array([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


def merge(lines: Sequence[Line], flows: Table) -> list[Chain]:
    """Add up lines over the stretches they share.

    Parameters
    ----------
    lines
        One line per row of ``flows``, in hundredths of a degree.
    flows
        Tonnes, shape (lines, columns).

    Returns
    -------
    list of Chain
        In an order that depends on nothing but the input; the stretches of every line are covered exactly
        once. Linear in the number of points, but for one sort.
    """
    if not lines:
        return []
    points, ends, direction, owner = _stretches(lines)
    if not len(ends):
        return []
    totals = _totals(ends, direction, owner, flows)
    ends = np.unique(ends, axis=0)
    along = _labels(totals)
    return [Chain(points[walk], totals[number]) for walk, number in _Walker(ends, along).walks()]


def _stretches(lines: Sequence[Line]) -> tuple[Line, Line, Line, Line]:
    """Return the distinct points, and per stretch its two ends (low, high), direction and line."""
    raw = np.concatenate(lines)
    raw[:, 0] = (raw[:, 0] + _TURN // 2) % _TURN - _TURN // 2
    points, number = np.unique(raw, axis=0, return_inverse=True)
    number = number.ravel()
    inside = np.ones(len(raw), dtype=bool)
    inside[np.cumsum([len(line) for line in lines]) - 1] = False
    first = np.flatnonzero(inside)
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])[first]
    a, b = number[first], number[first + 1]
    keep = a != b
    a, b, owner = a[keep], b[keep], owner[keep]
    return points, np.column_stack([np.minimum(a, b), np.maximum(a, b)]), (a > b).astype(np.int64), owner


def _totals(ends: Line, direction: Line, owner: Line, flows: Table) -> Table:
    """Return tonnes per distinct stretch, shape (stretches, 2, columns)."""
    from scipy.sparse import csr_array

    _, stretch = np.unique(ends, axis=0, return_inverse=True)
    stretch = stretch.ravel()
    count = int(stretch.max()) + 1 if len(stretch) else 0
    ones = np.ones(len(stretch))
    spread = csr_array((ones, (stretch * 2 + direction, owner)), shape=(count * 2, len(flows)))
    return np.asarray(spread @ flows).reshape(count, 2, flows.shape[1])


def _labels(totals: Table) -> Line:
    """Return one number per (stretch, direction walked); equal numbers carry equal flows."""
    rounded = np.round(totals, 1)
    both = np.concatenate([rounded, rounded[:, ::-1]]).reshape(2 * len(totals), -1)
    _, label = np.unique(both, axis=0, return_inverse=True)
    return np.asarray(label.ravel().reshape(2, len(totals)).T)


class _Walker:
    """Joins stretches end to end while nothing branches and the flow stays the same."""

    def __init__(self, ends: Line, label: Line) -> None:
        self.ends = [(int(a), int(b)) for a, b in ends]
        self.label = label
        self.used = np.zeros(len(ends), dtype=bool)
        self.around: dict[int, list[int]] = defaultdict(list)
        for number, (a, b) in enumerate(self.ends):
            self.around[a].append(number)
            self.around[b].append(number)

    def walks(self) -> Iterator[tuple[list[int], int]]:
        """Yield the points of every walk, and a stretch that it takes from low to high."""
        for number, (a, b) in enumerate(self.ends):
            if self.used[number]:
                continue
            self.used[number] = True
            head = self._onward(b, self.label[number, 0])
            tail = self._onward(a, self.label[number, 1])
            yield [*reversed(tail), a, b, *head], number

    def _onward(self, at: int, flow: int) -> list[int]:
        """Walk on from a point; ``flow`` is the label in the direction of walking."""
        path: list[int] = []
        while True:
            free = [number for number in self.around[at] if not self.used[number]]
            if len(self.around[at]) != 2 or len(free) != 1:
                return path
            a, b = self.ends[free[0]]
            if self.label[free[0], 0 if a == at else 1] != flow:
                return path
            self.used[free[0]] = True
            at = b if a == at else a
            path.append(at)


def unwrap(points: Line) -> Line:
    """Return the line without jumps at 180 degrees, starting east of the Atlantic cut."""
    line = points.copy()
    line[1:, 0] -= _TURN * np.cumsum(np.round(np.diff(points[:, 0]) / _TURN)).astype(np.int64)
    if line[0, 0] < CUT * SCALE:
        line[:, 0] += _TURN
    return line


def thin(points: Line) -> Line:
    """Return an unwrapped line with the bends that nobody can see left out."""
    if len(points) < 3:
        return points
    import shapely

    line = shapely.LineString(points).simplify(_BEND * SCALE)
    return np.asarray(line.coords).astype(np.int64)
