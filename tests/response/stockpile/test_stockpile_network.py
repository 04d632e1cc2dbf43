"""Shortfalls from the network, the ready example, words, and what is refused."""

import pickle

import numpy as np
import pandas as pd
import pytest

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError

GALLIUM = sg.Shock.ban("CHN", product="gallium-refined")


@pytest.fixture(scope="module")
def net():
    return sg.load(["gallium", "tungsten"])


@pytest.fixture(scope="module")
def drawn(net):
    return sg.outages(net, 60, seed=3)


@pytest.fixture(scope="module")
def vault(net, drawn):
    return sg.project_vault(net, drawn, batches=3, curve=3)


def test_shortfalls_are_those_of_the_rerouting(net):
    """A twelfth a month of what the same shock leaves unmet in each country by `reroute`."""
    shock = GALLIUM + sg.Shock.ban("CHN", product="tungsten-refined", keep=0.5)
    told = {"both": {"shock": shock, "probability": 0.5, "start": 3, "months": 4}}
    answer = sg.stockpile(net, told, budget=0, period="month", years=1, for_="world")
    for product in ("gallium-refined", "tungsten-refined"):
        plan = sg.reroute(net.select(mineral=product.split("-")[0]), shock_of(shock, product))
        want = plan.unmet.groupby(plan.unmet["country"].fillna("unnamed"))["unmet_t"].sum()
        mine = answer.shortfalls[answer.shortfalls["product"] == product]
        got = mine.groupby("country")["shortfall_t"].sum() * 12 / 4
        want = want[want > 1e-3]
        assert got.reindex(want.index).to_numpy() == pytest.approx(want.to_numpy(), rel=1e-4)
        assert set(mine["month"]) == {3, 4, 5, 6}
    assert answer.network_solves == 2


def shock_of(shock, product):
    """The part of a shock that is about one product."""
    return sg.Shock(tuple(clause for clause in shock.clauses if product in clause.product))


def test_concurrent_disruptions_are_solved_together():
    """Two bans that overlap for a month: their month is that of the joint shock, not the sum."""
    other = sg.Shock.close(country="JPN", product="gallium-refined")
    hazards = [sg.Hazard("a", GALLIUM, per_year=60, months=12, law="fixed"),
               sg.Hazard("b", other, per_year=60, months=12, law="fixed")]  # fmt: skip
    gallium = sg.load("gallium")
    drawn = sg.outages(gallium, 2, years=1, hazards=hazards)
    answer = sg.stockpile(gallium, drawn, budget=0, years=1, period="month")
    start = drawn.paths.loc[0].set_index("hazard")["start_month"]
    month = int(start.max()) + 1
    joint = sg.reroute(gallium, GALLIUM + other)
    mine = answer.shortfalls[answer.shortfalls["scenario"] == "path 0"]
    got = mine.loc[mine["month"] == month, "shortfall_t"].sum() * 12
    assert got == pytest.approx(joint.unmet_t, rel=1e-4)


def test_rerouting_that_takes_time_falls_evenly_from_what_nobody_reroutes(net):
    told = {"ban": {"shock": GALLIUM, "probability": 1.0, "start": 0, "months": 8}}
    gallium = net.select(mineral="gallium")
    answer = sg.stockpile(gallium, told, budget=0, years=1, period="month", adjust_months=4)
    plan = sg.reroute(gallium, GALLIUM)
    by_month = answer.shortfalls.groupby("month")["shortfall_t"].sum() * 12
    first, last = plan.world_cut_t, plan.unmet_t
    want = [last + max(1 - month / 4, 0) * (first - last) for month in range(8)]
    # country by country the larger of the two counts, so the first months can only be higher
    assert (by_month.to_numpy() >= np.array(want) * (1 - 1e-4)).all()
    assert by_month.to_numpy()[4:] == pytest.approx(np.full(4, last), rel=1e-4)
    assert by_month.is_monotonic_decreasing or by_month.diff().max() < 1e-6 * first


def test_project_vault(vault, net):
    assert vault.budget_usd == 12e9
    assert vault.aim_days == 60.0
    assert vault.bound <= vault.objective_after <= vault.objective_before
    assert vault.gap <= 1e-3
    assert vault.loss_after_low_usd <= vault.loss_after_usd <= vault.loss_after_high_usd
    table = vault.table
    assert (table["hold_low_t"] <= table["hold_t"]).all()
    assert (table["hold_t"] <= table["hold_high_t"]).all()
    uses = net.processes[(net.processes["role"] == "use") & (net.processes["node"].map(net.nodes["country"]) == "USA")]
    demand = uses.groupby("input")["activity_t"].sum()
    cover = vault.cover
    assert (cover["hold_t"] / demand.reindex(cover.index) * 365).to_numpy() == pytest.approx(cover["days_of_cover"])
    daily = float((cover["demand_t"] * net.products["price_usd_t"].reindex(cover.index)).sum()) / 365
    assert vault.aim_cost_usd > 60 * daily  # at today's prices, before the market gives way
    curve = vault.curve
    assert curve["objective"].is_monotonic_decreasing
    assert (curve["bound"] <= curve["objective"] + 1e-6).all()
    assert curve["objective"].iloc[0] == pytest.approx(vault.loss_before_usd)


