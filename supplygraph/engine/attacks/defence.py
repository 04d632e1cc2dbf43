"""Which k items to protect so that the worst attack on the others hurts least, with proof.

A defence that helps must contain a member of every attack that costs more than what it leaves. Of the attacks known
so far, the best defence is found by branching over the members of the worst one that is not yet hit; the search for
the worst attack against it (:mod:`supplygraph.engine.attacks.search`) finds a new one, or proves the defence best.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.attacks.search import Attack, worst

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.attacks.oracle import Numbers, Oracle
    from supplygraph.engine.expanded import Bools

    Items = tuple[int, ...]


@dataclass(frozen=True)
class Defence:
    """The best defence found, and how good the best can be.

    Attributes
    ----------
    items
        What to protect, rising: of all best defences the one with the fewest items, then smallest numbers.
    loss, bound
        No attack costs more than ``loss`` once these are protected; no defence of the size allowed leaves less
        than ``bound``.
    proved
        Whether it is the best: the two are equal (within the oracle's slack).
    attack
        The worst attack left.
    before
        The worst attack while nothing is protected.
    """

    items: tuple[int, ...]
    loss: Any
    bound: Any
    proved: bool
    attack: Attack
    before: Attack


def protect(
    oracle: Oracle, k: int, j: int, *, time_limit: float = math.inf,
    progress: Callable[[Any, Any, int], object] | None = None,
) -> Defence:  # fmt: skip
    """Return the set of at most k items whose protection leaves the least to the worst attack on j others.

    Parameters
    ----------
    oracle
        The network.
    k, j
        How many items are protected, and how many fail, at most.
    time_limit
        Seconds.
    progress
        Called after each attack with what the best defence so far leaves, the bound, and the number of attacks known.

    Examples
    --------
    Four ways in, to a plant that takes 7.

    >>> from supplygraph.engine.attacks.oracle import FlowOracle
    >>> arcs = np.array([0, 0, 0, 0, 1]), np.array([1, 1, 1, 1, 2]), np.array([5, 4, 2, 1, 7])
    >>> ways = FlowOracle(3, *arcs, 0, 2, np.arange(5), np.arange(4))
    >>> found = protect(ways, 1, 2)
    >>> found.before.loss, found.items, found.loss, found.attack.items
    (4, (0,), 1, (1, 2))
    """
    deadline = time.monotonic() + time_limit
    known: dict[Items, Any] = {}

    def attack(items: Items, *, compare: bool = True) -> Attack:
        left = max(deadline - time.monotonic(), 0.0)
        return worst(oracle, j, protected=items, known=known, compare=compare, time_limit=left)

    before = attack(())
    best, bound = _Answer((), before), before.loss - before.loss
    while before.loss > oracle.slack:
        found = _best_against(known, k, oracle.count, deadline)
        if found is None:
            break
        items, value = found
        bound = max(bound, value)
        answer = _Answer(items, attack(items, compare=False))
        settled = answer.attack.proved and answer.attack.loss <= value + oracle.slack
        if settled or answer.attack.bound < best.attack.bound:
            best = answer
        if progress is not None:
            progress(best.attack.bound, bound, len(known))
        if settled or answer.attack.loss <= value + oracle.slack:  # it holds, or time is up
            break
    final = best.attack if best.attack.first else attack(best.items)
    loss = min(final.bound, best.attack.bound)
    proved = loss <= bound + oracle.slack
    return Defence(best.items, loss, loss if proved else bound, proved, final, before)


@dataclass(frozen=True)
class _Answer:
    """A defence, and the worst attack left."""

    items: Items
    attack: Attack


def _best_against(known: dict[Items, Any], k: int, count: int, deadline: float) -> tuple[Items, Any] | None:
    """Return the first best defence against attacks of known losses, and the most that one of them still costs.

    None when time runs out.
    """
    attacks = sorted((items for items in known if items), key=lambda items: (-known[items], items))
    search = _Hitting(attacks, np.array([known[items] for items in attacks]), count, deadline)
    return (search.best[2], search.best[0]) if search.go((), np.zeros(len(attacks), dtype=np.bool_), k) else None


class _Hitting:
    """Branches over the members of the worst attack not hit, until as many items as allowed are chosen."""

    def __init__(self, attacks: list[Items], losses: Numbers, count: int, deadline: float) -> None:
        self.attacks, self.losses, self.deadline = attacks, losses, deadline
        self.member = np.zeros((count, len(attacks)), dtype=np.bool_)
        for place, items in enumerate(attacks):
            self.member[list(items), place] = True
        self.seen: set[Items] = set()
        self.best: tuple[Any, int, Items] = (math.inf, 0, ())

    def go(self, items: Items, hit: Bools, more: int) -> bool:
        """Try a defence and all that contain it; False when time ran out."""
        if items in self.seen:
            return True
        self.seen.add(items)
        if time.monotonic() > self.deadline:
            return False
        first = int(np.argmin(hit)) if not hit.all() else -1
        value = self.losses[first] if first >= 0 else self.losses[:1].sum() * 0
        self.best = min(self.best, (value, len(items), items))
        if first < 0 or value <= 0 or not more or self._hopeless(hit, more):
            return True
        return all(
            self.go(tuple(sorted((*items, item))), hit | self.member[item], more - 1) for item in self.attacks[first]
        )

    def _hopeless(self, hit: Bools, more: int) -> bool:
        """Whether more attacks that share no item, each worse than the best defence leaves, remain than can be hit."""
        worse = ~hit & (self.losses > self.best[0])
        for _ in range(more + 1):
            if not worse.any():
                return False
            items = self.attacks[int(np.argmax(worse))]
            worse &= ~self.member[list(items)].any(axis=0)
        return True
