"""Plans against an independent program, closed forms and laws."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import supplygraph as sg
from supplygraph.response.stockpile import stockpile
from supplygraph.response.stockpile.holders import Holder

GOODS = ("gallium-refined", "tungsten-refined")
FREE = {"elasticity": float("inf"), "most_share": 1.0, "gap": 1e-9, "batches": 0}


@pytest.fixture(scope="module")
def net():
    return sg.load(["gallium", "tungsten"])


def short_table(seed, *, scenarios=5, months=4, countries=("USA",)):
    """Random shortfalls of two products by month, small against what the market gives."""
    rng = np.random.default_rng(seed)
    scale = {"gallium-refined": 1.0, "tungsten-refined": 300.0}
    rows = [
        (f"s{k}", good, month, float(rng.integers(1, 5)) * scale[good], country)
        for k in range(scenarios) for good in GOODS for month in range(1, months) for country in countries
        if rng.random() < 0.5
    ]
    return pd.DataFrame(rows, columns=["scenario", "product", "month", "shortfall_t", "country"])


def by_program(net, table, budget, *, holders, months=12, level=0.0, elasticity=float("inf"), most_share=1.0,
               countries=("USA",)):
    """The whole question as one program of scipy: plan, stocks, releases, steps of the price, budget, tail."""
    names = sorted(table["scenario"].unique())
    goods = [good for good in GOODS if good in set(table["product"])]
    uses = net.processes[net.processes["role"] == "use"]
    world = uses.groupby("input")["activity_t"].sum()
    price = net.products["price_usd_t"]
    edges = np.linspace(0, 1, 9) * most_share
    number = {}

    def column(*key):
        return number.setdefault(key, len(number))

    rows = []  # (entries, most)
    for g in goods:
        for t in range(months):
            steps = [(column("step", g, t, k), 1.0) for k in range(8)]
            rows += [([one], (edges[k + 1] - edges[k]) * world[g] / 12) for k, one in enumerate(steps)]
            bought = [(column("buy", g, h, t), 1.0) for h in range(len(holders))]
            rows.append((bought + [(c, -v) for c, v in steps], 0.0))
    paid = []
    for g in goods:
        for t in range(months):
            for k in range(8):
                low, high = (e * (1 + e / elasticity) for e in edges[k : k + 2])
                paid.append((column("step", g, t, k), price[g] * (high - low) / (edges[k + 1] - edges[k])))
            paid += [(column("buy", g, h, t), price[g] * one.upfront) for h, one in enumerate(holders)]
    rows.append((paid, budget))
    rows += [([(column("buy", g, h, t), 1.0)], 0.0) for g in goods for h, one in enumerate(holders)
             for t in range(months) if one.products is not None and g not in one.products]  # fmt: skip
    lacking = {}
    amount = table.groupby(["scenario", "product", "month", "country"])["shortfall_t"].sum().to_dict()
    calm = {(s, g, t): not any((s, g, t, c) in amount for c in countries)
            for s in names for g in goods for t in range(months)}  # fmt: skip
    for s in names:
        for g in goods:
            total = sum(value for (s_, g_, _, _), value in amount.items() if (s_, g_) == (s, g))
            served = []
            for t in range(months):
                done = max((u + 1 for u in range(t) if calm[s, g, u]), default=0)
                here = [c for c in countries if (s, g, t, c) in amount]
                for c in here:
                    rows.append(([(column("r", s, g, h, t, c), 1.0) for h in range(len(holders))], amount[s, g, t, c]))
                for h, one in enumerate(holders):
                    served += [(column("r", s, g, h, t, c), 1.0) for c in here]
                    for c in here:
                        if one.countries is not None and c not in one.countries:
                            rows.append(([(column("r", s, g, h, t, c), 1.0)], one.share * amount[s, g, t, c]))
                    so_far = [(column("r", s, g, h, u, c), 1.0) for u in range(t + 1) for c in countries
                              if (s, g, u, c) in amount]  # fmt: skip
                    opening = one.opening_t.get(g, 0.0)
                    rows.append((so_far + [(column("buy", g, h, u), -1.0) for u in range(done)], opening))
                    if one.release is not None and here:
                        demand = uses[(uses["input"] == g) & uses["node"].map(net.nodes["country"]).isin(countries)]
                        most = one.release * float(demand["activity_t"].sum()) / 12
                        rows.append(([(column("r", s, g, h, t, c), 1.0) for c in here], most))
            lacking[s, g] = (total * price[g], [(c, price[g]) for c, _ in served])
    cost = {}
    chance = 1.0 / len(names)
    constant = 0.0
    if level:
        cost[column("var")] = 1.0
        for s in names:
            cost[column("beyond", s)] = chance / (1 - level)
            entries = [(column("beyond", s), -1.0), (column("var"), -1.0)]
            entries += [(c, -v) for g in goods for c, v in lacking[s, g][1]]
            rows.append((entries, -sum(lacking[s, g][0] for g in goods)))
    else:
        for total, served in lacking.values():
            constant += chance * total
            for c, v in served:
                cost[c] = cost.get(c, 0.0) - chance * v
    matrix = np.zeros((len(rows), len(number)))
    for r, (entries, _) in enumerate(rows):
        for c, v in entries:
            matrix[r, c] += v
    objective = np.zeros(len(number))
    for c, v in cost.items():
        objective[c] = v
    bounds = [(None if key == ("var",) else 0, None) for key in number]
    found = linprog(objective, A_ub=matrix, b_ub=[most for _, most in rows], bounds=bounds, method="highs")
    assert found.status == 0
    return found.fun + constant


RULES = [
    [Holder("one", countries="USA")],
    [Holder("one", countries="USA", release=0.5, opening_t={"gallium-refined": 1.0})],
    [Holder("dear", countries="USA", upfront=0.2), Holder("slow", countries="USA", release=0.3)],
    [Holder("own", countries="USA", products="gallium-refined"), Holder("ally", "allied", "JPN", share=0.4)],
]


@pytest.mark.parametrize("holders", RULES)
@pytest.mark.parametrize("seed", range(3))
def test_expected_loss_equals_an_independent_program(net, holders, seed):
    table = short_table(seed)
    for budget in (5e5, 5e7, 4e8):
        options = {"for_": "USA", "holders": holders, "years": 1, "period": "month"} | FREE
        answer = stockpile(net, table, budget=budget, **options)
        want = by_program(net, table, budget, holders=holders)
        assert answer.loss_after_usd == pytest.approx(want, rel=1e-6, abs=1.0)
        assert answer.bound == pytest.approx(want, rel=1e-5, abs=500.0)
        assert answer.bound <= answer.objective_after + 1e-6
        assert answer.cost_usd <= budget * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_tail_and_buying_pressure_equal_an_independent_program(net, seed):
    table = short_table(10 + seed, scenarios=8)
    holders = [Holder("one", countries="USA", upfront=0.05), Holder("slow", countries="USA", release=0.3)]
    for budget in (2e7, 2e8):
        options = {"for_": "USA", "holders": holders, "years": 1, "period": "month", "elasticity": 0.4,
                   "most_share": 0.2, "gap": 1e-9, "batches": 0, "risk": "cvar", "level": 0.7}  # fmt: skip
        answer = stockpile(net, table, budget=budget, **options)
        want = by_program(net, table, budget, holders=holders, level=0.7, elasticity=0.4, most_share=0.2)
        assert answer.cvar_after_usd == pytest.approx(want, rel=1e-6, abs=1.0)
        assert answer.objective_after == answer.cvar_after_usd


def test_allies_share_as_an_independent_program(net):
    table = short_table(5, countries=("JPN", "USA"))
    holders = [Holder("us", countries="USA", share=0.3), Holder("jp", "allied", countries="JPN", share=0.5)]
    who = {"for_": ["USA", "JPN"], "years": 1, "period": "month"} | FREE
    for budget in (1e7, 1e8):
        answer = stockpile(net, table, budget=budget, holders=holders, **who)
        want = by_program(net, table, budget, holders=holders, countries=("JPN", "USA"))
        assert answer.loss_after_usd == pytest.approx(want, rel=1e-6, abs=1.0)


def test_newsvendor_with_supply_disruptions(net):
    """Tomlin (2006), Schmitt, Snyder and Shen (2010): hold demand times the fractile of the length of the disruption.

    One product: supply stops for L months with P(L = k); each month lacks d. Without holding cost the next tonne
    saves v P(L d > S); spending p for it pays at a shadow price w of money up to S = d F^-1(1 - w p / v).
    """
    lengths = {1: 0.4, 3: 0.3, 6: 0.2, 9: 0.1}
    lacking = 1.0
    table = pd.DataFrame(
        [(f"L{k}", "gallium-refined", 1 + m, lacking, chance) for k, chance in lengths.items() for m in range(k)],
        columns=["scenario", "product", "month", "shortfall_t", "probability"],
    )
    price, value = 580_000.0, 5_800_000.0
    cumulative = np.cumsum(list(lengths.values()))
    for stock in (0.5, 1.0, 2.0, 3.0, 5.0, 6.0, 9.0):
        answer = stockpile(net, table, budget=stock * price, for_="USA", value={"gallium": value}, years=1,
                           period="month", products="gallium-refined", **FREE)  # fmt: skip
        beyond = sum(chance for k, chance in lengths.items() if k * lacking > stock + 1e-9)
        lost = sum(chance * max(k * lacking - stock, 0.0) for k, chance in lengths.items())
        assert answer.table["hold_t"].iloc[0] == pytest.approx(stock)
        assert answer.loss_after_usd == pytest.approx(value * lost)
        assert answer.table["next_tonne_usd_t"].iloc[0] == pytest.approx(value * beyond, rel=1e-5)
    # the fractile: a hurdle of w per dollar, money no object
    for hurdle in (0.5, 1.5, 3.5, 7.0, 9.5):
        answer = stockpile(net, table, budget=1e9, for_="USA", value={"gallium": value}, years=1, period="month",
                           products="gallium-refined", hurdle=hurdle, **FREE)  # fmt: skip
        fractile = 1 - hurdle * price / value
        want = next(k for k, below in zip(lengths, cumulative, strict=True) if below >= fractile - 1e-12) * lacking
        assert answer.table["hold_t"].iloc[0] == pytest.approx(want)


def test_two_products_share_the_money_where_it_saves_most(net):
    """Equal chances and prices per tonne of value: the dearer product is not better, the likelier is."""
    rows = [("a", "gallium-refined", 1, 3.0, 0.3), ("b", "tungsten-refined", 1, 10.0, 0.1)]
    table = pd.DataFrame(rows, columns=["scenario", "product", "month", "shortfall_t", "probability"])
    options = {"for_": "USA", "years": 1, "period": "month"} | FREE
    answer = stockpile(net, table, budget=3.0 * 580_000, **options)
    assert answer.cover["hold_t"].to_dict() == pytest.approx({"gallium-refined": 3.0, "tungsten-refined": 0.0})
    assert answer.next_dollar_usd == pytest.approx(0.1)  # the first dollar of tungsten
    short = stockpile(net, table, budget=580_000, **options)
    assert short.next_dollar_usd == pytest.approx(0.3)


def test_no_budget_changes_nothing(net):
    table = short_table(1)
    answer = stockpile(net, table, budget=0, for_="USA", years=1, period="month", batches=0)
    assert answer.loss_after_usd == pytest.approx(answer.loss_before_usd)
    assert answer.cost_usd == 0
    assert (answer.table["hold_t"] == 0).all()
    price = net.products["price_usd_t"]
    want = sum(row.shortfall_t * price[row.product] for row in table.itertuples()) / table["scenario"].nunique()
    assert answer.loss_before_usd == pytest.approx(want)


@pytest.mark.parametrize("risk", ["expected", "cvar"])
def test_more_budget_never_loses_more(net, risk):
    table = short_table(2, scenarios=8)
    last = np.inf
    options = {"for_": "USA", "years": 1, "period": "month", "risk": risk, "level": 0.6, "gap": 1e-9, "batches": 0}
    for budget in (0, 1e6, 1e7, 5e7, 2e8, 1e9):
        answer = stockpile(net, table, budget=budget, **options)
        assert answer.objective_after <= last * (1 + 1e-9)
        assert answer.cvar_after_usd >= answer.loss_after_usd - 1e-6
        assert answer.cvar_before_usd >= answer.loss_before_usd - 1e-6
        last = answer.objective_after


def test_perfect_foresight_is_a_bound_and_is_reached_where_one_scenario_is_sure(net):
    """Knowing the scenario, nobody buys more than its shortfall; one plan for all can at best do that for each."""
    table = short_table(3)
    options = {"for_": "USA", "years": 1, "period": "month"} | FREE
    budget = 4e7
    together = stockpile(net, table, budget=budget, **options).loss_after_usd
    alone = [
        stockpile(net, rows.assign(probability=1.0), budget=budget, **options).loss_after_usd
        for _, rows in table.groupby("scenario")
    ]
    assert np.mean(alone) <= together + 1e-6
    price = net.products["price_usd_t"]
    for (_, rows), lost in zip(table.groupby("scenario"), alone, strict=True):
        # shortfalls in month 1 and later; stock bought in month 0 serves all of them
        worth = float((rows["shortfall_t"] * rows["product"].map(price)).sum())
        assert lost == pytest.approx(max(worth - budget, 0.0), abs=1e-3)


def test_scaling_money_and_probabilities(net):
    table = short_table(4)
    options = {"for_": "USA", "years": 1, "period": "month"} | FREE
    one = stockpile(net, table, budget=5e7, **options)
    dear = stockpile(net, table, budget=10e7, prices={"gallium": 1_160_000, "tungsten": 264_800}, **options)
    assert dear.cover["hold_t"].to_numpy() == pytest.approx(one.cover["hold_t"].to_numpy(), rel=1e-6, abs=1e-9)
    assert dear.loss_after_usd == pytest.approx(2 * one.loss_after_usd)
    rare = stockpile(net, table.assign(probability=0.02), budget=5e7, **options)
    assert rare.loss_after_usd == pytest.approx(0.1 * one.loss_after_usd)


def test_sharing_never_hurts_the_sum(net):
    table = short_table(6, countries=("JPN", "USA"))
    last = np.inf
    options = {"budget": 6e7, "for_": ["USA", "JPN"], "years": 1, "period": "month"} | FREE
    for share in (0.0, 0.2, 0.5, 1.0):
        holders = [Holder("us", countries="USA", share=share), Holder("jp", "allied", countries="JPN", share=share)]
        answer = stockpile(net, table, holders=holders, **options)
        assert answer.loss_after_usd <= last + 1e-6
        last = answer.loss_after_usd


def test_a_refilled_stock_serves_again_and_one_that_is_not_does_not(net):
    rows = [("s", "gallium-refined", month, 1.0) for month in (3, 4, 12, 13)]
    table = pd.DataFrame(rows, columns=["scenario", "product", "month", "shortfall_t"])
    lost = {}
    for months in (None, 6, 8, 12):
        holder = Holder("vault", countries="USA", refill_months=months)
        answer = stockpile(net, table, budget=2 * 580_000, for_="USA", holders=holder, years=2, period="month",
                           **FREE)  # fmt: skip
        lost[months] = answer.unmet_after_t
        assert answer.holders["refill_usd"].iloc[0] == pytest.approx(0 if months is None else (4 - lost[months]) * 58e4)
    assert lost == pytest.approx({None: 2.0, 6: 0.0, 8: 2.0, 12: 2.0})


def test_purchases_wait_while_a_product_is_short_or_cost_more(net):
    """Short in the first two of four months: bought in the third, there in the fourth; or at once, dearer."""
    rows = [("s", "gallium-refined", month, 1.0) for month in (0, 1, 3)]
    table = pd.DataFrame(rows, columns=["scenario", "product", "month", "shortfall_t"])
    options = {"for_": "USA", "years": 1, "period": "month"} | FREE
    waiting = stockpile(net, table, budget=1e8, **options)
    assert waiting.unmet_after_t == pytest.approx(2.0)
    paying = stockpile(net, table, budget=1e8, in_shock=0.5, **options)
    assert paying.unmet_after_t == pytest.approx(1.0)  # what is bought in a month is there in the next
    assert paying.cost_usd == pytest.approx(580_000 * (1.5 + 1.0))


def test_buying_pressure_is_paid_by_every_tonne_of_the_period(net):
    """A tenth of a month's world use moves the price by 0.1 / 0.5; the chords meet the curve at their ends."""
    rows = [("s", "gallium-refined", 11, 1000.0)]
    table = pd.DataFrame(rows, columns=["scenario", "product", "month", "shortfall_t"])
    answer = stockpile(net, table, budget=1e9, for_="USA", years=1, period="month", elasticity=0.5, most_share=0.1,
                       gap=1e-9, batches=0)  # fmt: skip
    uses = net.processes[net.processes["input"] == "gallium-refined"]
    monthly = uses.loc[uses["role"] == "use", "activity_t"].sum() / 12
    assert answer.purchases["buy_t"].to_numpy() == pytest.approx(np.full(11, 0.1 * monthly))
    assert answer.purchases["paid_usd_t"].to_numpy() == pytest.approx(np.full(11, 580_000 * 1.2))
    assert answer.purchases["share_of_market"].to_numpy() == pytest.approx(np.full(11, 0.1))


