"""Where the nodes and bands of a Sankey diagram stand: few crossings, room for every name, the same on every run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.maps.plots.stages import OTHER, STOCK, UNKNOWN

if TYPE_CHECKING:
    from supplygraph.maps.plots.stages import Stages

#: Passes of ordering, back and forth.
_SWEEPS = 12
#: Steps of the search for the scale.
_STEPS = 60
_SKIPS = ">"
#: Nodes that stay below the others, in this order.
_LAST = {OTHER: 1, UNKNOWN: 2, STOCK: 3}

Node = tuple[int, str]


@dataclass
class Box:
    """One node: its tonnes, the inches of its upper edge, and how far its bands are stacked."""

    tonnes: float
    top: float = 0.0
    entered: float = 0.0
    left: float = 0.0


@dataclass
class Band:
    """One pair: the nodes it runs through, its tonnes, and the upper edge at each end of each step."""

    chain: list[Node]
    reported_t: float
    estimated_t: float
    edges: list[tuple[float, float]] = field(default_factory=list)

    @property
    def tonnes(self) -> float:
        """All tonnes of the band."""
        return self.reported_t + self.estimated_t


@dataclass
class Layout:
    """Everything placed: ``scale`` is inches per tonne, ``top`` counts downward."""

    columns: list[list[Node]]
    boxes: dict[Node, Box]
    bands: list[Band]
    scale: float


def is_pass(node: Node) -> bool:
    """Tell whether a node only lets bands pass that skip its column."""
    return node[1].startswith(_SKIPS)


def place(stages: Stages, height: float, line: float, gap: float) -> Layout:
    """Place nodes and bands in a height.

    Parameters
    ----------
    stages
        The tonnes.
    height, line, gap
        Inches: of all, of a name, between nodes.
    """
    bands = [
        Band(_chain((column, key), (to, to_key)), reported, estimated)
        for column, key, to, to_key, reported, estimated in stages.links.itertuples(index=False)
    ]
    boxes = _boxes(bands)
    columns = _ordered(len(stages.titles), boxes, bands)
    scale = _scale(columns, boxes, height, line, gap)
    for column in columns:
        slots = [_slot(boxes[node].tonnes * scale, node, line) for node in column]
        at = (height - sum(slots) - gap * (len(slots) - 1)) / 2
        for node, slot in zip(column, slots, strict=True):
            boxes[node].top = at + (slot - boxes[node].tonnes * scale) / 2
            at += slot + gap
    _stack(bands, boxes, columns, scale)
    return Layout(columns, boxes, bands, scale)


def _chain(start: Node, end: Node) -> list[Node]:
    """Return the nodes of a band; where it skips a column it runs with others to the same end."""
    passed = [(column, f"{_SKIPS}{end[0]}{end[1]}") for column in range(start[0] + 1, end[0])]
    return [start, *passed, end]


def _boxes(bands: list[Band]) -> dict[Node, Box]:
    into: dict[Node, float] = {}
    out: dict[Node, float] = {}
    for band in bands:
        for node in band.chain[1:]:
            into[node] = into.get(node, 0.0) + band.tonnes
        for node in band.chain[:-1]:
            out[node] = out.get(node, 0.0) + band.tonnes
    return {node: Box(max(into.get(node, 0.0), out.get(node, 0.0))) for node in sorted({*into, *out})}


def _ordered(count: int, boxes: dict[Node, Box], bands: list[Band]) -> list[list[Node]]:
    """Order each column so that few tonnes cross: sweeps to the mean place of neighbours, the best order kept."""
    columns = [sorted((node for node in boxes if node[0] == column), key=lambda node: _rank(node, -boxes[node].tonnes))
               for column in range(count)]  # fmt: skip
    steps = [(a, b, band.tonnes) for band in bands for a, b in zip(band.chain, band.chain[1:], strict=False)]
    best, least = columns, _crossed(columns, steps)
    for sweep in range(_SWEEPS):
        columns = [list(column) for column in columns]
        forward = sweep % 2 == 0
        for number in range(1, count) if forward else range(count - 2, -1, -1):
            at = _centres(columns, boxes)
            pull: dict[Node, list[tuple[float, float]]] = {node: [] for node in columns[number]}
            for a, b, tonnes in steps:
                mine, other = (b, a) if forward else (a, b)
                if mine in pull:
                    pull[mine].append((at[other], tonnes))
            columns[number].sort(key=lambda node: _rank(node, _mean(pull[node], at[node])))
        crossed = _crossed(columns, steps)
        if crossed < least * (1 - 1e-9):
            best, least = columns, crossed
    return best


def _rank(node: Node, value: float) -> tuple[int, float, str]:
    return _LAST.get(node[1], 0), value, node[1]


def _mean(pulls: list[tuple[float, float]], default: float) -> float:
    weight = sum(tonnes for _, tonnes in pulls)
    return sum(at * tonnes for at, tonnes in pulls) / weight if weight > 0 else default


def _centres(columns: list[list[Node]], boxes: dict[Node, Box]) -> dict[Node, float]:
    """Return the middle of each node, in parts of its column."""
    found: dict[Node, float] = {}
    for column in columns:
        sizes = np.array([boxes[node].tonnes for node in column])
        middle = (np.cumsum(sizes) - sizes / 2) / max(sizes.sum(), 1e-300)
        found.update(zip(column, middle.tolist(), strict=True))
    return found


def _crossed(columns: list[list[Node]], steps: list[tuple[Node, Node, float]]) -> float:
    """Return how many tonnes cross how many: products over all pairs of crossing steps."""
    row = {node: place for column in columns for place, node in enumerate(column)}
    total = 0.0
    for number in range(len(columns) - 1):
        here = [(row[a], row[b], tonnes) for a, b, tonnes in steps if a[0] == number]
        if here:
            a, b, tonnes = (np.array(part, dtype=np.float64) for part in zip(*here, strict=True))
            crosses = np.sign(a[:, None] - a[None, :]) * np.sign(b[:, None] - b[None, :]) < 0
            total += float((crosses * tonnes[:, None] * tonnes[None, :]).sum())
    return total


def _slot(high: float, node: Node, line: float) -> float:
    """Return the inches of a node with its name."""
    return high if is_pass(node) else max(high, line)


def _scale(columns: list[list[Node]], boxes: dict[Node, Box], height: float, line: float, gap: float) -> float:
    """Return the largest inches per tonne at which every column fits."""
    low, high = 0.0, min(height / sum(boxes[node].tonnes for node in column) for column in columns if column)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        fits = all(
            sum(_slot(boxes[node].tonnes * middle, node, line) for node in column) + gap * (len(column) - 1) <= height
            for column in columns
        )
        low, high = (middle, high) if fits else (low, middle)
    return low


def _stack(bands: list[Band], boxes: dict[Node, Box], columns: list[list[Node]], scale: float) -> None:
    """Stack the bands at each node in the order of where they come from and go to; passing bands keep theirs."""
    row = {node: place for column in columns for place, node in enumerate(column)}
    starts: dict[int, list[float]] = {number: [] for number in range(len(bands))}
    ends: dict[int, list[float]] = {number: [] for number in range(len(bands))}
    for column in range(len(columns)):
        into = [(number, step) for number, band in enumerate(bands) for step, node in enumerate(band.chain)
                if step and node[0] == column]  # fmt: skip
        out = [(number, step) for number, band in enumerate(bands) for step, node in enumerate(band.chain[:-1])
               if node[0] == column]  # fmt: skip
        into.sort(key=lambda one: (starts[one[0]][-1], one[0]))
        for number, step in into:
            box, band = boxes[bands[number].chain[step]], bands[number]
            ends[number].append(box.top + box.entered)
            box.entered += band.tonnes * scale
        out.sort(key=lambda one: (row[bands[one[0]].chain[one[1] + 1]], one[0]))
        for number, step in out:
            node = bands[number].chain[step]
            if is_pass(node):
                starts[number].append(ends[number][-1])
                continue
            box = boxes[node]
            starts[number].append(box.top + box.left)
            box.left += bands[number].tonnes * scale
    for number, band in enumerate(bands):
        band.edges = list(zip(starts[number], ends[number], strict=True))
