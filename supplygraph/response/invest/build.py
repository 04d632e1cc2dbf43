"""From a network, projects and options to the arrays of a case; what cannot be used is left out with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import USE
from supplygraph.engine.limits import Scenario
from supplygraph.engine.program import Program, shocked
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.response.invest import finance, options, paths
from supplygraph.response.invest.case import Case, Danger, Part
from supplygraph.response.invest.losses import Losses
from supplygraph.response.invest.shares import Shares
from supplygraph.response.invest.sites import chain_of, extended, processes_of
from supplygraph.scenario.alignment import Alignment
from supplygraph.scenario.shock import Shock
from supplygraph.scenario.stages import in_stages, known_stages, uses_of
from supplygraph.world.projects import checked, projects

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Floats, Ints
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.invest.options import Options

#: What is done with a project.
AHEAD, OPEN, SHUT = "goes ahead", "candidate", "closed to finance"
_LEFT = ["name", "mineral", "stage", "country", "capacity_t", "capex_usd", "reason", "remedy"]
_GROUP = "decision"


@dataclass(frozen=True, eq=False)
class Built:
    """A case, and the tables behind it."""

    case: Case
    candidates: pd.DataFrame
    left_out: pd.DataFrame
    given: SupplyNetwork


def build(net: SupplyNetwork, given: pd.DataFrame | None, *, budget: Any, horizon: Any, asked: Options) -> Built:
    """Read everything, check everything, and lay out the arrays."""
    problems: list[Problem] = []
    options.check(asked, problems)
    years = options.years_of(horizon, problems)
    total, yearly = options.money_of(budget, years, problems)
    minerals = sorted(set(net.products["mineral"]))
    dangers = options.dangers_of(asked.scenarios, _usual(net), problems)
    if problems:
        raise DataError("where to build cannot be asked for like this", problems)
    table = _of_minerals(given, minerals)
    if asked.fill_capex:
        table = _filled(table)
    table, left_out = _usable(net, table, asked)
    for danger in dangers:
        if danger.shock is not None:
            danger.shock.resolve(net)  # a name that nothing here has is refused at once
    value = _values(net, minerals, asked)
    base = {mineral: _base_year(net, mineral) for mineral in minerals}
    growth = paths.growth(asked.demand, minerals, years, base)
    processes = _processes(net, table)
    parts = [
        _part(net, mineral, table, processes, dangers, growth[mineral], value[mineral], asked)
        for mineral in minerals
    ]  # fmt: skip
    case = _case(table, processes, years, dangers, parts, asked, (total, yearly))
    return Built(case, table, left_out, net)


def _usual(net: SupplyNetwork) -> Danger | None:
    """Return the scenario where none is given: the country that refines most stops refining."""
    if "refining" not in known_stages(net):
        return None
    rows = net.processes
    inside = in_stages(net, ["refining"]).to_numpy() & rows["role"].isin(["extract", "transform"]).to_numpy()
    rows = rows[inside]
    price = rows["output"].map(net.products["price_usd_t"]).astype(float).fillna(1.0)
    several = len(set(rows["mineral"])) > 1
    made = rows["activity_t"].where(rows["activity_t"].notna(), rows["capacity_t"]).astype(float)
    sums = (made * (price if several else 1.0)).groupby(rows["node"].map(net.nodes["country"])).sum()
    if sums.empty or not sums.max() > 0:
        return None
    first = str(sums.sort_index().idxmax())
    shock = Shock.close(country=first, stage="refining")
    return Danger(shock.describe(), shock, 1.0)


def _of_minerals(given: pd.DataFrame | None, minerals: list[str]) -> pd.DataFrame:
    """Return the projects asked about; bundled ones on request, the caller's checked."""
    if given is None:
        table = projects()
        return table[table["mineral"].isin(minerals)]
    table = checked(given)
    for mineral in sorted(set(table["mineral"])):
        if mineral not in minerals:
            raise UnknownNameError.of("mineral of projects in this network", mineral, minerals)
    return table


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Fill missing capital costs by what projects of the same mineral and stage cost per tonne a year."""
    per = (table["capex_usd"] / table["capacity_t"]).where(table["capacity_t"] > 0)
    keys = [table["mineral"], table["stage"]]
    middle, low, high = (per.groupby(keys).transform(how) for how in ("median", "min", "max"))
    blank = table["capex_usd"].isna() & table["with_project"].isna() & middle.notna() & table["capacity_t"].notna()
    table = table.copy()
    for name, each in (("capex_usd", middle), ("capex_low_usd", low * 0.8), ("capex_high_usd", high * 2.0)):
        table.loc[blank, name] = (each * table["capacity_t"])[blank]
    told = table["basis"].fillna("").astype(str)
    table["basis"] = told.where(~blank, told + "; capital cost estimated from projects of the same stage")
    return table


def _usable(net: SupplyNetwork, table: pd.DataFrame, asked: Options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split projects into those that can be used, with their decision and role, and those left out."""
    table = table.copy()
    table[_GROUP] = table["with_project"].where(table["with_project"].notna(), table.index.to_series())
    table["opened_by"] = finance.may_pay(table, asked.funder, asked.agreements)
    stages = {m: set(chain_of(net, m).index) for m in set(table["mineral"])}
    reason, remedy = pd.Series("", index=table.index), pd.Series("", index=table.index)

    def leave(mask: pd.Series, why: pd.Series | str, what: str) -> None:
        fresh = mask & (reason == "")
        reason[fresh] = why[fresh] if isinstance(why, pd.Series) else why
        remedy[fresh] = what

    lacks = pd.Series({
        name: ", ".join(stage for stage in str(row["stage"]).split(";") if stage not in stages[row["mineral"]])
        for name, row in table.iterrows()
    }, index=table.index, dtype=object).fillna("")  # fmt: skip
    leave(lacks != "", "the network's " + table["mineral"] + " has no stage " + lacks.astype(str), "give another stage")
    leave(table["capacity_t"].isna(), "no capacity is published", "give capacity_t")
    leave(table["capacity_t"] <= 0, "it adds nothing to what runs there", "give what it adds as capacity_t")
    ahead = table["status"].isin(asked.committed)
    cost = table["capex_usd"].groupby(table[_GROUP]).transform("max")
    # A cost that stands nowhere among the bundled projects is not published, and not elsewhere.
    blank = projects()["capex_usd"].isna()
    elsewhere = table["with_project"].notna() & ~table["with_project"].isin({*table.index, *blank.index[blank]})
    stands = "its capital cost stands on " + table["with_project"].astype(str) + ", which is not among the projects"
    leave(cost.isna() & ~ahead & elsewhere, stands, "give capex_usd, or ask with that project's mineral")
    leave(cost.isna() & ~ahead, "no capital cost is published", "give capex_usd, or ask with fill_capex=True")
    table["role"] = np.where(ahead, AHEAD, np.where(table["opened_by"].isna(), SHUT, OPEN))
    out = table[reason != ""].assign(reason=reason[reason != ""], remedy=remedy[reason != ""])
    return table[reason == ""], out[_LEFT]


