"""Rerouting: hand-solved cases, laws, rules and what they report."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import chain, chain_tables, random_network, random_tables

import supplygraph as sg
from supplygraph.engine.paths import Prices
from supplygraph.engine.program import Program
from supplygraph.engine.rows import Rule
from supplygraph.errors import DataError, InfeasibleError, UnknownNameError
from supplygraph.network.network import SupplyNetwork
from supplygraph.response.phases import Question, cover, served
from supplygraph.response.reroute import reroute
from supplygraph.scenario.alignment import forge
from supplygraph.scenario.shock import Shock

ZONE = forge()
SIZES = {"n_mines": 4, "n_refineries": 4, "n_factories": 4, "n_ports": 5}
HALF = Shock.close(country="CHN", stage="refining", keep=0.5)


def flows(plan):
    return plan.table["after_t"].to_dict()


def balanced(net, plan):
    """Every plant makes recovery x what it takes; every factory gets what the answer says."""
    after = plan.table[plan.table["after_t"] > 0]
    out = after.groupby("origin")["after_t"].sum()
    into = after.groupby("destination")["after_t"].sum()
    scale = max(net.shipments["flow_t"].sum(), 1.0)
    for name, row in net.processes.iterrows():
        if row["role"] == "transform":
            recovery = 1.0 if np.isnan(row["recovery"]) else row["recovery"]
            assert abs(out.get(name, 0.0) - recovery * into.get(name, 0.0)) <= 1e-6 * scale
    served = into.reindex(net.processes.index[net.processes["role"] == "use"]).fillna(0.0)
    assert abs(served.sum() - plan.served_t) <= 1e-6 * scale
    return out, into


@pytest.mark.parametrize("options", [{}, {"alignment": ZONE}, {"alignment": ZONE, "rationing": "zone_first"},
                                     {"alignment": ZONE, "rationing": "home_first"}])  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_no_shock_and_no_rule_is_the_identity(seed, options):
    plan = reroute(random_network(seed, **SIZES), **options)
    assert plan.table["difference_t"].abs().max() == 0.0
    assert plan.unmet["unmet_t"].sum() == pytest.approx(0.0, abs=1e-9)
    assert not len(plan.routes)
    assert plan.added_cost_usd_t == pytest.approx(0.0, abs=1e-9) or np.isnan(plan.added_cost_usd_t)


def test_a_closed_strait_changes_ways_not_customers():
    plan = reroute(chain(), Shock.close(passage="malacca"))
    assert plan.unmet_t == pytest.approx(0.0, abs=1e-6)
    after = plan.table[plan.table["after_t"] > 0]
    assert not after["route"].str.contains("malacca").any()
    assert after.loc[after["origin"] == "tenke-extract", "after_t"].sum() == pytest.approx(100.0)
    first = plan.routes.iloc[0]
    assert first["flow_t"] == pytest.approx(80.0)
    assert first["words"] == (
        "80 t (100 % of the loss): was Tenke – Durban – Strait of Malacca – Ningbo – Jinchuan; "
        "becomes Tenke – Durban – Ningbo – Jinchuan (+1,500 km, +3.0 days)"
    )
    assert plan.closed == ("malacca",)


def test_least_change_by_hand():
    """Kokkola is closed. Jinchuan can make 86.4 (72 + 20 %); its 72 t stay where they go today.

    The other 14.4 t are new and go where most is missing: Erfurt, which lost 24 t (Ningde: 3 t).
    """
    plan = reroute(chain(), Shock.close(node="kokkola"))
    assert plan.unmet_t == pytest.approx(12.6)
    assert plan.unmet.loc["erfurt", "unmet_t"] == pytest.approx(9.6, abs=0.05)
    assert plan.unmet.loc["ningde", "unmet_t"] == pytest.approx(3.0, abs=0.05)
    new = plan.table[plan.table["before_t"] == 0]
    assert not len(new)  # the extra tonnes run along links that exist
    assert flows(plan)["s1"] == pytest.approx(96.0)
    assert plan.world_cut_t == pytest.approx(27.0)


def test_cost_per_tonne_by_hand():
    """Before: sum of flow x freight over 99 t delivered."""
    plan = reroute(chain(), Shock.close(passage="malacca"))
    before = 80 * 255 + 20 * 220 + 10 * 10 + 60 * 60 + 12 * 150 + 24 * 35 + 3 * 110
    assert plan.before_cost_usd_t == pytest.approx(before / 99)
    assert plan.table.loc["s5", "cost_usd_t"] == pytest.approx(150)
    table = plan.table
    assert plan.after_days == pytest.approx((table["after_t"] * table["days"]).sum() / 99)


def test_the_cheaper_change_is_taken():
    """A dear way round makes another refinery stand in; a cheap one leaves the customers where they are."""
    tables = chain_tables()
    processes = tables["processes"].set_index("process")
    processes.loc["kokkola-refine", "capacity_t"] = 100.0
    tables["processes"] = processes.reset_index()
    closed = Shock.close(edge="met-ningbo-malacca")

    def erfurt():
        plan = reroute(SupplyNetwork(**tables), closed, ramp=1.0)
        assert plan.unmet_t == pytest.approx(0.0, abs=1e-6)
        return plan.table[plan.table["destination"] == "erfurt-use"].groupby("origin")["after_t"].sum().to_dict()

    # 12 t round the Cape cost 215 - 150 + 1 USD/t more; from Kokkola 335, and 520 for its feed.
    assert erfurt() == pytest.approx({"jinchuan-refine": 12.0, "kokkola-refine": 24.0}, abs=1e-4)
    edges = tables["edges"].set_index("edge")
    edges.loc["met-cape", "cost_usd_t"] = 5000.0
    tables["edges"] = edges.reset_index()
    assert erfurt() == pytest.approx({"jinchuan-refine": 0.0, "kokkola-refine": 36.0}, abs=1e-4)


def test_rationing_by_hand():
    """Jinchuan makes 36, Kokkola 32.4: 30.6 t are missing, and only the rule says where."""
    unmet = {
        how: reroute(chain(), HALF, alignment=ZONE, rationing=how).unmet["unmet_t"]
        for how in ("proportional", "zone_first", "home_first")
    }
    for left in unmet.values():
        assert left.sum() == pytest.approx(30.6)
    # Contracts: Ningde keeps 30 + 3, Erfurt 6 + 24; Kokkola's 5.4 t more go to Ningde, which misses 48 %.
    assert unmet["proportional"]["erfurt"] == pytest.approx(6.0, abs=0.05)
    assert unmet["zone_first"]["erfurt"] == pytest.approx(0.0, abs=1e-6)
    assert unmet["home_first"]["erfurt"] > unmet["proportional"]["erfurt"]


def test_priority_and_must_serve():
    assert reroute(chain(), HALF, priority=["erfurt"]).unmet.loc["erfurt", "unmet_t"] == pytest.approx(0, abs=1e-6)
    kept = reroute(chain(), HALF, must_serve={"DEU": 0.9}).unmet
    assert kept.loc["erfurt", "served_t"] >= 0.9 * 36 - 1e-6
    with pytest.raises(InfeasibleError, match="must_serve") as caught:
        reroute(chain(), HALF, must_serve={"ningde": 1.0, "erfurt": 0.5})
    cut = caught.value.certificate.table
    gates = cut[cut["kind"] != "demand"]
    # 63 + 18 t are asked for; the gates let 36 + 32.4 t through.
    assert gates["through_t"].sum() == pytest.approx(68.4)
    assert caught.value.certificate.unmet_t == pytest.approx(81 - 68.4)


def test_a_rule_that_cannot_be_covered_is_reported():
    plan = reroute(chain(), alignment=ZONE, require="linked", stages=("refining",))
    # Kokkola may make 27 x 1.2 = 32.4 of the 36 t that Erfurt asks for.
    assert plan.coverage.loc["refining"].to_dict() == pytest.approx(
        {"demand_t": 36.0, "covered_t": 32.4, "share": 0.9, "aligned_limit_t": 32.4}
    )
    assert plan.zone_unmet_t == pytest.approx(3.6)
    assert plan.unmet.loc["ningde", "unmet_t"] == pytest.approx(0.0, abs=1e-6)
    to_zone = plan.table[(plan.table["destination"] == "erfurt-use") & (plan.table["after_t"] > 1e-6)]
    assert set(to_zone["origin"]) == {"kokkola-refine"}
    assert "can cover 90 %" in plan.explain()
    assert "Kokkola" in plan.certificate.words()
    assert plan.displaced.loc["erfurt", "displaced_t"] == pytest.approx(3.6)


def test_unknown_countries_are_not_aligned():
    tables = chain_tables()
    nodes = tables["nodes"].set_index("node")
    nodes.loc["kokkola", "country"] = None
    tables["nodes"] = nodes.reset_index()
    plan = reroute(SupplyNetwork(**tables), alignment=ZONE, require="unaligned")
    assert plan.coverage["covered_t"].tolist() == pytest.approx([0.0])
    assert plan.zone_unmet_t == pytest.approx(36.0)


def test_an_export_limit_holds():
    plan = reroute(chain(), Shock.ban("CHN", stage="refining", keep=0.5))
    table = plan.table
    out = table[(table["origin"] == "jinchuan-refine") & (table["destination_country"] != "CHN")]
    assert out["after_t"].sum() <= 6.0 + 1e-6
    assert plan.world_cut_t == pytest.approx(6.0)
    stopped = reroute(chain(), Shock.ban("CHN", stage="refining")).table
    assert stopped.loc["s5", "after_t"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rule", [{}, {"require": "linked"}])
def test_conservation_and_limits(seed, rule):
    net = random_network(seed, **SIZES)
    for shock in (Shock.close(node="refinery0"), Shock.close(node="port1"), Shock.close(country="CHN", keep=0.5)):
        plan = reroute(net, shock, alignment=ZONE, **rule)
        out, _ = balanced(net, plan)
        scale = 1e-6 * max(net.shipments["flow_t"].sum(), 1.0)
        now = net.processes["activity_t"]
        for name, made in out.items():
            assert made <= max(1.2 * now[name], 0.0) + scale
        used = plan.edges["after_t"]
        assert (used <= np.maximum(net.edges["capacity_t"].reindex(used.index), plan.edges["before_t"]) + scale).all()
        shut = [e for e in used.index if {net.edges["source"][e], net.edges["target"][e]} & set(plan.closed)]
        assert used[shut].sum() <= scale


@given(st.integers(0, 30), st.data())
@settings(max_examples=8, deadline=None)
def test_a_new_member_never_hurts(seed, data):
    """The same zone, more plants that may serve it: never more unmet, never less covered."""
    net = random_network(seed, **SIZES)
    program = Program(net, ramp=0.2)
    size = len(net.processes)
    is_use = (net.processes["role"] == "use").to_numpy()
    zone = is_use & np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    barred = ~is_use & np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    fewer = barred & np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    scenario = program.scenario(closed_nodes=["refinery1"])
    ask = [
        Question(program, scenario, zone, (Rule(mask * 1.0, ~is_use, 0.0, "drawn"),), Prices(300.0), "proportional")
        for mask in (barred, fewer)
    ]
    tight, wide = (served(question)[0].sum() for question in ask)
    scale = 1e-6 * max(program.graph.demand.sum(), 1.0)
    assert wide <= tight + scale
    assert cover(ask[0], barred, zone) <= cover(ask[1], fewer, zone) + scale


@given(st.integers(0, 20), st.sampled_from([1e-2, 1e4]))
@settings(max_examples=5, deadline=None)
def test_scaling_tonnes_scales_flows(seed, factor):
    tables = random_tables(seed, **SIZES)
    shock = Shock.close(node="refinery0")
    before = reroute(SupplyNetwork(**tables), shock)
    for table, columns in {"processes": ["capacity_t", "activity_t"], "edges": ["capacity_t"],
                           "nodes": ["throughput_t"], "shipments": ["flow_t", "flow_low_t", "flow_high_t"]}.items():
        tables[table][columns] *= factor
    after = reroute(SupplyNetwork(**tables), shock)
    one, two = (plan.table.groupby(["origin", "destination"])["after_t"].sum() for plan in (before, after))
    one, two = one.align(two / factor, fill_value=0.0)
    assert two.to_numpy() == pytest.approx(one.to_numpy(), abs=1e-6 * max(before.demand_t, 1.0))


@given(st.integers(0, 30), st.sampled_from(["refinery0", "port1", "mine0"]), st.integers(0, 99))
@settings(max_examples=6, deadline=None)
def test_relabelling_commutes(seed, closed, draw):
    """Other names for processes, in another order, give the same answer under the other names."""
    tables = random_tables(seed, **SIZES)
    names = sorted(tables["processes"]["process"])
    order = np.random.default_rng(draw).permutation(len(names))
    rename = {name: f"p{place:03d}" for place, name in zip(order, names, strict=True)}
    one = reroute(SupplyNetwork(**tables), Shock.close(node=closed))
    tables["processes"]["process"] = tables["processes"]["process"].map(rename)
    for column in ("origin", "destination"):
        tables["shipments"][column] = tables["shipments"][column].map(rename)
    two = reroute(SupplyNetwork(**tables), Shock.close(node=closed))
    scale = 1e-6 * max(one.demand_t, 1.0)
    assert one.unmet["unmet_t"].to_dict() == pytest.approx(two.unmet["unmet_t"].to_dict(), abs=scale)
    pairs = one.table.groupby(["origin", "destination"])["after_t"].sum()
    again = two.table.groupby(["origin", "destination"])["after_t"].sum()
    pairs.index = pairs.index.map(lambda pair: (rename[pair[0]], rename[pair[1]]))
    first, second = pairs.align(again, fill_value=0.0)
    assert first.to_dict() == pytest.approx(second.to_dict(), abs=scale)


def test_the_same_question_gives_the_same_bytes():
    first, second = (reroute(chain(), HALF, alignment=ZONE, require="linked") for _ in range(2))
    assert first.table.to_csv() == second.table.to_csv()
    assert first.explain() == second.explain()


def test_networks_without_a_baseline_or_a_demand_still_answer():
    bare = reroute(random_network(3, shipments=False), Shock.close(node="refinery0"))
    assert 0.0 <= bare.unmet_t <= bare.demand_t
    tables = chain_tables()
    tables["processes"] = tables["processes"][tables["processes"]["role"] != "use"]
    tables["shipments"] = tables["shipments"][tables["shipments"]["product"] == "cobalt-intermediate"]
    tables["products"]["stage"] = ["mining", "smelting"]
    assert reroute(SupplyNetwork(**tables), Shock.close(node="durban")).demand_t == 0.0


def test_the_map_gets_what_it_needs():
    plan = reroute(chain(), HALF, alignment=ZONE)
    after = plan.shipments_after
    assert set(after.columns) >= {"origin", "destination", "product", "route", "flow_t"}
    assert after["flow_t"].sum() == pytest.approx(plan.table["after_t"].sum())
    assert all(isinstance(value, str) for value in plan.map_kpis.values())


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"require": "linked"}, DataError, "alignment"),
        ({"rationing": "zone_first"}, DataError, "alignment"),
        ({"rationing": "fair"}, UnknownNameError, "proportional"),
        ({"alignment": ZONE, "require": "friends"}, UnknownNameError, "linked"),
        ({"alignment": ZONE, "zone": "friends"}, UnknownNameError, "linked"),
        ({"stages": ("magnet",)}, UnknownNameError, "refining"),
        ({"ramp": -1.0}, DataError, "ramp"),
        ({"relink_usd_t": -1.0}, DataError, "relink"),
        ({"relink_usd_t": float("nan")}, DataError, "relink"),
        ({"priority": ["erfrt"]}, UnknownNameError, "erfurt"),
        ({"must_serve": {"erfurt": 1.5}}, DataError, "from 0 to 1"),
        ({"must_serve": {"erfrt": 1.0}}, UnknownNameError, "erfurt"),
        ({"shock": "suez"}, DataError, "Shock"),
    ],
)
def test_bad_questions_say_what_is_wrong(options, error, says):
    with pytest.raises(error, match=says):
        reroute(chain(), **options)


def test_coverage_counts_only_what_must_pass_the_stage():
    """Industrial graphite is never refined, so no refinery can be said to cover it."""
    net = sg.load("graphite")
    plan = reroute(net, None, alignment=sg.forge("2026-07-01"), require="linked")
    uses = net.processes[net.processes["role"] == "use"]
    members = set(sg.forge("2026-07-01").members("linked"))
    inside = uses["node"].map(net.nodes["country"]).isin(members)
    anode = uses.loc[inside & (uses["input"] == "graphite-refined"), "activity_t"].sum()
    assert plan.coverage.loc["refining", "demand_t"] == pytest.approx(anode)
    assert plan.unmet.loc[plan.unmet["zone"], "demand_t"].sum() > anode


@pytest.mark.parametrize("name", ["malacca", "passage-malacca"])
def test_straits_go_by_either_name(name):
    plan = reroute(sg.load("cobalt"), Shock.close(passage=name))
    assert plan.unmet_t == pytest.approx(0, abs=1e-3)
    assert plan.added_km > 0
    assert "passage-malacca" in plan.closed