def test_published_size_and_aim_are_those_of_the_facts():
    from supplygraph import facts
    from supplygraph.response import stockpile

    rows = facts.read("facts/stockpiles.csv")
    mine = rows[rows["who"] == "USA (Project Vault)"]
    assert set(mine["quantity"].astype(float)) == {12.0}
    assert sorted(mine["days_of_cover"].astype(float)) == [stockpile.VAULT_ESTIMATE_DAYS, stockpile.VAULT_DAYS]
    money = facts.read("facts/instruments.csv").set_index("who")["level_value"]
    loan, private = (float(money[f"Project Vault ({part})"]) for part in ("EXIM loan", "private capital"))
    assert (loan + private) * 1e9 == stockpile.VAULT_LOW_USD
    assert stockpile.VAULT_USD == 12e9


def test_the_same_question_gives_the_same_tables(net, drawn, vault):
    again = sg.project_vault(net, drawn, batches=3, curve=3)
    for name, table in vault.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    assert vault.explain() == again.explain()


def test_words_state_assumptions_and_limits(vault):
    said = vault.explain()
    for words in (
        "Within 12 bn USD", "no plan is more than", "who goes without is an assumption", "estimated", "lower bounds",
        "reference price", "60 days of everything", "from 3 batches", "low confidence",
    ):  # fmt: skip
        assert words in said, words
    assert "No intervals" in sg.stockpile(
        sg.load("gallium"), {"a": {"shock": GALLIUM, "probability": 0.1, "months": 3}}, budget=0
    ).explain()


def test_an_answer_is_frozen_and_pickles(vault):
    with pytest.raises(AttributeError, match="frozen"):
        vault.table = 1
    back = pickle.loads(pickle.dumps(vault))  # noqa: S301 - our own bytes
    assert back.table.equals(vault.table)


