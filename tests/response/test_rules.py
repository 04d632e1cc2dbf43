"""Rules on who may serve the zone: require, prefer, cap, by territory and by owner; what they report and their laws."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import chain, chain_tables, random_network

import supplygraph as sg
from supplygraph.engine.program import shared
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.network.network import SupplyNetwork

ZONE = sg.forge()
SIZES = {"n_mines": 4, "n_refineries": 4, "n_factories": 4, "n_ports": 5}
HALF = sg.Shock.close(country="CHN", stage="refining", keep=0.5)


def to_erfurt(plan):
    table = plan.table[(plan.table["destination"] == "erfurt-use") & (plan.table["after_t"] > 1e-6)]
    return table.groupby("origin")["after_t"].sum().to_dict()


def owned(**owners):
    tables = chain_tables()
    frame = tables["owners"]
    rows = frame["node"].isin(owners)
    tables["owners"] = frame[~rows]
    extra = frame.iloc[:0]
    for node, shares in owners.items():
        for owner, share in shares.items():
            extra.loc[len(extra), ["node", "owner", "share", "reference"]] = [node, owner, share, "toy"]
    tables["owners"] = pd.concat([tables["owners"], extra], ignore_index=True)
    return SupplyNetwork(**tables)


def test_a_cap_by_hand():
    """Erfurt buys 12 of 36 t from China: one third. At most a quarter: 9 t, and Kokkola sends 27 t."""
    plan = sg.reroute(chain(), alignment=ZONE, cap=0.25)
    assert to_erfurt(plan) == pytest.approx({"jinchuan-refine": 9.0, "kokkola-refine": 27.0}, abs=1e-5)
    assert plan.unmet_t == pytest.approx(0.0, abs=1e-6)
    same = sg.reroute(chain(), alignment=ZONE, cap={"outside": 0.25})
    assert to_erfurt(same) == pytest.approx(to_erfurt(plan), abs=1e-5)
    loose = sg.reroute(chain(), alignment=ZONE, cap="eu")
    assert loose.table["difference_t"].abs().max() == 0.0


def test_the_cap_has_a_shadow_price_and_a_name():
    """One more tonne from China moves a tonne of Kokkola's back to Ningde: both are new links' worth of freight."""
    rule = sg.reroute(chain(), alignment=ZONE, cap=0.25).shadow.query("kind == 'rule'")
    assert rule["item"].tolist() == ["refining for the zone: at most 25 % from China"]
    step = [sg.reroute(chain(), alignment=ZONE, cap=cap).objective_usd for cap in (0.25, 0.2501)]
    assert rule["usd_t"].iloc[0] == pytest.approx((step[0] - step[1]) / (0.0001 * 36), rel=1e-3)


def test_a_cap_that_cannot_be_met_is_reported_with_the_rule():
    plan = sg.reroute(chain(), alignment=ZONE, cap={"outside": 0.05})
    # Kokkola makes at most 32.4 t: that is 95 % of 34.1 t.
    assert plan.zone_unmet_t == pytest.approx(36 - 32.4 / 0.95, abs=1e-5)
    assert "held back by the rule: refining for the zone: at most 5 % from outside the zone" in plan.certificate.words()
    rules = plan.cut[plan.cut["kind"] == "rule"]
    assert (rules["price"] > 0).all()
    assert len(rules) == 1
    behind, gates = plan.cut[plan.cut["kind"] == "demand"], plan.cut[plan.cut["kind"] != "demand"]
    assert behind["through_t"].sum() - gates["through_t"].sum() == pytest.approx(plan.unmet_t, abs=1e-6)


def test_require_names_itself_in_the_cut():
    plan = sg.reroute(chain(), alignment=ZONE, require="linked")
    assert "refining for the zone only in countries of tier linked or better" in plan.certificate.words()
    price = plan.shadow.query("kind == 'rule'")["served_t_per_t"]
    assert price.tolist() == pytest.approx([1.0])  # a tonne of exemption serves a tonne


def test_prefer_shifts_choices_never_service():
    """China is four tiers below core, Finland none: 10, 200 and 300 USD/t per tier are 40, 800 and 1 200 USD/t.

    A tonne for Erfurt from Kokkola costs 335 and, as 3 t go to Ningde today, 360 more for its successor there: 695; fed
    from Talvivaara (2 t more) 335 + 310 / 0.9 = 679; fed from Tenke 335 + 520 / 0.9 = 913, up to 32.4 t in all.
    """
    cheap, some, dear = (sg.reroute(chain(), alignment=ZONE, prefer=usd) for usd in (10.0, 200.0, 300.0))
    assert to_erfurt(cheap) == pytest.approx({"jinchuan-refine": 12.0, "kokkola-refine": 24.0}, abs=1e-5)
    assert to_erfurt(some) == pytest.approx({"jinchuan-refine": 7.2, "kokkola-refine": 28.8}, abs=1e-5)
    assert to_erfurt(dear) == pytest.approx({"jinchuan-refine": 3.6, "kokkola-refine": 32.4}, abs=1e-5)
    for usd in (0.0, 10.0, 200.0, 1e5):
        with_it = sg.reroute(chain(), HALF, alignment=ZONE, prefer=usd).unmet["unmet_t"]
        without = sg.reroute(chain(), HALF, alignment=ZONE).unmet["unmet_t"]
        assert with_it.to_dict() == pytest.approx(without.to_dict(), abs=1e-5)


def test_territory_and_owner_differ():
    """Kokkola stands in Finland; owned from China it is not aligned by owner."""
    net = owned(kokkola={"CHN": 0.6, "BEL": 0.4})
    by_land = sg.reroute(net, alignment=ZONE, require="linked")
    by_owner = sg.reroute(net, alignment=ZONE, require="linked", by="owner")
    assert by_land.coverage["covered_t"].tolist() == pytest.approx([32.4])
    assert by_owner.coverage["covered_t"].tolist() == pytest.approx([0.0])
    assert by_owner.zone_unmet_t == pytest.approx(36.0)
    assert "of owners from countries of tier linked" in by_owner.certificate.words()


def test_a_cap_by_owner_counts_shares_of_plants():
    """China holds Jinchuan and 60 % of Kokkola: x + 0.6 y <= cap (x + y) has no way round below 60 %."""
    net = owned(kokkola={"CHN": 0.6, "BEL": 0.4})
    # 12 + 0.6 x 24 = 26.4 of 36 t today. At most 70 %: x + 0.6 (36 - x) = 25.2, so x = 9.
    plan = sg.reroute(net, alignment=ZONE, cap=0.7, by="owner")
    assert to_erfurt(plan) == pytest.approx({"jinchuan-refine": 9.0, "kokkola-refine": 27.0}, abs=1e-5)
    assert sg.reroute(net, alignment=ZONE, cap=0.5, by="owner").zone_unmet_t == pytest.approx(36.0)


def test_what_is_unknown_counts_as_one_country_outside():
    net = owned(kokkola={"BEL": 0.4})  # 60 % of Kokkola: nobody knows
    plan = sg.reroute(net, alignment=ZONE, cap=0.45, by="owner")
    unknown = 0.6 * to_erfurt(plan).get("kokkola-refine", 0.0)
    assert unknown <= 0.45 * sum(to_erfurt(plan).values()) + 1e-5


def test_rules_at_an_earlier_stage_follow_the_cargo():
    """What serves the zone may not be mined in the DRC (linked counts it in): Talvivaara feeds Erfurt, 12 t x 0.9."""
    drc_out = sg.forge(overrides={"COD": "unaligned"})
    plan = sg.reroute(chain(), alignment=drc_out, require="linked", stages=("mining",))
    assert plan.unmet.loc["erfurt", "served_t"] == pytest.approx(12 * 0.9)
    assert plan.unmet.loc["ningde", "unmet_t"] == pytest.approx(0.0, abs=1e-6)
    assert plan.coverage.loc["mining", "covered_t"] == pytest.approx(12 * 0.9)


def test_all_rationings_side_by_side():
    plan = sg.reroute(chain(), HALF, alignment=ZONE, rationing="all")
    for how in ("proportional", "home_first", "zone_first"):
        alone = sg.reroute(chain(), HALF, alignment=ZONE, rationing=how).unmet["unmet_t"]
        assert plan.rationings[f"{how}_t"].to_dict() == pytest.approx(alone.to_dict(), abs=1e-6)
        assert f"{how}: " in plan.explain()
    assert "zone_first_t" not in sg.reroute(chain(), HALF, rationing="all").rationings


def test_the_frontier_goes_from_no_rule_to_require():
    frontier = sg.alignment_frontier(chain(), alignment=ZONE, shares=[0, 0.5, 0.7, 0.9, 1.0])
    table = frontier.table
    assert table["zone_unmet_t"].iloc[0] == pytest.approx(0.0, abs=1e-6)
    required = sg.reroute(chain(), alignment=ZONE, require="linked")
    assert table["zone_unmet_t"].iloc[-1] == pytest.approx(required.zone_unmet_t)
    assert (np.diff(table["zone_unmet_t"]) >= -1e-6).all()
    assert frontier.free_share == 0.9
    assert "can supply up to 90 % of what the zone gets" in frontier.explain()
    assert table.loc[0.9, "change_usd"] >= table.loc[0.5, "change_usd"]


@given(st.integers(0, 30), st.data())
@settings(max_examples=8, deadline=None)
def test_a_tighter_cap_never_serves_more_nor_costs_less(seed, data):
    net = random_network(seed, **SIZES)
    caps = sorted(data.draw(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), min_size=2, max_size=3)))
    kind = data.draw(st.sampled_from(["country", "outside"]))
    plans = [sg.reroute(net, alignment=ZONE, cap={kind: cap}) for cap in caps]
    scale = max(plans[0].demand_t, 1.0)
    unmet = [plan.unmet_t for plan in plans]
    assert (np.diff(unmet) <= 1e-6 * scale).all()
    for tight, loose in pairwise(plans):
        if tight.unmet_t <= 1e-6 * scale:  # all demand is served by both: the change can be compared
            assert tight.objective_usd >= loose.objective_usd - 1e-6 * max(loose.objective_usd, scale)


@pytest.mark.parametrize("seed", range(4))
def test_rules_hold_in_the_answer(seed):
    net = random_network(seed, **SIZES)
    members = ZONE.members("linked")
    plan = sg.reroute(net, alignment=ZONE, cap={"country": 0.5, "outside": 0.7}, zone="linked")
    table, scale = plan.table, 1e-5 * max(plan.demand_t, 1.0)
    uses = net.processes.index[net.processes["role"] == "use"]
    mineral = net.processes["mineral"]
    last = table[table["destination"].isin(uses) & table["destination_country"].isin(members)]
    last = last[net.products["stage"].reindex(last["product"]).to_numpy() == "refining"]
    for name, group in last.groupby(mineral.reindex(last["destination"]).to_numpy()):
        country = group["origin_country"].fillna("unknown")
        outside = ~country.isin(members)
        if set(net.products.index[(net.products["mineral"] == name) & (net.products["stage"] == "refining")]) == {
            *group["product"]
        }:
            assert group.loc[outside, "after_t"].sum() <= 0.7 * group["after_t"].sum() + scale
            for _, block in group[outside].groupby(country[outside]):
                assert block["after_t"].sum() <= 0.5 * group["after_t"].sum() + scale


def test_the_order_of_scenarios_never_matters():
    net = random_network(3, **SIZES)
    shocks = [sg.Shock.close(node=node) for node in ("refinery0", "port1", "mine0")] + [
        sg.Shock.ban("CHN", stage="refining", keep=0.5)
    ]
    rules = [{}, {"require": "linked"}, {"cap": 0.4}]
    asked = [(shock, rule) for shock in shocks for rule in rules]
    one = [sg.reroute(net, shock, alignment=ZONE, **rule).table.to_csv() for shock, rule in asked]
    two = [sg.reroute(net, shock, alignment=ZONE, **rule).table.to_csv() for shock, rule in reversed(asked)][::-1]
    assert one == two


def test_a_network_is_compiled_once():
    net = chain()
    first = shared(net, ramp=0.2)
    sg.reroute(net, HALF)
    assert shared(chain(), ramp=0.2) is first  # the same content is the same network
    assert shared(net, ramp=None) is not first


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"cap": 1.5, "alignment": ZONE}, DataError, "from 0 to 1"),
        ({"cap": {"country": -0.1, "outside": 2}, "alignment": ZONE}, DataError, "(?s)country.*outside"),
        ({"cap": "usa", "alignment": ZONE}, UnknownNameError, "eu"),
        ({"cap": {"state": 0.5}, "alignment": ZONE}, UnknownNameError, "country"),
        ({"cap": 0.5}, DataError, "alignment"),
        ({"prefer": 100.0}, DataError, "alignment"),
        ({"prefer": -1.0, "alignment": ZONE}, DataError, "prefer"),
        ({"prefer": float("nan"), "relink_usd_t": -1, "alignment": ZONE}, DataError, "(?s)relink_usd_t.*prefer"),
        ({"by": "company"}, UnknownNameError, "owner"),
        ({"objective": "cheapest"}, UnknownNameError, "least_cost"),
        ({"cap": 0.5, "alignment": ZONE, "stages": ("magnet",)}, UnknownNameError, "refining"),
    ],
)
def test_bad_rules_say_what_is_accepted(options, error, says):
    with pytest.raises(error, match=says):
        sg.reroute(chain(), **options)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [({"shares": []}, DataError, "empty"), ({"shares": [0.5, 2, -1]}, DataError, r"(?s)shares\[1\].*shares\[2\]"),
     ({"tier": "friends"}, UnknownNameError, "linked")],
)
def test_bad_frontiers_say_what_is_accepted(options, error, says):
    with pytest.raises(error, match=says):
        sg.alignment_frontier(chain(), alignment=ZONE, **options)


def test_the_words_tell_the_rule_and_what_it_costs():
    tight = sg.reroute(chain(), alignment=ZONE, cap=0.25).explain()
    assert "The rule: refining for the zone: at most 25 % from China." in tight
    assert "One tonne of exemption from it (refining for the zone: at most 25 % from China) would save" in tight
    assert "It costs nothing" in sg.reroute(chain(), alignment=ZONE, cap="eu").explain()
    hard = sg.reroute(chain(), alignment=ZONE, require="linked").explain()
    assert "would serve 1 t more" in hard
    assert "would pay 200 USD/t" in sg.reroute(chain(), alignment=ZONE, prefer=200).explain()
