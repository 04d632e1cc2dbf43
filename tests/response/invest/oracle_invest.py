"""Where to build by looking at every plan, with losses from an independent program: for tests.

Knows nothing of cuts, duals or scaling: for each plan, year and scenario a network is made with that year's demand and
capacities and asked what it can deliver.
"""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
from oracle_program import most_served

from supplygraph.network.network import SupplyNetwork
from supplygraph.response.invest.sites import chain_of, extended, processes_of


def flat(table):
    return table.reset_index() if table.index.name is not None else table


def scaled(net, demand, pace):
    """Return a network with demand and all other quantities multiplied."""
    processes = flat(net.processes)
    factor = np.where(processes["role"] == "use", demand, pace)
    for column in ("capacity_t", "activity_t", "activity_low_t", "activity_high_t"):
        processes[column] = processes[column] * factor
    edges, nodes, ships = flat(net.edges), flat(net.nodes), flat(net.shipments)
    edges["capacity_t"] *= pace
    nodes["throughput_t"] *= pace
    ships[["flow_t", "flow_low_t", "flow_high_t"]] *= pace
    return SupplyNetwork(
        nodes=nodes, processes=processes, edges=edges, products=net.products, references=net.references,
        owners=flat(net.owners), countries=net.countries, shipments=ships,
    )  # fmt: skip


def share(year, funded, row):
    """Return how much of a project stands in a year, counted by hand."""
    start = funded + row["build_years"]
    if pd.notna(row.get("start_earliest", np.nan)):
        start = max(start, row["start_earliest"])
    if year < start:
        return 0.0
    return min(1.0, (year - start + 1) / (row.get("ramp_years", 0) + 1))


def abroad(net, country, product):
    """Return the pairs that an export ban closes."""
    p = net.processes
    at = p["node"].map(net.nodes["country"])
    return [
        (a, b) for a in p.index[(p["output"] == product) & (at == country)]
        for b in p.index[(p["input"] == product) & (at != country)]
    ]  # fmt: skip


#: Losses told already, by network, projects, what stands, demand, pace and what is closed: shared by all tests.
_KNOWN = {}


class Oracle:
    """Loss, index and cost of any plan: project to year of funding."""

    def __init__(self, net, projects, years, dangers, growth, pace, *, luck=None, discount=0.05, share_paid=1.0):
        self.net, self.years, self.dangers, self.growth, self.pace = net, years, dangers, growth, pace
        self.projects = projects.set_index("project") if "project" in projects.columns else projects
        self.luck = luck or {name: 1.0 - row.get("failure", 0.0) for name, row in self.projects.iterrows()}
        self.discount, self.share_paid = discount, share_paid
        self._name = (net.fingerprint, pd.util.hash_pandas_object(self.projects[["capacity_t", "lon"]]).sum())

    def standing(self, plan, year):
        return {
            name: share(year, plan[name], row) * self.luck[name] if name in plan else 0.0
            for name, row in self.projects.iterrows()
        }

    def whole(self, demand, pace):
        """Return the tables of the network of a year with all projects in it, and the projects' processes."""
        key = (self._name, demand, pace)
        if key not in _KNOWN:
            chain = chain_of(self.net, self.projects["mineral"].iloc[0])
            rows = self.projects.reset_index().to_dict("records")
            made = pd.DataFrame([p for row in rows for p in processes_of(chain, row)])
            made["recovery"] = made["recovery"].astype(float)
            frame = self.projects.reindex(columns=["name", "stage", "country", "lon", "lat", "owner_countries"])
            frame["name"] = frame.index
            net = extended(scaled(self.net, demand, pace), frame, made)
            tables = {name: getattr(net, name) for name in ("nodes", "processes", "edges", "shipments")}
            _KNOWN[key] = SimpleNamespace(**tables), made
        return _KNOWN[key]

    def loss_in(self, plan, year, closed):
        stands = self.standing(plan, year)
        demand, pace = self.growth[year], self.pace[year]
        key = (self._name, tuple(sorted(stands.items())), demand, pace, closed)
        if key not in _KNOWN:
            whole, made = self.whole(demand, pace)
            processes = whole.processes.copy()
            processes.loc[made["process"], "capacity_t"] = (made["capacity_t"] * made["project"].map(stands)).to_numpy()
            uses = processes[processes["role"] == "use"]
            wanted = uses["activity_t"].where(uses["activity_t"].notna(), uses["capacity_t"]).sum()
            now = SimpleNamespace(**{**vars(whole), "processes": processes})
            shut, banned = (closed, ()) if closed[:1] != ("ban",) else ((), abroad(now, *closed[1:]))
            _KNOWN[key] = max(wanted - most_served(now, closed=shut, banned=banned), 0.0)
        return _KNOWN[key]

    def loss(self, plan):
        rest = 1.0 - sum(chance for _, chance in self.dangers)
        each = [*self.dangers, ((), rest)]
        return sum(
            chance * self.loss_in(plan, year, closed) for year in self.years for closed, chance in each if chance > 0
        )

    def index(self, plan, *, by="country"):
        p = self.net.processes
        refine = p[p["output"].map(self.net.products["stage"]).eq("refining") & p["role"].eq("transform")]
        made = refine["activity_t"].where(refine["activity_t"].notna(), refine["capacity_t"])
        today = made.groupby(refine["node"].map(self.net.nodes[by])).sum()
        total, found = made.sum(), []
        for year in self.years:
            stands = self.standing(plan, year)
            new = {n: stands[n] * r["capacity_t"] for n, r in self.projects.iterrows() if "refining" in r["stage"]}
            whole = total * self.growth[year]
            left = today * self.growth[year] * (1 - sum(new.values()) / whole)
            for name, amount in new.items():
                country = self.projects.loc[name, by]
                left.loc[country] = left.get(country, 0.0) + amount
            found.append(float(((left / whole) ** 2).sum()))
        return float(np.mean(found))

    def money(self, plan):
        return sum(max(self.share_paid * self.projects.loc[n, "capex_usd"], 0) for n in plan)

    def cost(self, plan):
        return sum(
            self.share_paid * self.projects.loc[n, "capex_usd"] / (1 + self.discount) ** (y - self.years[0])
            for n, y in plan.items()
        )

    def plans(self, budget=np.inf, yearly=None):
        names = list(self.projects.index)
        for when in itertools.product([None, *self.years], repeat=len(names)):
            plan = {name: year for name, year in zip(names, when, strict=True) if year is not None}
            spent = {y: sum(self.projects.loc[n, "capex_usd"] for n, t in plan.items() if t == y) for y in self.years}
            if self.money(plan) > budget + 1e-6:
                continue
            if yearly is not None and any(spent[y] * self.share_paid > yearly.get(y, 0) + 1e-6 for y in self.years):
                continue
            yield plan

    def best(self, goal, *, budget=np.inf, yearly=None, loss=np.inf, index=np.inf):
        value = {"loss": self.loss, "concentration": self.index, "cost": self.cost}[goal]
        found = [
            value(plan)
            for plan in self.plans(budget, yearly)
            if (loss == np.inf or self.loss(plan) <= loss) and (index == np.inf or self.index(plan) <= index)
        ]
        return min(found) if found else None