def test_releases_add_up_and_the_answer_can_be_asked_again(net):
    table = short_table(7, countries=("JPN", "USA"))
    options = {"for_": ["USA", "JPN"], "years": 1, "period": "month"} | FREE
    answer = stockpile(net, table, budget=5e7, **options)
    told = answer.releases
    assert (told["released_t"] + told["unmet_t"]).to_numpy() == pytest.approx(told["shortfall_t"].to_numpy())
    count = table["scenario"].nunique()
    assert told["unmet_t"].sum() / count == pytest.approx(answer.unmet_after_t)
    assert answer.table["drawn_t"].sum() == pytest.approx(told["released_t"].sum() / count)
    price = net.products["price_usd_t"]
    lost = (told["unmet_t"] * told["product"].map(price)).groupby(told["scenario"]).sum()
    after = answer.scenarios["loss_after_usd"]
    assert lost.reindex(after.index).fillna(0.0).to_numpy() == pytest.approx(after.to_numpy(), abs=1e-3)
    again = stockpile(net, answer.shortfalls, budget=5e7, **options)
    assert again.loss_after_usd == pytest.approx(answer.loss_after_usd)
    warm = stockpile(net, answer, budget=9e7, **options)
    assert warm.loss_after_usd == pytest.approx(stockpile(net, table, budget=9e7, **options).loss_after_usd)


