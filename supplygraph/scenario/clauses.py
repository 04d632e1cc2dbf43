"""The two things that a shock is made of: a closing and a limit on exports, each with its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from supplygraph.scenario.checks import joined


@dataclass(frozen=True)
class Closing:
    """Everything that fits all the conditions given, kept at ``keep`` of today."""

    node: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    passage: tuple[str, ...] = ()
    edge: tuple[str, ...] = ()
    mineral: tuple[str, ...] = ()
    keep: float = 0.0

    def words(self) -> str:
        """Say what is closed or scaled."""
        what = []
        if self.stage:
            what.append(joined(self.stage))
        if self.product or self.mineral:
            what.append(("of " if what else "") + joined(self.product + self.mineral))
        if self.node or self.passage:
            straits = tuple(name.removeprefix("passage-").replace("_", " ") for name in self.passage)
            what.append(("at " if what else "") + joined(straits + self.node))
        if self.edge:
            what.append("on " + joined(self.edge) if what else joined(self.edge))
        if self.country:
            what.append(("in " if what else "everything in ") + joined(named(self.country)))
        if self.owner:
            what.append(("" if what else "everything ") + "owned from " + joined(named(self.owner)))
        return f"{' '.join(what)} {_kept(self.keep)}"


@dataclass(frozen=True)
class Ban:
    """No more exports of some products from some countries, to some or to all others, than a limit.

    The limit is ``most_t`` tonnes a year, or, where that is missing, the share ``keep`` of today's exports. With
    ``anywhere`` the products are those of several networks, and one of them is enough.
    """

    country: tuple[str, ...]
    product: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    mineral: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    keep: float = 0.0
    most_t: float | None = None
    anywhere: bool = False

    def words(self) -> str:
        """Say what may no longer leave."""
        goods = joined(self.product) if self.product else ""
        if self.stage:
            goods = f"{goods} from {joined(self.stage)}" if goods else f"{joined(self.stage)} products"
        if self.mineral:
            goods = f"{goods} of {joined(self.mineral)}" if goods else joined(self.mineral)
        target = f" to {joined(named(self.to))}" if self.to else ""
        who, what = joined(named(self.country)), f"{goods or 'goods'}{target}"
        if self.most_t is not None:
            return f"{who}: exports of {what} at most {self.most_t:,.6g} t a year"
        if self.keep:
            return f"{who}: exports of {what} at {self.keep * 100:.3g} % of today"
        return f"{who}: no exports of {what}"


Clause = Closing | Ban


def _kept(keep: float) -> str:
    return "closed" if keep == 0 else f"at {keep:.4g} times capacity" if keep > 1 else f"at {keep * 100:.3g} % of today"


def named(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of countries for people."""
    known = _country_names()
    return tuple(known.get(code, code) for code in codes)


@lru_cache(maxsize=1)
def _country_names() -> dict[str, str]:
    from supplygraph import facts

    frame = facts.read("facts/countries.csv")
    return dict(zip(frame["country"], frame["name"], strict=True))