def _values(net: SupplyNetwork, minerals: list[str], asked: Options) -> dict[str, float]:
    """Return what a tonne unmet counts: 1 for one mineral, the price of what is used for several."""
    if asked.value is not None:
        if isinstance(asked.value, (int, float)) and not isinstance(asked.value, bool):
            given = dict.fromkeys(minerals, float(asked.value))
        else:
            given = {mineral: float(asked.value.get(mineral, float("nan"))) for mineral in minerals}
        bad = [mineral for mineral, amount in given.items() if not (np.isfinite(amount) and amount >= 0)]
        if bad:
            told = [Problem(f"value of {mineral}", "is missing or no number of at least 0") for mineral in bad]
            raise DataError("what a tonne unmet counts is not clear", told)
        return given
    if len(minerals) == 1:
        return {minerals[0]: 1.0}
    used = net.processes[net.processes["role"] == "use"]
    price = used["input"].map(net.products["price_usd_t"]).astype(float)
    mean = (price * used["activity_t"]).groupby(used["mineral"]).sum() / used["activity_t"].where(
        price.notna()).groupby(used["mineral"]).sum()  # fmt: skip
    lacks = [mineral for mineral in minerals if not np.isfinite(mean.get(mineral, float("nan")))]
    if lacks:
        remedy = "Give value={mineral: dollars per tonne}."
        told = [Problem("value", f"no price of refined {mineral} is known", remedy) for mineral in lacks]
        raise DataError("tonnes of several minerals need prices to be added", told)
    return {mineral: float(mean[mineral]) for mineral in minerals}