def test_the_same_days_of_everything_are_never_better(net):
    table = short_table(8)
    answer = stockpile(net, table, budget=3e7, for_="USA", years=1, period="month", aim_days=60, **FREE)
    assert answer.loss_after_usd <= answer.equal_loss_usd + 1e-6
    daily = answer.cover["demand_t"] / 365
    price = net.products["price_usd_t"].reindex(daily.index)
    assert answer.aim_cost_usd == pytest.approx(float((60 * daily * price).sum()))
    assert answer.equal_days == pytest.approx(answer.cost_usd / float((daily * price).sum()), rel=1e-6)


def test_the_order_of_rows_and_holders_never_matters(net):
    table = short_table(9, countries=("JPN", "USA"))
    holders = [Holder("us", countries="USA", share=0.3), Holder("jp", "allied", countries="JPN", share=0.3)]
    options = {"budget": 4e7, "for_": ["USA", "JPN"], "years": 1, "period": "month"} | FREE
    one = stockpile(net, table, holders=holders, **options)
    shuffled = table.sample(frac=1.0, random_state=1)
    two = stockpile(net, shuffled, holders=holders[::-1], **options)
    assert two.loss_after_usd == pytest.approx(one.loss_after_usd)
    again = stockpile(net, shuffled, holders=holders, **options)
    pd.testing.assert_frame_equal(again.table, one.table)


