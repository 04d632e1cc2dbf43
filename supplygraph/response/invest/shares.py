"""Concentration after additions: how output is shared, and cuts of the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.response.invest.sites import owners_of
from supplygraph.scenario.stages import in_stages, known_stages

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.engine.expanded import Floats
    from supplygraph.network.network import SupplyNetwork


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of countries in the refining of one mineral, as a function of what projects add.

    The rule: a project makes what it can, and all that refine today give way in proportion. With output ``p`` of the
    projects as shares of the year's refining, ``S = S0 (1 - sum p) + W p``; ``HHI = |S|^2`` is convex in p.

    Attributes
    ----------
    today
        S0 by country; what has no country is left out, and stands in ``unknown``.
    unknown
        Share of unknown origin today.
    where
        W, country x added process: whose a tonne of it is; zero where it is no refining.
    refines
        Which added processes refine.
    total_t
        Refining today, tonnes.
    """

    today: Floats
    unknown: float
    where: Floats
    refines: Floats
    total_t: float

    @classmethod
    def of(cls, net: SupplyNetwork, projects: pd.DataFrame, processes: pd.DataFrame, by: str) -> Shares | None:
        """Return the shares of a network of one mineral; none if nothing in it refines."""
        if "refining" not in known_stages(net):
            return None
        rows = net.processes
        inside = in_stages(net, ["refining"]).to_numpy() & rows["role"].isin(["transform", "extract"]).to_numpy()
        refine = rows[inside]
        made = refine["activity_t"].where(refine["activity_t"].notna(), refine["capacity_t"]).astype(float)
        total = float(made.sum())
        if not (np.isfinite(total) and total > 0):
            return None
        if by == "owner":
            owners = net.owners.reset_index()
            joined = refine.assign(made=made)[["node", "made"]].merge(owners, on="node")
            sums = (joined["made"] * joined["share"]).groupby(joined["owner"]).sum()
            holders = owners_of(projects)
        else:
            sums = made.groupby(refine["node"].map(net.nodes["country"])).sum()
            holders = {str(name): [country] for name, country in projects["country"].items()}
        outputs = set(refine["output"])
        refines = np.asarray(processes["output"].isin(outputs), dtype=np.float64)
        names = sorted({*sums.index, *(country for owned in holders.values() for country in owned)})
        where = np.zeros((len(names), len(processes)))
        for column, project in enumerate(processes["project"]):
            owned = holders[str(project)]
            for country in owned:
                where[names.index(country), column] = refines[column] / len(owned)
        today = sums.reindex(names).fillna(0.0).to_numpy(dtype=float) / total
        return cls(today, max(1.0 - float(today.sum()), 0.0), where, refines, total)

    def part(self, added: Floats, growth: float) -> Floats:
        """Return what projects make as shares of the year's refining; scaled down where it would exceed all of it."""
        share = self.refines * added / (self.total_t * growth)
        return share / max(float(share.sum()), 1.0)

    def at(self, added: Floats, growth: float) -> tuple[float, Floats]:
        """Return the index and its slope per tonne added of each process."""
        share = self.part(added, growth)
        now = self.today * (1.0 - share.sum()) + self.where @ share
        slope = 2.0 * (self.where.T @ now - float(self.today @ now)) * self.refines
        return float(now @ now), slope / (self.total_t * growth)

    def unknown_at(self, added: Floats, growth: float) -> float:
        """Return the share of unknown origin; the index is at most larger by its square."""
        share = self.part(added, growth)
        own = self.where.sum(axis=0)
        return float(self.unknown * (1.0 - share.sum()) + ((self.refines - own) * share).sum())