def _base_year(net: SupplyNetwork, mineral: str) -> int:
    rows = net.processes[(net.processes["mineral"] == mineral) & net.processes["year"].notna()]
    return int(rows["year"].max()) if len(rows) else 2025


def _processes(net: SupplyNetwork, table: pd.DataFrame) -> pd.DataFrame:
    """Return the processes of all usable projects, one row each."""
    chains = {mineral: chain_of(net, mineral) for mineral in set(table["mineral"])}
    rows = [
        process for row in table.reset_index().to_dict("records")
        for process in processes_of(chains[row["mineral"]], {str(k): v for k, v in row.items()})
    ]  # fmt: skip
    columns = ["process", "project", "mineral", "stage", "role", "input", "output", "capacity_t", "recovery"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"capacity_t": float, "recovery": float})


def _part(
    net: SupplyNetwork,
    mineral: str,
    table: pd.DataFrame,
    processes: pd.DataFrame,
    dangers: list[Danger],
    grown: Floats,
    value: float,
    asked: Options,
) -> Part:
    own = net.select(mineral=mineral) if len(set(net.products["mineral"])) > 1 else net
    rows = np.flatnonzero((processes["mineral"] == mineral).to_numpy())
    mine, made = table[table["mineral"] == mineral], processes.iloc[rows]
    whole = extended(own, mine, made)
    program = Program(whole, ramp=asked.ramp)
    graph = program.graph
    added = graph.processes.get_indexer(pd.Index(made["process"], dtype=graph.processes.dtype)).astype(np.int64)
    weight = _weights(whole, graph.processes, asked.for_)
    losses = []
    for danger in dangers:
        scenario = Scenario.calm(graph)
        if danger.shock is not None:
            scenario = shocked(graph, _resolved(danger.shock, whole, several=own is not net))
        losses.append(Losses(program, scenario, added, weight))
    shares = Shares.of(own, mine, made, asked.by)
    pace = grown if asked.existing == "keeps_pace" else np.ones(len(grown))
    demand = float((graph.demand * weight)[graph.role == USE].sum())
    return Part(mineral, own, rows, losses, shares, grown, pace, value, demand)


def _resolved(shock: Shock, net: SupplyNetwork, *, several: bool) -> Any:
    """Find what a shock touches; of several minerals each has only the clauses that name something of its own."""
    if not several:
        return shock.resolve(net)
    known = []
    for clause in shock.clauses:
        try:
            Shock((clause,)).resolve(net)
        except UnknownNameError:
            continue
        known.append(clause)
    return Shock(tuple(known)).resolve(net)


def _weights(net: SupplyNetwork, names: pd.Index, for_: Any) -> Floats:
    """Return per process how much a tonne unmet counts: 1, or 1 in the countries and factories named."""
    if for_ is None or for_ == "world":
        return np.ones(len(names), dtype=np.float64)
    if isinstance(for_, tuple) and len(for_) == 2 and isinstance(for_[0], Alignment):
        places = for_[0].members(for_[1])
        node = net.processes["node"].map(net.nodes["country"])
        inside = (net.processes["role"] == "use") & node.isin(places)
        if not inside.any():
            what = f"no demand stands in countries of tier {for_[1]} or better"
            raise DataError("there is no demand to count", [Problem("for_", what, "Name another tier.")])
    else:
        asked = [for_] if isinstance(for_, str) else sorted(set(for_))
        inside = pd.Series(False, index=net.processes.index)
        for name in asked:
            inside |= uses_of(net, name, "for_")
    return np.asarray(inside.reindex(names), dtype=np.float64)


