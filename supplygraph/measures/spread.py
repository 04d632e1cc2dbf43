"""How sure an answer is: its 5 to 95 % interval and the stability of its ranking over an ensemble of networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.world.ensemble import Ensemble

    Floats = NDArray[np.float64]

#: The interval that every answer carries.
LOW, HIGH = 0.05, 0.95
#: A ranking is stable where the same items stay among so many.
TOP = 5
#: Figures whose interval is told in words; the others stand in the answer.
_TOLD = 3
#: Draws kept as they are; beyond, two blocks of that many become one.
_KEPT = 1024

_Answer = TypeVar("_Answer", bound=Result)


@dataclass(frozen=True)
class Spread:
    """What of an answer varies between draws.

    Attributes
    ----------
    columns
        Columns of the main table that get bounds beside them, ``share_low`` and ``share_high``. Where the table has
        such a column already (what is of unknown origin), the bound holds both doubts.
    rank
        The column that ranks, largest first: adds ``rank_low``, ``rank_high`` and ``stability``.
    figures
        Named figures that get bounds.
    wide
        Whether the main table has a column per item: its bounds are further tables ``low`` and ``high``, of the same
        shape, and ``stability`` is the share of draws in which a column is the largest of its row.
    ids
        For wide tables, columns that are no items.
    """

    columns: tuple[str, ...] = ()
    rank: str | None = None
    figures: tuple[str, ...] = ()
    wide: bool = False
    ids: tuple[str, ...] = ()


@dataclass
class Quantiles:
    """Quantiles of many numbers at once, in memory that does not grow with the number of draws.

    Exact up to 2 x ``kept`` - 1 draws. Beyond, two sorted blocks are merged and every other row is kept (Munro and
    Paterson 1980): a rank is then wrong by at most log2(draws / kept) / (2 x kept).

    Examples
    --------
    >>> many = Quantiles(2)
    >>> for draw in range(101):
    ...     many.add(np.array([draw, -2.0 * draw]))
    >>> many.at(0.05).tolist()
    [5.0, -190.0]
    """

    width: int
    kept: int = _KEPT
    _rows: list[Floats] = field(default_factory=list)
    _blocks: list[Floats | None] = field(default_factory=list)
    _turn: int = 0

    def __post_init__(self) -> None:
        self._missing = np.zeros(self.width, dtype=bool)

    def add(self, row: Floats) -> None:
        """Take the numbers of one more draw; a missing one makes its quantiles missing."""
        self._rows.append(np.array(row, dtype=np.float64))
        self._missing |= np.isnan(self._rows[-1])
        if len(self._rows) == self.kept:
            self._keep(np.sort(np.stack(self._rows), axis=0))
            self._rows = []

    def _keep(self, block: Floats) -> None:
        for level, held in enumerate(self._blocks):
            if held is None:
                self._blocks[level] = block
                return
            block = np.sort(np.concatenate([held, block]), axis=0)[self._turn :: 2]
            self._turn = 1 - self._turn
            self._blocks[level] = None
        self._blocks.append(block)

    def at(self, share: float) -> Floats:
        """Return a quantile of each number."""
        held = [(2.0**level, block) for level, block in enumerate(self._blocks) if block is not None]
        if self._rows:
            held.append((1.0, np.stack(self._rows)))
        if not held or not self.width:
            return np.full(self.width, np.nan)
        rows = np.concatenate([block for _, block in held])
        if all(weight == 1.0 for weight, _ in held):
            return np.where(self._missing, np.nan, np.quantile(rows, share, axis=0))
        weight = np.concatenate([np.full(len(block), weight) for weight, block in held])
        order = np.argsort(rows, axis=0)
        reached = np.cumsum(weight[order], axis=0) >= share * weight.sum()
        found = np.take_along_axis(rows, order, axis=0)[reached.argmax(axis=0), np.arange(self.width)]
        return np.where(self._missing, np.nan, found)


def over(
    ensemble: Ensemble,
    measure: Callable[..., _Answer],
    what: Spread,
    drawn: Mapping[str, Any] | None = None,
    /,
    **options: Any,
) -> _Answer:
    """Answer a question for the network of an ensemble, with intervals and stability from its draws.

    Parameters
    ----------
    ensemble
        The draws.
    measure
        A function of a network and the options; it must be importable, since other processes may run it.
    what
        What varies.
    drawn
        Options that differ for the draws, where each of them need not tell everything.
    options
        Passed on.

    Returns
    -------
    The measure's answer for ``ensemble.net``, with columns (tables) and figures added.

    Notes
    -----
    The measure runs once per draw. What varies with an item that a draw does not rank is taken as nothing.
    """
    central = measure(ensemble.net, **options)
    numbers = _Numbers.of(central, what)
    quiet = {"progress": False} if "progress" in options else {}
    read = partial(_read, measure=measure, options={**options, **quiet, **(drawn or {})}, numbers=numbers)
    seen = _Seen(numbers)
    for row in ensemble.each(read):
        seen.add(row)
    return seen.tell(central, ensemble)


def sets(ensemble: Ensemble, measure: Callable[..., _Answer], figures: tuple[str, ...], **options: Any) -> _Answer:
    """Answer a question whose answer is a set, and say how often the draws choose the same.

    Parameters
    ----------
    ensemble, measure, options
        As for :func:`over`. The rows of the main table are the set.
    figures
        Named figures that get bounds.

    Returns
    -------
    The measure's answer for ``ensemble.net``; each row with its ``stability``, the share of draws whose own set has it;
    a table ``chosen`` of all sets found (``items``, ``share`` of draws, and the mean of each figure).
    """
    central = measure(ensemble.net, **options)
    quiet = {"progress": False} if "progress" in options else {}
    read = partial(_chosen, measure=measure, options={**options, **quiet}, figures=figures)
    told = list(ensemble.each(read))
    found = pd.DataFrame([(";".join(items), *numbers) for items, numbers in told], columns=["items", *figures])
    chosen = found.groupby("items").agg(share=("items", "size"), **{name: (name, "mean") for name in figures})
    chosen = chosen.assign(share=chosen["share"] / len(found)).reset_index()
    chosen = chosen.sort_values(["share", "items"], ascending=[False, True], ignore_index=True)
    often = [np.mean([item in items for items, _ in told]) for item in central.table.index]
    bounds = {
        f"{name}{ending}": float(found[name].quantile(share))
        for name in figures
        for ending, share in (("_low", LOW), ("_high", HIGH))
    }
    same = np.mean([set(items) == set(central.table.index) for items, _ in told])
    words = f"{central.explain()}\nOver {ensemble.n} draws: {same:.0%} choose the same set" + "".join(
        f"; {name.replace('_', ' ')} {bounds[f'{name}_low']:,.0f} to {bounds[f'{name}_high']:,.0f}" for name in figures
    )
    tables = {"table": central.table.assign(stability=often), "chosen": chosen}
    params = {"draws": ensemble.n, "seed": ensemble.seed, "interval": (LOW, HIGH)}
    return central.extended(tables=tables, figures=bounds, params=params, explanation=f"{words} (5 to 95 %).")


def _chosen(
    net: SupplyNetwork, measure: Callable[..., Result], options: Mapping[str, Any], figures: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    answer = measure(net, **options)
    return tuple(sorted(map(str, answer.table.index))), tuple(float(answer.figures[name]) for name in figures)


def _read(net: SupplyNetwork, measure: Callable[..., Result], options: Mapping[str, Any], numbers: _Numbers) -> Floats:
    return numbers.read(measure(net, **options))


@dataclass(frozen=True)
class _Numbers:
    """Where the numbers that vary stand in a row: values, then lower, then upper bounds."""

    what: Spread
    index: pd.Index
    columns: tuple[str, ...]

    @classmethod
    def of(cls, central: Result, what: Spread) -> _Numbers:
        table = central.table
        columns = [name for name in table.columns if name not in what.ids] if what.wide else list(what.columns)
        return cls(what, table.index, tuple(columns))

    @property
    def cells(self) -> int:
        return len(self.index) * len(self.columns)

    def read(self, answer: Result) -> Floats:
        table, figures = answer.table, answer.figures
        parts = [_cells(table, self.index, self.columns, ending) for ending in ("", "_low", "_high")]
        named = [
            np.array([figures.get(f"{name}{ending}", figures[name]) for name in self.what.figures], dtype=np.float64)
            for ending in ("", "_low", "_high")
        ]
        return np.concatenate([*parts, *named])


def _cells(table: pd.DataFrame, index: pd.Index, columns: tuple[str, ...], ending: str) -> Floats:
    """Return the cells of some columns, in rows of the index; an item that is not there has nothing."""
    own = [name + ending if name + ending in table.columns else name for name in columns]
    found = table.reindex(columns=own)
    values = found.to_numpy(dtype=np.float64)
    row = table.index.get_indexer(index)
    lacking = ~pd.Index(own).isin(table.columns)
    values = np.where(lacking[None, :], 0.0, values)
    return np.where((row < 0)[:, None], 0.0, values[row] if len(values) else 0.0).ravel()


@dataclass
class _Seen:
    """What the draws have said so far."""

    numbers: _Numbers

    def __post_init__(self) -> None:
        size = 3 * (self.numbers.cells + len(self.numbers.what.figures))
        self.quantiles = Quantiles(size)
        self.draws = 0
        self.ranks = Quantiles(len(self.numbers.index))
        self.often = np.zeros(self.numbers.cells if self.numbers.what.wide else len(self.numbers.index))

    def add(self, row: Floats) -> None:
        self.draws += 1
        self.quantiles.add(row)
        what, shape = self.numbers.what, (len(self.numbers.index), len(self.numbers.columns))
        values = row[: self.numbers.cells].reshape(shape)
        if what.wide and values.size:
            largest = values.argmax(axis=1)
            self.often.reshape(shape)[np.arange(shape[0]), largest] += values.max(axis=1) > 0
        elif what.rank is not None:
            by = values[:, self.numbers.columns.index(what.rank)]
            rank = np.empty(len(by))
            rank[np.argsort(np.where(np.isnan(by), np.inf, -by), kind="stable")] = np.arange(1, len(by) + 1)
            self.ranks.add(rank)
            self.often += rank <= TOP

    def tell(self, central: _Answer, ensemble: Ensemble) -> _Answer:
        numbers, what = self.numbers, self.numbers.what
        low, high = self.quantiles.at(LOW), self.quantiles.at(HIGH)
        cells, figures = numbers.cells, len(what.figures)
        shape = (len(numbers.index), len(numbers.columns))
        bounds = [low[cells : 2 * cells].reshape(shape), high[2 * cells : 3 * cells].reshape(shape)]
        named = [low[3 * cells + figures : 3 * cells + 2 * figures], high[3 * cells + 2 * figures :]]
        told: dict[str, float] = {}
        for ending, values in zip(("_low", "_high"), named, strict=True):
            told.update({f"{name}{ending}": float(value) for name, value in zip(what.figures, values, strict=True)})
        frames = [pd.DataFrame(part, index=numbers.index, columns=list(numbers.columns)) for part in bounds]
        params = {"draws": ensemble.n, "seed": ensemble.seed, "interval": (LOW, HIGH)}
        share = self.often / max(self.draws, 1)
        if what.wide:
            stability = pd.DataFrame(share.reshape(shape), index=numbers.index, columns=list(numbers.columns))
            tables = {"low": frames[0], "high": frames[1], "stability": stability}
        else:
            table = dict(self._beside(central.table, frames))
            if what.rank is not None:
                table["rank_low"], table["rank_high"] = self.ranks.at(LOW), self.ranks.at(HIGH)
                table["stability"] = share
                params["stability"] = f"share of draws among the first {TOP}"
            tables = {"table": pd.DataFrame(table, index=numbers.index)}
        words = f"{central.explain()} {_words(tables, told, what, self.draws)}"
        return central.extended(tables=tables, figures=told, params=params, explanation=words)

    def _beside(self, table: pd.DataFrame, frames: list[pd.DataFrame]) -> Iterator[tuple[str, Any]]:
        """Return the columns of a table, bounds after each that varies."""
        bounded = {f"{name}{ending}" for name in self.numbers.columns for ending in ("_low", "_high")}
        for name in table.columns:
            if name in bounded:
                continue
            yield name, table[name]
            if name in self.numbers.columns:
                yield f"{name}_low", frames[0][name]
                yield f"{name}_high", frames[1][name]


def _words(tables: Mapping[str, pd.DataFrame], figures: Mapping[str, float], what: Spread, draws: int) -> str:
    """Say how sure the figures and the ranking are."""
    said = [
        f"{name.upper() if name == 'hhi' else name.replace('_', ' ')} {figures[f'{name}_low']:.3g} to "
        f"{figures[f'{name}_high']:.3g}"
        for name in what.figures
        if figures[f"{name}_high"] > figures[f"{name}_low"]
    ][:_TOLD]
    table = tables.get("table")
    if table is not None and "stability" in table and len(table) > TOP:
        firm = int((table["stability"].head(TOP) >= HIGH).sum())
        said.append(f"{firm} of the first {TOP} stay among them in at least {HIGH:.0%} of the draws")
    return f"Over {draws} draws (5 to 95 %): {'; '.join(said)}." if said else f"Intervals are of {draws} draws."