TOLD = {"ban": {"shock": GALLIUM, "probability": 0.2, "start": 12, "months": 12}}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"budget": "5000 t"}, "budget: is '5000 t', a weight; expected dollars of 2025"),
        ({"budget": sg.Money(1e9, "EUR")}, "budget: is in EUR"),
        ({"budget": sg.Money(1e9, year=2022)}, "Write Money(1000000000, 'USD', 2022).in_year(2025)"),
        ({"budget": -1}, "budget: is -1; expected at least 0"),
        ({"budget": 1, "prices": {"gallium": "3 t"}}, "prices['gallium']: is '3 t', a weight"),
        ({"budget": 1, "prices": {"galium": 3}}, "Did you mean 'gallium'?"),
        ({"budget": 1, "prices": {"gallium": 0}}, "prices['gallium']: is 0; expected above 0"),
        ({"budget": 1, "value": -2}, "value: is -2; expected above 0"),
        ({"budget": 1, "elasticity": {"gallium": 0}}, "elasticity['gallium-refined']: is 0; expected a number above 0"),
        ({"budget": 1, "for_": "NAM"}, "for_: NAM: no final use of any of these products in this network"),
        ({"budget": 1, "for_": "Kongo"}, "for_: is 'Kongo'; expected an ISO 3166-1 alpha-3 code"),
        ({"budget": 1, "products": "gallium-feed"}, "'gallium-feed' is not what final users take"),
        ({"budget": 1, "products": "galium-refined"}, "Did you mean 'gallium-refined'?"),
        ({"budget": 1, "level": 1.0}, "level: is 1.0; expected a number from 0 to 0.999"),
        ({"budget": 1, "years": 2.5}, "years: is 2.5; expected a whole number"),
        ({"budget": 1, "most_share": 0}, "most_share: is 0"),
        ({"budget": 1, "in_shock": "stop"}, "in_shock: is 'stop'"),
        ({"budget": 1, "batches": -1}, "batches: is -1"),
        ({"budget": 1, "seconds": 0}, "seconds: is 0"),
        ({"budget": 1, "holders": "vault"}, "holders: is 'vault'; expected one or several Holders"),
        ({"budget": 1, "holders": [sg.Holder("a"), sg.Holder("a")]}, "'a' stands there 2 times"),
        ({"budget": 1, "for_": "USA", "holders": sg.Holder("jp", countries="JPN")}, "holder jp: serves none of USA"),
        ({"budget": 1, "holders": sg.Holder("a", most_usd="3 t")}, "holder a: most_usd: is '3 t', a weight"),
        ({"budget": 1, "holders": sg.Holder("a", opening_t={"gold": 1})}, "holder a: unknown product 'gold'"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_remedy(options, told):
    with pytest.raises(DataError) as caught:
        sg.stockpile(sg.load("gallium"), TOLD, **options)
    assert told in str(caught.value)


def test_all_problems_at_once():
    with pytest.raises(DataError) as caught:
        sg.stockpile(sg.load("gallium"), {"a": {"shock": 1, "probability": 2, "months": 0}}, budget="3 t", years=0,
                     value=-1)  # fmt: skip
    assert len(caught.value.report) == 6


@pytest.mark.parametrize(
    ("name", "value"), [("minimise", "cost"), ("risk", "var"), ("period", "week"), ("rationing", "fair")]
)
def test_unknown_choices_have_a_suggestion(name, value):
    with pytest.raises(UnknownNameError, match=f"unknown {name} '{value}'"):
        sg.stockpile(sg.load("gallium"), TOLD, budget=1, **{name: value})


@pytest.mark.parametrize(
    ("scenarios", "told"),
    [
        (5, "scenarios: is 5; expected outages(net), a mapping"),
        ({"a": {"shock": GALLIUM, "probability": 0.7, "months": 3}, "b": {"shock": GALLIUM, "probability": 0.7,
                                                                         "months": 3}}, "probabilities sum to 1.4"),
        ({"a": {"shok": GALLIUM, "probability": 0.7, "months": 3}}, "Did you mean 'shock'?"),
        (pd.DataFrame({"shock": [GALLIUM]}), "lacks `probability`, `months`"),
        (pd.DataFrame({"scenario": ["a"], "product": ["gold"], "month": [0], "shortfall_t": [1.0]}), "unknown product"),
        (pd.DataFrame({"scenario": ["a"], "product": ["gallium-refined"], "month": [99], "shortfall_t": [-1.0]}),
         "`shortfall_t`: is -1.0; expected a number from 0"),
        (pd.DataFrame({"scenario": ["a"], "product": ["gallium-refined"], "month": [0], "shortfall_t": [1.0]}),
         "has no `country`, and the question is about"),
    ],
)  # fmt: skip
def test_scenarios_are_checked(scenarios, told):
    with pytest.raises(DataError) as caught:
        sg.stockpile(sg.load("gallium"), scenarios, budget=1)
    assert told in str(caught.value)


def test_a_product_without_a_price_is_refused_and_may_be_given_one_or_left_out():
    graphite = sg.load("graphite")
    ban = sg.Shock.ban("CHN", mineral="graphite")
    told = {"ban": {"shock": ban, "probability": 0.2, "start": 12, "months": 12}}
    with pytest.raises(DataError) as caught:
        sg.stockpile(graphite, told, budget="1 bn USD")
    assert "'graphite-industrial' has no reference price" in str(caught.value)
    remedy = "Give prices={'graphite-industrial': USD per tonne}, or leave it out with products=[...]"
    assert remedy in str(caught.value)
    priced = sg.stockpile(graphite, told, budget="1 bn USD", prices={"graphite-industrial": 1000})
    assert "graphite-industrial" in priced.cover.index
    without = sg.stockpile(graphite, told, budget="1 bn USD", products="graphite-refined")
    assert list(without.cover.index) == ["graphite-refined"]


def test_an_earlier_answer_serves_some_of_its_countries(net, drawn):
    """Under proportional rationing what one country lacks is the same whoever else is asked about."""
    options = {"products": ["gallium-refined", "tungsten-refined"], "batches": 0, "gap": 1e-9}
    both = sg.stockpile(net, drawn, budget="20 m USD", for_=["USA", "JPN"], **options)
    warm = sg.stockpile(net, both, budget="20 m USD", for_="JPN", **options)
    cold = sg.stockpile(net, drawn, budget="20 m USD", for_="JPN", **options)
    assert warm.loss_before_usd == pytest.approx(cold.loss_before_usd)
    assert warm.loss_after_usd == pytest.approx(cold.loss_after_usd)
    assert warm.cover["demand_t"].tolist() == cold.cover["demand_t"].tolist()


def test_an_earlier_answer_of_another_question_is_refused(vault, net):
    with pytest.raises(DataError) as caught:
        sg.stockpile(net, vault, budget=1, for_="JPN", years=3)
    told = str(caught.value)
    assert "for_: is ('JPN',); the earlier answer was found with ('USA',)" in told
    assert "years: is 3; the earlier answer was found with 5" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"share": 30}, "Holder.share: is 30; expected a share from 0 to 1. 0.3 means 30 %."),
        ({"kind": "secret"}, "Holder.kind: is 'secret'; expected one of public, private, allied"),
        ({"refill_months": 0}, "Holder.refill_months: is 0"),
        ({"release": -1}, "Holder.release: is -1"),
        ({"countries": "Kongo"}, "Holder.countries: is 'Kongo'"),
        ({"opening_t": {"gallium-refined": -1}}, "Holder.opening_t['gallium-refined']: is -1"),
        ({"opening_t": 5}, "Holder.opening_t: is 5; expected tonnes by product"),
        ({"paid_by": "nobody"}, "Holder.paid_by: is 'nobody'"),
        ({"fee": 5}, "Holder.fee: is 5; expected a share from 0 to 1. 0.05 means 5 % of the value a year."),
    ],
)
def test_holders_check_themselves(options, told):
    with pytest.raises(DataError) as caught:
        sg.Holder("a", **options)
    assert told in str(caught.value)