def _case(
    table: pd.DataFrame,
    processes: pd.DataFrame,
    years: list[int],
    dangers: list[Danger],
    parts: list[Part],
    asked: Options,
    money: tuple[float, Floats],
) -> Case:
    on = processes["project"].map(table["role"]) if len(processes) else pd.Series(dtype=object)
    # A decision stands only where all its projects may be paid for.
    shut = set(table.loc[table["role"] == SHUT, _GROUP])
    decided = table[(table["role"] == OPEN) & ~table[_GROUP].isin(shut)]
    groups = sorted(set(decided[_GROUP]))
    place = {name: number for number, name in enumerate(groups)}
    row_group = processes["project"].map(table[_GROUP]) if len(processes) else on
    group = np.array(
        [place.get(str(name), -1) if role == OPEN else -1 for name, role in zip(row_group, on, strict=True)],
        dtype=np.int64,
    )  # fmt: skip
    live = np.array([role == AHEAD for role in on], dtype=bool)
    profile, ahead = _profiles(table, processes, years, live)
    each = decided.groupby(_GROUP)
    paid = each["given_usd"].max().reindex(groups)
    public, cheap, dear = (
        (asked.share * each[name].max().reindex(groups) - paid).clip(lower=0.0).round(2).to_numpy(dtype=float)
        for name in ("capex_usd", "capex_low_usd", "capex_high_usd")
    )
    return Case(
        years, dangers, parts, groups, group, processes["capacity_t"].to_numpy(dtype=float), profile, ahead,
        _luck(table, processes, asked), _allowed(profile, group, len(groups), len(years)), public, cheap, dear,
        asked.discount, *money, processes,
    )  # fmt: skip


def _profiles(table: pd.DataFrame, processes: pd.DataFrame, years: list[int], live: Bools) -> tuple[Floats, Floats]:
    """Return row x year of funding x year, and row x year of what goes ahead: shares of capacity that stand."""
    t = np.array(years)
    size = len(processes)
    profile, ahead = np.zeros((size, len(t), len(t))), np.zeros((size, len(t)))
    for r, project in enumerate(processes["project"]):
        row = table.loc[project]
        build, ramp = float(row["build_years"]), float(row["ramp_years"])
        first = float(row["start_earliest"]) if pd.notna(row["start_earliest"]) else -np.inf
        start = np.maximum(t + build, first)
        profile[r] = standing_share(t[None, :], start[:, None], ramp)
        if live[r]:
            ahead[r] = standing_share(t, first if np.isfinite(first) else t[0] + build, ramp)
    return profile, ahead


def standing_share(year: Any, start: Any, ramp: float) -> Floats:
    """Return the share of capacity that stands: nothing before the start, then ``1 / (ramp + 1)`` more each year."""
    return np.asarray(np.clip((year - start + 1.0) / (ramp + 1.0), 0.0, 1.0), dtype=np.float64)


def _luck(table: pd.DataFrame, processes: pd.DataFrame, asked: Options) -> Floats:
    """Return row x draw: chance of success, or 1 and 0 drawn per decision with one seed."""
    fails = table["failure"].groupby(table[_GROUP]).max()
    names = processes["project"].map(table[_GROUP]) if len(processes) else pd.Series(dtype=object)
    chance = 1.0 - names.map(fails).to_numpy(dtype=float)
    if asked.failures == "expected":
        return chance[:, None]
    return drawn(names, fails, asked.draws, asked.seed)


def drawn(names: pd.Series, fails: pd.Series, draws: int, seed: int) -> Floats:
    """Return row x draw: 1 where the decision of the row succeeds."""
    rng = np.random.default_rng(seed)
    order = sorted(fails.index)
    lucky = rng.random((draws, len(order))) >= fails.reindex(order).to_numpy(dtype=float)
    column = pd.Index(order).get_indexer(pd.Index(names))
    return lucky[:, column].T.astype(np.float64)


def _allowed(profile: Floats, group: Ints, decisions: int, years: int) -> Bools:
    """Tell when a decision may be funded: in years from which something still comes within the horizon."""
    allowed = np.zeros((decisions, years), dtype=np.bool_)
    useful = profile.sum(axis=2) > 0
    for row, number in enumerate(group):
        if number >= 0:
            allowed[number] |= useful[row]
    return allowed