@pytest.mark.parametrize("seed", range(2))
def test_a_looser_gap_is_kept_and_the_bound_stays_below_the_optimum(net, seed):
    table = short_table(20 + seed, scenarios=12, months=10)
    options = {"budget": 6e7, "for_": "USA", "years": 1, "period": "month", "batches": 0}
    best = stockpile(net, table, gap=1e-9, **options)
    for gap in (0.2, 0.05, 1e-3):
        rough = stockpile(net, table, gap=gap, **options)
        assert rough.gap <= gap + 1e-12
        assert rough.bound <= best.objective_after * (1 + 1e-6)
        assert rough.objective_after >= best.objective_after * (1 - 1e-6)


def test_what_is_there_is_not_charged_again_and_a_holder_buys_within_its_limit(net):
    rows = [("s", "gallium-refined", 6, 10.0)]
    table = pd.DataFrame(rows, columns=["scenario", "product", "month", "shortfall_t"])
    options = {"for_": "USA", "years": 1, "period": "month"} | FREE
    charged = Holder("a", countries="USA", opening_t={"gallium-refined": 2.0}, upfront=0.5)
    answer = stockpile(net, table, budget=1.5 * 580_000 * 3, holders=charged, **options)
    assert answer.table["hold_t"].tolist() == pytest.approx([5.0])
    assert answer.unmet_after_t == pytest.approx(5.0)
    assert answer.cost_usd == pytest.approx(1.5 * 580_000 * 3)
    assert answer.unmet_before_t == pytest.approx(8.0)  # what is there serves 2
    assert answer.cover["shortfall_t"].tolist() == pytest.approx([10.0])
    limited = Holder("a", countries="USA", opening_t={"gallium-refined": 2.0}, most_usd=580_000 * 4)
    other = Holder("b", countries="USA", most_usd="0.58 m USD")
    answer = stockpile(net, table, budget=1e9, holders=[limited, other], **options)
    assert answer.table["hold_t"].tolist() == pytest.approx([6.0, 1.0])
    yearly = Holder("a", countries="USA", fee=0.12)
    # bought in the last month that still helps, and charged until the end: the sixth of twelve, six months left
    answer = stockpile(net, table, budget=580_000 * 1.07 * 2, holders=yearly, **options)
    assert answer.purchases["month"].tolist() == [5]
    assert answer.table["hold_t"].tolist() == pytest.approx([2.0])
    users = Holder("a", countries="USA", fee=0.12, paid_by="users")
    answer = stockpile(net, table, budget=580_000 * 2, holders=users, **options)
    assert answer.table["hold_t"].tolist() == pytest.approx([2.0])
    month = int(answer.purchases["month"].iloc[0])
    assert answer.holders.loc["a", "fees_usd"] == pytest.approx(2 * 580_000 * 0.12 * (12 - month) / 12)


def test_the_tail_is_the_same_with_a_cell_for_each_product_or_for_their_sum(net, monkeypatch):
    table = short_table(30, scenarios=10)
    options = {"budget": 5e7, "for_": "USA", "years": 1, "period": "month", "risk": "cvar", "level": 0.8} | FREE
    split = stockpile(net, table, **options)
    monkeypatch.setattr("supplygraph.response.stockpile.master._SPLIT", 0)
    summed = stockpile(net, table, **options)
    assert summed.cvar_after_usd == pytest.approx(split.cvar_after_usd, rel=1e-6)
    assert summed.bound == pytest.approx(split.bound, rel=1e-5)


@pytest.mark.long
def test_project_vault_of_all_minerals_is_proved_within_its_gap():
    vault = sg.project_vault(n=150, adjust_months=12, batches=4)
    assert vault.gap <= 1e-3
    assert len(vault.cover) == 11
    assert vault.loss_after_usd < vault.equal_loss_usd < vault.loss_before_usd
    tail = sg.project_vault(vault.network, vault, adjust_months=12, risk="cvar", batches=0)
    assert tail.gap <= 1e-3
    assert tail.cvar_after_usd <= vault.cvar_after_usd * (1 + 1e-3)
