"""Where to build equals looking at every plan, and keeps its laws."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from oracle_invest import Oracle, flat
from toys import chain, random_network

import supplygraph as sg
from supplygraph.errors import DataError, InfeasibleError, UnknownNameError
from supplygraph.money import Money
from supplygraph.network.network import SupplyNetwork
from supplygraph.response.invest import invest, master
from supplygraph.scenario.shock import Shock

YEARS = [2026, 2027, 2028]
SPAN = (2026, 2028)


def close(a, b):
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1.0)


def toy_projects():
    """Three candidates for the chain: a refinery in Germany, a mine in Namibia, both in one in Norway."""
    rows = [
        ("erz", "refining", "DEU", 10.0, 50.0, 14.0, 300.0, 1, 0, 0.0),
        ("grube", "mining", "NAM", 17.0, -22.0, 20.0, 200.0, 1, 1, 0.25),
        ("verk", "mining;refining", "NOR", 6.0, 58.0, 9.0, 350.0, 0, 1, 0.1),
    ]
    names = [
        "project",
        "stage",
        "country",
        "lon",
        "lat",
        "capacity_t",
        "capex_usd",
        "build_years",
        "ramp_years",
        "failure",
    ]
    return pd.DataFrame(rows, columns=names).assign(mineral="cobalt")


def random_projects(seed, mineral="alpha", count=3):
    rng = np.random.default_rng(seed)
    stages = ["refining", "mining", "mining;refining"]
    return pd.DataFrame({
        "project": [f"p{i}" for i in range(count)], "mineral": mineral, "stage": [stages[i % 3] for i in range(count)],
        "country": rng.choice(["DEU", "NAM", "AUS"], count), "lon": rng.integers(-170, 170, count).astype(float),
        "lat": rng.integers(-70, 70, count).astype(float), "capacity_t": rng.integers(5, 80, count).astype(float),
        "capex_usd": rng.integers(1, 9, count) * 100.0, "build_years": rng.integers(0, 3, count),
        "ramp_years": rng.integers(0, 2, count), "failure": rng.choice([0.0, 0.25, 0.5], count),
    })  # fmt: skip


def plan_of(answer):
    rows = answer.table[answer.table["funded"]]
    return {str(name): int(year) for name, year in rows["year"].items()}


CLOSED = {"kokkola": (Shock.close(node="kokkola"), 0.2), "jinchuan": (Shock.close(node="jinchuan"), 0.1)}
BY_HAND = [(("kokkola",), 0.2), (("jinchuan",), 0.1)]


def oracle(growth=None, pace=None, **more):
    grown = growth or dict.fromkeys(YEARS, 1.0)
    return Oracle(chain(), toy_projects(), YEARS, BY_HAND, grown, pace or grown, **more)


@pytest.mark.parametrize("budget", [250.0, 500.0, 650.0])
@pytest.mark.parametrize("goal", ["loss", "concentration"])
def test_equals_all_plans(goal, budget):
    found = invest(chain(), toy_projects(), budget=budget, horizon=SPAN, objective=goal, scenarios=CLOSED, ramp=None)
    by_hand = oracle()
    assert close(found.value, by_hand.best(goal, budget=budget))
    plan = plan_of(found)
    assert close(found.loss_after, by_hand.loss(plan))
    assert close(found.loss_before, by_hand.loss({}))
    assert close(found.hhi_after, by_hand.index(plan))
    assert close(found.cost_usd, by_hand.money(plan))
    assert found.cost_usd <= budget
    assert found.bound <= found.value + 1e-6 * abs(found.value)
    assert found.gap <= 1e-5


def without_limits(net):
    """Return a network in which transport has no limit: it is solved over hubs, not over routes."""
    edges, nodes = net.edges.reset_index(), net.nodes.reset_index()
    return SupplyNetwork(
        nodes=nodes.assign(throughput_t=np.inf), processes=net.processes.reset_index(),
        edges=edges.assign(capacity_t=np.inf), products=net.products, references=net.references,
        owners=flat(net.owners), countries=net.countries, shipments=net.shipments.reset_index(),
    )  # fmt: skip


def test_over_hubs_equals_all_plans():
    net = without_limits(chain())
    shock = {"kokkola": CLOSED["kokkola"], "ban": (Shock.ban("CHN", stage="refining"), 0.1)}
    grown = {2026: 1.0, 2027: 1.1, 2028: 1.5}
    projects = toy_projects().iloc[:2]
    found = invest(net, projects, budget=500.0, horizon=SPAN, scenarios=shock, ramp=None, demand=grown)
    by_hand = Oracle(net, projects, YEARS, [(("kokkola",), 0.2), (("ban", "CHN", "cobalt-refined"), 0.1)], grown, grown)
    assert close(found.loss_before, by_hand.loss({}))
    assert close(found.loss_after, by_hand.best("loss", budget=500.0))
    assert close(found.loss_after, by_hand.loss(plan_of(found)))


@pytest.mark.parametrize("seed", [3, 8, *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 1, 2, 4, 5))])
def test_random_networks_over_hubs_equal_all_plans(seed):
    net = without_limits(random_network(seed).select(mineral="alpha"))
    projects = random_projects(seed + 50)
    grown = dict.fromkeys(YEARS, 1.0)
    budget = float(projects["capex_usd"].sum() * 0.6)
    shock = {"r": (Shock.close(node="refinery0"), 0.5), "m": (Shock.close(node="mine0"), 0.25)}
    found = invest(net, projects, budget=budget, horizon=SPAN, scenarios=shock, ramp=None)
    by_hand = Oracle(net, projects, YEARS, [(("refinery0",), 0.5), (("mine0",), 0.25)], grown, grown)
    assert close(found.loss_before, by_hand.loss({}))
    assert close(found.loss_after, by_hand.best("loss", budget=budget))


@pytest.mark.parametrize("existing", ["keeps_pace", "today"])
def test_growing_demand_equals_all_plans(existing):
    grown = {2026: 1.0, 2027: 1.3, 2028: 1.7}
    projects = toy_projects().iloc[[0, 2]]
    found = invest(
        chain(), projects, budget=400.0, horizon=SPAN, scenarios=CLOSED, ramp=None, demand=grown, existing=existing
    )
    pace = grown if existing == "keeps_pace" else dict.fromkeys(YEARS, 1.0)
    by_hand = Oracle(chain(), projects, YEARS, BY_HAND, grown, pace)
    assert close(found.loss_after, by_hand.best("loss", budget=400.0))
    assert close(found.loss_after, by_hand.loss(plan_of(found)))


def test_yearly_budgets_equal_all_plans():
    yearly = {2026: 200.0, 2028: 350.0}
    found = invest(chain(), toy_projects(), budget=yearly, horizon=SPAN, scenarios=CLOSED, ramp=None)
    assert close(found.loss_after, oracle().best("loss", yearly=yearly))
    spent = found.table.groupby("year")["public_usd"].sum()
    assert all(spent.get(year, 0.0) <= yearly.get(year, 0.0) for year in YEARS)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_least_cost_equals_all_plans(part):
    by_hand = oracle()
    before, best = by_hand.loss({}), by_hand.best("loss")
    most = best + part * (before - best)
    found = invest(
        chain(),
        toy_projects(),
        budget=None,
        horizon=SPAN,
        objective="cost",
        loss_at_most=most,
        scenarios=CLOSED,
        ramp=None,
    )
    assert close(found.cost_present_usd, by_hand.best("cost", loss=most))
    assert found.loss_after <= most * (1 + 1e-9)


def test_limit_on_concentration_equals_all_plans():
    by_hand = oracle()
    most = 0.5 * (by_hand.index({}) + by_hand.best("concentration"))
    found = invest(chain(), toy_projects(), budget=650.0, horizon=SPAN, hhi_at_most=most, scenarios=CLOSED, ramp=None)
    assert close(found.loss_after, by_hand.best("loss", budget=650.0, index=most + 1e-9))
    assert found.hhi_after <= most + 1e-9
    with pytest.raises(InfeasibleError, match=r"a mean HHI of refining of at most 0\.01"):
        invest(chain(), toy_projects(), budget=650.0, horizon=SPAN, hhi_at_most=0.01, scenarios=CLOSED, ramp=None)


@pytest.mark.parametrize(("first", "second"), [("loss", "cost"), ("concentration", "cost"), ("loss", "concentration")])
def test_frontier_equals_all_plans(first, second):
    found = invest(
        chain(),
        toy_projects(),
        budget=None,
        horizon=SPAN,
        frontier=(first, second),
        points=4,
        scenarios=CLOSED,
        ramp=None,
    )
    by_hand = oracle()
    goal = {"loss": by_hand.loss, "concentration": by_hand.index, "cost": by_hand.cost}
    column = {"loss": "loss", "concentration": "hhi", "cost": "cost_present_usd"}
    every = [(goal[first](plan), goal[second](plan)) for plan in by_hand.plans()]
    assert len(found.frontier) == 4
    for row in found.frontier.to_dict("records"):
        allowed = [a for a, b in every if b <= row["level"] + 1e-7 * max(abs(row["level"]), 1)]
        assert close(row[column[first]], min(allowed))
        assert row[column[second]] <= row["level"] + 1e-6 * max(abs(row["level"]), 1)
    assert (np.diff(found.frontier[column[first]]) <= 1e-6).all()


@pytest.mark.parametrize("seed", [2, 5, 7, *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 1, 3, 4, 6))])
def test_random_networks_equal_all_plans(seed):
    net = random_network(seed).select(mineral="alpha")
    projects = random_projects(seed)
    shock = {"r": (Shock.close(node="refinery0"), 0.5), "m": (Shock.close(node="mine0"), 0.25)}
    rng = np.random.default_rng(seed)
    grown = dict(zip(YEARS, np.sort(rng.uniform(1, 2, 3)).round(3), strict=True))
    budget = float(projects["capex_usd"].sum() * rng.uniform(0.3, 0.9))
    found = invest(net, projects, budget=budget, horizon=SPAN, scenarios=shock, demand=grown, ramp=None)
    by_hand = Oracle(net, projects, YEARS, [(("refinery0",), 0.5), (("mine0",), 0.25)], grown, grown)
    assert close(found.loss_before, by_hand.loss({}))
    assert close(found.loss_after, by_hand.best("loss", budget=budget))
    assert close(found.loss_after, by_hand.loss(plan_of(found)))


def test_draws_equal_all_plans_over_the_same_draws():
    projects = toy_projects().assign(failure=[0.5, 0.25, 0.4])
    found = invest(
        chain(), projects, budget=600.0, horizon=SPAN, scenarios=CLOSED, ramp=None, failures="draws", draws=4, seed=3
    )
    rng = np.random.default_rng(3)
    lucky = rng.random((4, 3)) >= np.array([0.5, 0.25, 0.4])
    each = [
        Oracle(chain(), projects, YEARS, BY_HAND, dict.fromkeys(YEARS, 1.0), dict.fromkeys(YEARS, 1.0),
               luck=dict(zip(["erz", "grube", "verk"], draw.astype(float), strict=True)))
        for draw in lucky
    ]  # fmt: skip
    best = min(np.mean([one.loss(plan) for one in each]) for plan in each[0].plans(600.0))
    assert close(found.loss_after, best)


def test_chance_counted_in_capacity_is_a_lower_bound_of_draws():
    projects = toy_projects().assign(failure=0.5)
    options = {"budget": 1000.0, "horizon": SPAN, "scenarios": CLOSED, "ramp": None}
    sure = invest(chain(), projects, **options)
    drawn = invest(chain(), projects, failures="draws", draws=400, seed=1, **options)
    assert sure.loss_after <= drawn.loss_after + 0.05 * drawn.loss_after


def test_never_acts_before_it_is_built():
    projects = toy_projects().assign(start_earliest=[np.nan, 2028, np.nan])
    found = invest(chain(), projects, budget=1e6, horizon=SPAN, scenarios=CLOSED, ramp=None)
    for row in found.table[found.table["funded"]].itertuples():
        build = projects.set_index("project")["build_years"][row.Index]
        assert row.start >= row.year + build
    first = found.path.index < found.table["start"].min()
    path = found.path[first]
    assert (path["added_t"] == 0).all()
    assert (path["loss_after_t"] == path["loss_before_t"]).all()
    assert (path["hhi_after"] == path["hhi_before"]).all()
    late = invest(chain(), projects.assign(build_years=5), budget=1e6, horizon=SPAN, scenarios=CLOSED, ramp=None)
    assert not late.table["funded"].any()  # nothing would come within the horizon
    assert late.cost_usd == 0


def test_when_time_runs_out_the_gap_is_told(monkeypatch):
    monkeypatch.setattr(master, "_ROUNDS", 0)  # no cuts on fractional plans, so that the first round proves little
    short = invest(chain(), toy_projects(), budget=600.0, horizon=SPAN, scenarios=CLOSED, time_limit=0)
    monkeypatch.undo()
    best = invest(chain(), toy_projects(), budget=600.0, horizon=SPAN, scenarios=CLOSED)
    assert not short.optimal
    assert short.bound <= best.value <= short.value
    assert short.cost_usd <= 600.0
    assert close(short.gap, (short.value - short.bound) / short.value)
    assert short.gap > 0
    assert short.table["funded_if_dear"].notna().all()  # costs have no interval here
    if short.table["funded"].any():
        assert "not proved best when time ran out" in short.explain()


def test_more_money_never_raises_the_loss():
    losses = [
        invest(chain(), toy_projects(), budget=budget, horizon=SPAN, scenarios=CLOSED).loss_after
        for budget in np.linspace(0, 900, 6)
    ]
    assert all(b <= a + 1e-6 for a, b in itertools.pairwise(losses))
    assert losses[-1] < losses[0]


def test_without_money_nothing_changes():
    found = invest(chain(), toy_projects(), budget=0, horizon=SPAN, scenarios=CLOSED)
    assert not found.table["funded"].any()
    assert found.loss_after == found.loss_before
    assert found.hhi_after == found.hhi_before
    assert "Nothing is funded" in found.explain()


def test_without_candidates_the_network_as_it_is():
    found = invest(sg.load("germanium"), budget=1e9, horizon=(2026, 2028))
    assert found.cost_usd == 0
    assert found.loss_after == found.loss_before > 0
    assert found.gap == 0
    assert "goes ahead" in found.table["role"].tolist()
    assert "there is no candidate" in found.explain()
    with pytest.raises(InfeasibleError, match="an expected loss of at most 1"):
        invest(sg.load("germanium"), budget=1e9, objective="cost", loss_at_most=1.0)


def test_mines_do_not_help_where_refining_is_short():
    found = invest(sg.load("graphite"), budget=1e9, horizon=(2026, 2030))
    assert not found.table["funded"].any()
    assert "is not what is short" in found.explain()


def test_projects_that_always_fail_change_nothing():
    found = invest(chain(), toy_projects().assign(failure=1.0), budget=1e6, horizon=SPAN, scenarios=CLOSED)
    assert not found.table["funded"].any()
    assert found.loss_after == found.loss_before


def test_among_equal_plans_the_cheapest():
    twice = pd.concat([toy_projects(), toy_projects().assign(project=["erz2", "grube2", "verk2"], capex_usd=999.0)])
    found = invest(chain(), twice, budget=1e6, horizon=SPAN, scenarios=CLOSED, objective="loss")
    assert {"erz2", "grube2", "verk2"} - set(plan_of(found)), "what avoids no loss is not funded"
    without = [
        invest(chain(), twice[twice["project"] != name], budget=1e6, horizon=SPAN, scenarios=CLOSED).loss_after
        for name in plan_of(found)
    ]
    assert all(loss > found.loss_after for loss in without)


def test_same_input_same_answer_in_any_order():
    one = invest(chain(), toy_projects(), budget=600.0, horizon=SPAN, scenarios=CLOSED)
    shuffled = toy_projects().sample(frac=1, random_state=4)
    other = invest(chain(), shuffled, budget=600.0, horizon=SPAN, scenarios=dict(reversed(CLOSED.items())))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])
    assert one.explain() == other.explain()


def test_a_quota_in_tonnes_does_not_grow_with_demand():
    net = without_limits(chain())
    grown = {2026: 1.0, 2027: 2.0, 2028: 4.0}
    quota = {"quota": (Shock.ban("COD", stage="mining", most_t=50.0), 1.0)}
    found = invest(net, toy_projects(), budget=0, horizon=SPAN, scenarios=quota, demand=grown, ramp=None)
    # Tenke may send 50 t abroad whatever demand is, Talvivaara makes 12 t times the growth; recovery is 0.9.
    by_hand = [max(99 * g - 0.9 * (50 + 12 * g), 0.0) for g in grown.values()]
    assert found.path["loss_before_t"].tolist() == pytest.approx(by_hand)
    share = {"share": (Shock.ban("COD", stage="mining", keep=0.5), 1.0)}
    found = invest(net, toy_projects(), budget=0, horizon=SPAN, scenarios=share, demand=grown, ramp=None)
    assert found.path["loss_before_t"].tolist() == pytest.approx([99 * g - 0.9 * (50 + 12) * g for g in grown.values()])


def test_a_shock_on_one_mineral_leaves_the_other_alone():
    shock = {"ban": (Shock.ban("COD", product="cobalt-mined"), 0.5)}
    both = invest(sg.load(["cobalt", "lithium"]), budget=0, horizon=(2026, 2027), scenarios=shock)
    path = both.path.reset_index().set_index(["mineral", "year"])
    assert (path.loc["lithium", "loss_before_t"] == 0).all()
    assert (path.loc["cobalt", "loss_before_t"] > 0).all()
    alone = invest(sg.load("cobalt"), budget=0, horizon=(2026, 2027), scenarios=shock)
    assert path.loc["cobalt", "loss_before_t"].tolist() == pytest.approx(alone.path["loss_before_t"].tolist())
    with pytest.raises(UnknownNameError, match="cobalt-mind"):
        invest(sg.load("cobalt"), budget=0, scenarios={"x": (Shock.ban("COD", product="cobalt-mind"), 0.5)})


def test_concentration_by_owner():
    projects = toy_projects().assign(owner_countries=["FRA;DEU", None, "BEL"], failure=0.0)
    found = invest(
        chain(), projects, budget=None, horizon=SPAN, scenarios=CLOSED, by="owner", objective="concentration"
    )
    assert close(found.path["hhi_before"].iloc[0], sg.concentration(chain(), stage="refining", by="owner").hhi)
    plan = plan_of(found)
    last, whole = 2028, 99.0
    made = {name: size for name, size in (("erz", 14.0), ("verk", 9.0)) if name in plan}
    left = 1 - sum(made.values()) / whole
    owned = {"CHN": 72 / 99 * left, "BEL": 27 / 99 * left + made.get("verk", 0) / whole}
    owned |= {code: made.get("erz", 0) / 2 / whole for code in ("FRA", "DEU")}
    assert close(found.path.loc[last, "hhi_after"], sum(share**2 for share in owned.values()))


def test_marginals():
    found = invest(chain(), toy_projects(), budget=600.0, horizon=SPAN, scenarios=CLOSED, ramp=None)
    by_hand, plan = oracle(), plan_of(found)
    for name, row in found.table.iterrows():
        when = plan.get(name, 2026)
        assert close(row["loss_avoided_alone_t"], by_hand.loss({}) - by_hand.loss({name: when}))
        if name in plan:
            rest = {other: year for other, year in plan.items() if other != name}
            assert close(row["loss_avoided_last_t"], by_hand.loss(rest) - by_hand.loss(plan))
            assert close(row["share_of_avoided"], row["loss_avoided_last_t"] / (found.loss_before - found.loss_after))
        else:
            assert close(row["loss_avoided_last_t"], by_hand.loss(plan) - by_hand.loss({**plan, name: 2026}))


def test_public_share_and_money_given():
    projects = toy_projects().assign(given_usd=[100.0, 0.0, 400.0])
    found = invest(chain(), projects, budget=None, horizon=SPAN, scenarios=CLOSED, share=0.5)
    assert found.table["public_usd"].tolist() == [50.0, 100.0, 0.0]


def test_plans_at_the_bounds_of_the_capital_cost():
    projects = toy_projects().assign(capex_low_usd=[200.0, 100.0, 200.0], capex_high_usd=[500.0, 450.0, 700.0])
    options = {"budget": 500.0, "horizon": SPAN, "scenarios": CLOSED}
    found = invest(chain(), projects, **options)
    for end, column in (("cheap", "capex_low_usd"), ("dear", "capex_high_usd")):
        other = invest(chain(), toy_projects().assign(capex_usd=projects[column]), **options)
        assert close(found.figures[f"loss_after_{end}_t"], other.loss_after_t)
        assert found.table[f"funded_if_{end}"].tolist() == other.table["funded"].tolist()
    assert found.loss_after_cheap_t - 1e-9 <= found.loss_after_t <= found.loss_after_dear_t + 1e-9
    assert found.capex_low_usd <= found.capex_usd <= found.capex_high_usd
    assert "If all cost what they may at most" in found.explain()


def test_one_decision_for_a_shared_site():
    projects = toy_projects().assign(with_project=[None, "erz", None], capex_usd=[300.0, np.nan, 350.0])
    found = invest(chain(), projects, budget=300.0, horizon=SPAN, scenarios=CLOSED)
    both = found.table.loc[["erz", "grube"]]
    assert both["funded"].all()
    assert both["public_usd"].sum() == 300.0
    alone = invest(chain(), projects[1:], budget=300.0, horizon=SPAN, scenarios=CLOSED)
    assert alone.left_out.loc["grube", "reason"] == "its capital cost stands on erz, which is not among the projects"


def test_what_goes_ahead_stands_before_and_after():
    projects = toy_projects().assign(
        status=["construction", "feasibility", "feasibility"], start_earliest=[2026, np.nan, np.nan]
    )
    found = invest(chain(), projects, budget=0, horizon=SPAN, scenarios=CLOSED)
    bare = invest(chain(), projects[1:], budget=0, horizon=SPAN, scenarios=CLOSED)
    assert found.loss_before == found.loss_after < bare.loss_before
    assert found.table.loc["erz", "role"] == "goes ahead"
    choice = invest(chain(), projects, budget=0, horizon=SPAN, scenarios=CLOSED, committed=())
    assert choice.loss_before == bare.loss_before


def test_costs_that_stand_elsewhere_are_told_apart_from_unknown_ones():
    cobalt = invest(sg.load("cobalt"), budget=1e9).left_out["reason"]
    assert cobalt["PJ-CO-01"] == "its capital cost stands on PJ-NI-01, which is not among the projects"
    assert cobalt["PJ-CO-02"] == "no capital cost is published"  # that of Kahama is on no row
    both = invest(sg.load(["cobalt", "nickel"]), budget=1e12, horizon=(2026, 2030))
    assert "PJ-CO-01" in both.table.index
    assert len(set(both.table.loc[["PJ-CO-01", "PJ-NI-01"], "funded"])) == 1
    assert both.table.loc[["PJ-CO-01", "PJ-NI-01"], "public_usd"].notna().sum() == 1


def test_agreements_only_widen():
    table = toy_projects()
    options = {"budget": None, "horizon": SPAN, "scenarios": CLOSED}
    free = invest(chain(), table, **options)
    own = invest(chain(), table, funder="EUU", **options)
    opened = invest(chain(), table, funder="EUU", agreements=sg.forge("2026-07-01"), **options)
    assert own.table.index[own.table["role"] == "candidate"].tolist() == ["erz"]
    assert opened.table["role"].tolist() == ["candidate"] * 3  # partnerships with Namibia and Norway
    assert free.loss_after <= opened.loss_after <= own.loss_after
    assert set(plan_of(own)) <= {"erz"}
    assert "EU strategic partnership" in opened.table.loc["grube", "opened_by"]
    before = invest(chain(), table, funder="EUU", agreements=sg.forge("2026-07-01", non_binding=False), **options)
    assert set(plan_of(before)) <= {"erz"}


def test_whose_demand_counts():
    options = {"budget": 500.0, "horizon": SPAN, "scenarios": CLOSED}
    world = invest(chain(), toy_projects(), **options)
    some = invest(chain(), toy_projects(), for_="DEU", **options)
    assert some.loss_before <= world.loss_before
    assert "served first" in some.explain()
    zone = invest(chain(), toy_projects(), for_=(sg.forge(), "core"), **options)
    assert zone.loss_before == some.loss_before
    with pytest.raises(UnknownNameError, match="factory or country in for_"):
        invest(chain(), toy_projects(), for_="BRA", **options)


def test_several_minerals_share_only_the_budget():
    net = random_network(5)
    projects = pd.concat([random_projects(1, "alpha"), random_projects(2, "beta").assign(project=["q0", "q1", "q2"])])
    shock = {"r": (Shock.close(stage="refining", keep=0.5), 0.5)}
    options = {"horizon": SPAN, "scenarios": shock, "value": {"alpha": 1.0, "beta": 1.0}}
    both = invest(net, projects, budget=None, **options)
    options["value"] = 1.0
    apart = sum(
        invest(net.select(mineral=m), projects[projects["mineral"] == m], budget=None, **options).loss_after
        for m in ("alpha", "beta")
    )
    assert close(both.loss_after, apart)
    assert both.table.columns.str.endswith("_usd").any()


def test_network_after_loses_what_the_answer_says():
    found = invest(chain(), toy_projects().assign(failure=0.0), budget=600.0, horizon=SPAN, scenarios=CLOSED, ramp=None)
    from oracle_program import most_served

    after = found.network_after(2028)
    told = 0.2 * (99 - most_served(after, closed=("kokkola",))) + 0.1 * (99 - most_served(after, closed=("jinchuan",)))
    assert close(told, found.path.loc[2028, "loss_after_t"])
    with pytest.raises(DataError, match="expected one from 2026 to 2028"):
        found.network_after(2050)


def test_left_out_with_the_reason():
    projects = toy_projects().assign(capacity_t=[np.nan, 20.0, 9.0], capex_usd=[1.0, np.nan, 350.0])
    extra = projects.iloc[[2]].assign(project="stufe", stage="smelting")
    found = invest(chain(), pd.concat([projects, extra]), budget=1e6, horizon=SPAN, scenarios=CLOSED)
    assert found.left_out["reason"].to_dict() == {
        "erz": "no capacity is published", "grube": "no capital cost is published",
        "stufe": "the network's cobalt has no stage smelting",
    }  # fmt: skip
    assert found.table.index.tolist() == ["verk"]
    filled = invest(
        chain(), pd.concat([projects, projects.iloc[[1]].assign(project="andere", capex_usd=500.0)]), budget=1e6,
        horizon=SPAN, scenarios=CLOSED, fill_capex=True,
    )  # fmt: skip
    assert filled.table.loc["grube", "capex_usd"] == 500.0
    assert "estimated" in filled.table.loc["grube", "basis"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": "5000 t"}, "a weight; expected dollars of 2025"),
        ({"budget": Money(1e9, "EUR")}, "Change it at a rate of your choice"),
        ({"budget": Money(1e9, year=2022)}, r"in_year\(2025\)"),
        ({"budget": -5}, "expected at least 0"),
        ({"budget": {2040: 1e9}}, "which is not in 2026 to 2028"),
        ({"horizon": "soon"}, "expected first and last year"),
        ({"horizon": (2030, 2026)}, "expected first and last year"),
        ({"share": 1.5}, "share: is 1.5"),
        ({"scenarios": {"a": (Shock.close(node="kokkola"), 0.7), "b": (None, 0.6)}}, "chances of 1.3 in all"),
        ({"scenarios": {"a": Shock.close(node="kokkola")}}, "expected a shock and its chance"),
        ({"agreements": sg.forge()}, "nobody who pays"),
        ({"demand": "plenty"}, "unknown demand path"),
        ({"demand": {2026: 1.0}}, "says nothing of 2027, 2028"),
        ({"demand": -2}, "a yearly rate above -1"),
        ({"frontier": ("loss", "loss")}, "two different goals"),
        ({"points": 1}, "points: is 1"),
    ],
)
def test_refused_with_the_remedy(options, words):
    given = {"budget": 100.0, "horizon": SPAN, "scenarios": CLOSED, **options}
    with pytest.raises((DataError, UnknownNameError), match=words):
        invest(chain(), toy_projects(), **given)


def test_all_faults_at_once():
    with pytest.raises(DataError) as caught:
        invest(chain(), toy_projects(), budget="3 kg", horizon="x", share=7)
    assert len(caught.value.report) == 3


@pytest.mark.parametrize(
    ("option", "given"), [("objective", "loses"), ("existing", "keep_pace"), ("failures", "draw"), ("by", "owners")]
)
def test_unknown_names_have_a_suggestion(option, given):
    with pytest.raises(UnknownNameError, match="Did you mean"):
        invest(chain(), toy_projects(), budget=1, **{option: given})


def test_projects_of_another_mineral_are_refused():
    with pytest.raises(UnknownNameError, match="mineral of projects in this network"):
        invest(chain(), toy_projects().assign(mineral="copper"), budget=1)


def test_hhi_before_is_that_of_concentration():
    net = sg.load("cobalt")
    found = invest(net, toy_projects().head(0), budget=0, horizon=(2026, 2026))
    told = sg.concentration(net, stage="refining")
    assert close(found.path["hhi_before"].iloc[0], told.hhi)
    assert close(found.path["hhi_before_high"].iloc[0], told.figures["hhi_high"])
