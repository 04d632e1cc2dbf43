"""One question of where to build as arrays: decisions, years, what stands when, scenarios, and their losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.engine.expanded import Bools, Floats, Ints
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.invest.losses import Losses
    from supplygraph.response.invest.shares import Shares
    from supplygraph.scenario.shock import Shock


class Danger(NamedTuple):
    """A scenario: its name, what breaks (None = nothing) and its chance in any one year."""

    name: str
    shock: Shock | None
    chance: float


@dataclass(frozen=True, eq=False)
class Part:
    """One mineral of a case.

    Attributes
    ----------
    rows
        Which rows of the case are its processes.
    losses
        One per scenario, in order.
    shares
        Its refining; none if nothing in it refines.
    growth, pace
        Demand, and capacity other than projects', by year as multiples of today's.
    value
        What a tonne unmet counts.
    demand_t
        Demand today that counts.
    """

    mineral: str
    net: SupplyNetwork
    rows: Ints
    losses: list[Losses]
    shares: Shares | None
    growth: Floats
    pace: Floats
    value: float
    demand_t: float


@dataclass(frozen=True, eq=False)
class Case:
    """All that the search needs.

    Attributes
    ----------
    years
        The horizon.
    groups
        Decisions, by id; a decision funds all its projects.
    group
        Per row (process of a project), its decision; -1 = goes ahead by itself.
    capacity
        Per row, tonnes a year when full.
    profile
        Row x year of funding x year: share of capacity that stands.
    ahead
        Row x year: share that stands of what goes ahead by itself.
    luck
        Row x draw: 1 = succeeds, 0 = fails; or the chance of success in one column.
    allowed
        Decision x year: whether it may be funded then.
    public
        Per decision, dollars that the budget pays; ``cheap`` and ``dear`` at the bounds of the capital cost.
    discount
        Yearly rate for the present value of money.
    budget
        Dollars by year, and in all; infinite = no limit.
    """

    years: list[int]
    dangers: list[Danger]
    parts: list[Part]
    groups: list[str]
    group: Ints
    capacity: Floats
    profile: Floats
    ahead: Floats
    luck: Floats
    allowed: Bools
    public: Floats
    cheap: Floats
    dear: Floats
    discount: float
    budget: float
    yearly: Floats
    processes: pd.DataFrame

    @property
    def weight(self) -> Floats:
        """What a dollar costs at present value, by year."""
        return np.asarray((1.0 + self.discount) ** -np.arange(len(self.years), dtype=np.float64))

    def none(self) -> Floats:
        """Return the plan that funds nothing."""
        return np.zeros(self.allowed.shape)

    def standing(self, plan: Floats, luck: Floats) -> Floats:
        """Return row x year: tonnes a year that stand under a plan, with the luck of one draw by row."""
        share = self.ahead.copy()
        mine = self.group >= 0
        share[mine] += np.einsum("rt,rty->ry", plan[self.group[mine]], self.profile[mine])
        return np.asarray(share * (self.capacity * luck)[:, None])

    def money(self, plan: Floats) -> float:
        """Return dollars of the plan, undiscounted."""
        return float(self.public @ plan.sum(axis=1))

    def cost(self, plan: Floats) -> float:
        """Return dollars of the plan at present value."""
        return float(self.public @ (plan @ self.weight))

    def within(self, plan: Floats) -> bool:
        """Tell whether a plan keeps to budget and rules."""
        spent = self.public @ plan
        slack = 1e-6
        return bool(
            (plan <= self.allowed).all() and (plan.sum(axis=1) <= 1).all()
            and spent.sum() <= self.budget + slack and (spent <= self.yearly + slack).all()
        )  # fmt: skip

    def loss_by_year(self, plan: Floats, luck: Floats | None = None) -> Floats:
        """Return part x scenario x year: tonnes unmet, the mean over draws; exact."""
        draws = self.luck if luck is None else luck
        total = np.zeros((len(self.parts), len(self.dangers), len(self.years)))
        for draw in draws.T:
            stands = self.standing(plan, draw)
            for m, part in enumerate(self.parts):
                for s, danger in enumerate(self.dangers):
                    if danger.chance > 0:
                        total[m, s] += self._losses(part, s, stands)
        return np.asarray(total / draws.shape[1])

    def _losses(self, part: Part, scenario: int, stands: Floats) -> list[float]:
        """Return tonnes unmet by year."""
        years = enumerate(zip(part.growth, part.pace, strict=True))
        return [
            part.losses[scenario].at(pace / grown, 1.0 / grown, stands[part.rows, y] / grown)[0] * grown
            for y, (grown, pace) in years
        ]

    def expected(self, losses: Floats) -> float:
        """Return the expected loss over the horizon from :meth:`loss_by_year`, each mineral by its value."""
        chance = np.array([danger.chance for danger in self.dangers])
        value = np.array([part.value for part in self.parts])
        return float(np.einsum("msy,s,m->", losses, chance, value))

    def loss(self, plan: Floats) -> float:
        """Return the expected loss over the horizon."""
        return self.expected(self.loss_by_year(plan))

    def index_by_year(self, plan: Floats) -> Floats:
        """Return part x year: the concentration of refining, the mean over draws; missing where nothing refines."""
        total = np.full((len(self.parts), len(self.years)), np.nan)
        for m, part in enumerate(self.parts):
            if part.shares is None:
                continue
            draws = [self.standing(plan, draw)[part.rows] for draw in self.luck.T]
            total[m] = [
                np.mean([part.shares.at(stands[:, y], grown)[0] for stands in draws])
                for y, grown in enumerate(part.growth)
            ]  # fmt: skip
        return total

    def index(self, plan: Floats) -> float:
        """Return the mean concentration over years and minerals."""
        return float(np.nanmean(self.index_by_year(plan)))
