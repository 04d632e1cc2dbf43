"""An ensemble: many networks that are all compatible with what is known, drawn from one seed."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from supplygraph.errors import DataError, LimitError, Problem
from supplygraph.network.network import _restore
from supplygraph.world import workers as crew
from supplygraph.world.drawing import NOISE, Drawing, Noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

_Told = TypeVar("_Told")

#: More draws than this are refused: quantiles would not change, and the wait would be days.
MOST = 1_000_000
#: Other processes are started when those at hand would need longer than this, in seconds.
PAYS = 8.0
#: Draws that are timed before that is decided.
TRIED = 3
#: Draws behind the bounds of a network.
BOUNDED = 1000
#: The bounds: 5 and 95 % of the draws.
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Draws of a network; made by `ensemble`.

    Every measure takes an ensemble in place of a network, and then tells the 5 to 95 % interval beside each number.

    Attributes
    ----------
    net
        The central network.
    n, seed
        How many draws, and the seed that reproduces them.
    workers
        Processes that answer, at most; ``None`` leaves it to the machine.
    progress
        Whether a bar is shown on stderr.
    noise
        What varies, and how much.
    """

    net: SupplyNetwork
    n: int
    seed: int
    workers: int | None = field(default=None, repr=False)
    progress: bool = field(default=False, repr=False)
    noise: Noise = field(default=NOISE, repr=False)

    @cached_property
    def _drawing(self) -> Drawing:
        return Drawing(self.net, self.noise)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_drawing"}

    def __repr__(self) -> str:
        """Say what is drawn, and what varies."""
        net = self.net
        name = net._meta.get("name", "a network")  # noqa: SLF001 - read, not changed
        told = self._drawing
        return "\n".join(
            [
                f"Ensemble of {self.n} draws of {name} (seed {self.seed})",
                f"  {len(told.pairs.flow)} pairs of {len(net.processes)} processes, {len(net.shipments)} shipments",
                f"  known besides: {len(told.totals.quantity)} totals, {len(told.blocks.quantity)} customs records",
                "  varies: quantities by their confidence, the spread of freight, who ships to whom, ports",
            ]
        )

    def draw(self, number: int) -> SupplyNetwork:
        """Return one draw, 0 to n - 1: a network with the same sites, processes, edges and shipments.

        Every process balances (intake x recovery = output, to 1e-9). Capacities vary with activities, so that spare
        capacity stays the same share; limits of sites and edges that the drawn tonnes exceed are raised to them.

        Raises
        ------
        LimitError
            If there is no such draw.
        """
        if not 0 <= number < self.n:
            raise LimitError(f"there is no draw {number}: an ensemble of {self.n} has 0 to {self.n - 1}.")
        return self._drawing.draw(self.seed, number)

    def each(self, function: Callable[[SupplyNetwork], _Told]) -> Iterator[_Told]:
        """Yield what a function says of each draw, in order.

        Parameters
        ----------
        function
            Of a network. Other processes run it where that saves time, if they can import it: one that is
            defined in a script or a notebook runs here.

        Notes
        -----
        Memory does not grow with the number of draws: a bounded number is in flight. The answers are the same for any
        number of workers. Ending the iteration early, or an interrupt, ends the processes.
        """
        return self._told(partial(_of_draw, self._alone(), function))

    def bounded(self) -> SupplyNetwork:
        """Return the central network with the 5 and 95 % bounds of its shipments and activities filled in.

        Returns
        -------
        SupplyNetwork
            With ``flow_low_t``, ``flow_high_t``, ``activity_low_t``, ``activity_high_t``. A bound that would leave
            the central value outside is that value. Of an ensemble of more than 1,000 draws the first 1,000 count.
        """
        rows = np.stack(list(islice(self._told(partial(_numbers, self._alone())), min(self.n, BOUNDED))))
        bounds = _rounded(np.quantile(rows, [LOW, HIGH], axis=0))
        tables = dict(self.net._tables)  # noqa: SLF001 - a frame may be shared: no network changes its own
        shipments, processes = self.net.shipments, self.net.processes
        count = len(shipments)
        for table, stem, part in (
            (shipments, "flow", bounds[:, :count]),
            (processes, "activity", bounds[:, count:]),
        ):
            central = table[f"{stem}_t"].to_numpy(dtype=float)
            table[f"{stem}_low_t"] = np.minimum(part[0], central)
            table[f"{stem}_high_t"] = np.maximum(part[1], central)
        return _restore(tables | {"shipments": shipments, "processes": processes}, self.net._meta)  # noqa: SLF001

    def _alone(self) -> Ensemble:
        """Return the ensemble as a worker gets it: it starts no workers of its own."""
        if self.workers == 1 and not self.progress:
            return self
        alone = Ensemble(self.net, self.n, self.seed, 1, noise=self.noise)
        alone.__dict__["_drawing"] = self._drawing
        return alone

    def _told(self, question: Callable[[int], _Told]) -> Iterator[_Told]:
        """Answer for each draw, here or in other processes."""
        from tqdm.auto import tqdm

        with tqdm(total=self.n, disable=not self.progress, desc="draws", unit="draw") as bar:
            for told in self._answers(question):
                bar.update()
                yield told

    def _answers(self, question: Callable[[int], _Told]) -> Iterator[_Told]:
        hands = self.workers or (1 if parent_process() is not None else os.cpu_count() or 1)
        hands = min(hands, self.n)
        packed = crew.packed(question) if hands > 1 else None
        done = 0
        if packed is not None and self.workers is None:
            start = time.perf_counter()
            for done in range(1, min(TRIED, self.n) + 1):
                if done == 2:
                    start = time.perf_counter()  # the first draw also pays for what is laid out once
                yield question(done - 1)
            spent = (time.perf_counter() - start) / max(done - 1, 1)
            if spent * (self.n - done) < PAYS:
                packed = None
        if packed is None:
            yield from map(question, range(done, self.n))
        else:
            yield from crew.ask(packed, range(done, self.n), hands)


def _of_draw(draws: Ensemble, function: Callable[[SupplyNetwork], _Told], number: int) -> _Told:
    return function(draws.draw(number))


def _numbers(draws: Ensemble, number: int) -> NDArray[np.float64]:
    return np.concatenate(draws._drawing.numbers(draws.seed, number))  # noqa: SLF001 - its own


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to six digits: the last ones of a quantile are noise, and differ between machines."""
    with np.errstate(divide="ignore"):
        size = np.where(values > 0, np.floor(np.log10(np.where(values > 0, values, 1.0))), 0.0)
    unit = 10.0 ** (5 - size)
    return np.asarray(np.round(values * unit) / unit)


def ensemble(
    net: SupplyNetwork, n: int = 200, seed: int = 0, *, workers: int | None = None, progress: bool = False
) -> Ensemble:
    """Return draws of a network: the networks that are all compatible with what is known.

    Flows between sites are estimates, and statistics are rounded, withheld or guessed. Each draw perturbs every
    figure by as much as its confidence allows and closes all balances again, so that a measure on the draws shows
    how far its answer hangs on what nobody knows.

    Parameters
    ----------
    net
        A network with shipments.
    n
        How many draws.
    seed
        Whole number, not negative: the same seed gives the same draws, on any number of workers.
    workers
        Processes to use at most; ``None``: as many as there are processors, where that saves time.
    progress
        Show a bar on stderr.

    Returns
    -------
    Ensemble
        ``draw(i)``, ``each(function)``, ``bounded()``; measures take it in place of a network.

    Raises
    ------
    DataError
        If there is nothing to draw from (no shipments), or ``n``, ``seed`` or ``workers`` is no such number.
    LimitError
        If ``n`` is beyond 1,000,000.

    Notes
    -----
    Varies (standard deviations of logarithms): activities, national totals and customs records by confidence, .05 high,
    .15 medium, .35 low, .5 none given; the spread of freight, evenly between a third and 8/3 of its value on a
    logarithmic scale; the strength of operators, owners and forms; each pair of sites and of countries; each port. A
    draw is the nearest balanced network, by relative entropy, figures giving way by their squared spread (stocks most);
    it is found by Newton's method on the dual, 5 ms for a hundred processes. Perturbing the figures and solving anew is
    randomised maximum a posteriori estimation.

    References
    ----------
    Golan, Judge, Miller, Maximum Entropy Econometrics (1996). Bardsley, Solonen, Haario, Laine, Randomize-then-optimize
    (2014).

    Examples
    --------
    >>> from supplygraph.world.datasets import load
    >>> draws = ensemble(load("cobalt"), 50, 0)
    >>> mined = list(draws.each(lambda net: net.processes.query("role == 'extract'")["activity_t"].sum()))
    >>> len(mined), bool(min(mined) < 314_600 < max(mined))
    (50, True)
    """
    problems = []
    for name, value, least in (("n", n, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if name == "workers" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            problems.append(Problem(name, f"{value!r} given, expected a whole number, at least {least}."))
    if problems:
        raise DataError("this is no ensemble:", problems)
    if n > MOST:
        raise LimitError(f"{n} draws are more than {MOST}: a few hundred give the bounds, a few thousand their digits.")
    made = Ensemble(net, int(n), int(seed), workers, progress)
    len(made._drawing.pairs.flow)  # noqa: SLF001 - so that a network without shipments is refused here
    return made
