"""The flow estimate against an independent convex solver, and its rules one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from supplygraph.errors import DataError, InfeasibleError
from supplygraph.world import flows
from supplygraph.world.balance import balance, shortfall

EMPTY = pd.DataFrame(columns=["origin", "destination", "flow_t", "reference"])
NO_OWNERS = pd.DataFrame(columns=["node", "owner", "share"])
NO_BANDS = pd.DataFrame(columns=["exporter", "importer", "low_t", "high_t", "reference"])
WHOLE = {"tail": 0.0, "least_t": 0.0}


def sides(supply, intake, *, makes=None, accepts=None, operators=None, takers=None, countries=None, importers=None):
    n, m = len(supply), len(intake)
    origins = pd.DataFrame(
        {
            "node": [f"o{k}" for k in range(n)],
            "country": countries or [f"A{k}" for k in range(n)],
            "makes": makes or [np.nan] * n,
            "operator": operators or [np.nan] * n,
            "supply_t": supply,
        },
        index=pd.Index([f"po{k}" for k in range(n)], name="process"),
    )
    destinations = pd.DataFrame(
        {
            "node": [f"d{k}" for k in range(m)],
            "country": importers or [f"B{k}" for k in range(m)],
            "accepts": accepts or [np.nan] * m,
            "operator": takers or [np.nan] * m,
            "intake_t": intake,
        },
        index=pd.Index([f"pd{k}" for k in range(m)], name="process"),
    )
    return origins, destinations


def run(origins, destinations, cost, **options):
    given = {"owners": NO_OWNERS, "links": EMPTY, "ties": EMPTY, "bands": NO_BANDS, **WHOLE, **options}
    return flows.estimate(origins, destinations, cost=cost, **given)


def closes(result, origins, destinations):
    np.testing.assert_allclose(result.flow.sum(1), origins["supply_t"], rtol=1e-9)
    np.testing.assert_allclose(result.flow.sum(0), destinations["intake_t"], rtol=1e-9)
    assert (result.flow >= 0).all()


def divergence(x, q):
    x = np.maximum(x, 1e-300)
    return float((x * np.log(x / q) - x + q).sum())


def convex(q, s, d, *, block, low, high):
    """The same optimum from scipy: KL minimised over the support by trust-constr, no dual, no scaling."""
    from scipy.optimize import Bounds, LinearConstraint

    i, j = np.nonzero(q)
    k = len(i)
    rows = np.zeros((len(s) + len(d), k))
    rows[i, np.arange(k)] = 1
    rows[len(s) + j, np.arange(k)] = 1
    constraints = [LinearConstraint(rows[:-1], np.r_[s, d][:-1], np.r_[s, d][:-1])]
    if len(low):
        inside = np.array([(block[i, j] == b).astype(float) for b in range(len(low))])
        constraints.append(LinearConstraint(inside, low, high))
    prior = q[i, j]
    start = shortfall_start(q > 0, s, d)[i, j]
    found = minimize(
        lambda x: divergence(x, prior),
        start,
        jac=lambda x: np.log(np.maximum(x, 1e-300) / prior),
        hess=lambda x: np.diag(1 / np.maximum(x, 1e-12)),
        bounds=Bounds(1e-12, np.inf),
        constraints=constraints,
        method="trust-constr",
        options={"gtol": 1e-10, "xtol": 1e-14, "maxiter": 3000},
    )
    return found.x, i, j


def shortfall_start(support, s, d):
    x = shortfall(support, s, d).flow
    return 0.5 * x + 0.5 * np.outer(s, d) / s.sum() * support


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", range(6))
def test_balance_is_the_optimum_of_an_independent_solver(seed):
    rng = np.random.default_rng(seed)
    n, m = 3, 4
    s, d = rng.uniform(1, 5, n), rng.uniform(1, 5, m)
    d *= s.sum() / d.sum()
    q = np.outer(s, d) / s.sum() * np.exp(rng.normal(0, 1, (n, m)))
    q[0, 0] = 0 if seed % 2 else q[0, 0]
    block = np.full((n, m), -1)
    block[1, 1], block[1, 2], block[2, 3] = 0, 0, 1
    free = balance(np.log(np.where(q > 0, q, 1e-300)) + np.where(q > 0, 0, -np.inf), s, d)
    x, y = free.flow[block == 0].sum(), free.flow[block == 1].sum()
    low, high = np.array([1.1 * x, 0.0]), np.array([9.0, 0.8 * y])
    with np.errstate(divide="ignore"):
        found = balance(np.log(q), s, d, block=block, low=low, high=high)
    assert found.error < 1e-10
    assert found.multiplier[0] > 0 > found.multiplier[1]
    other, i, j = convex(q, s, d, block=block, low=low, high=high)
    np.testing.assert_allclose(found.flow[i, j], other, atol=2e-4 * s.sum())
    assert divergence(found.flow[i, j], q[i, j]) <= divergence(other, q[i, j]) + 1e-7


@pytest.mark.parametrize("seed", range(5))
def test_no_feasible_step_lowers_the_divergence(seed):
    """At the optimum every cycle of four cells keeps or raises KL: brute force over all of them."""
    rng = np.random.default_rng(100 + seed)
    s, d = rng.lognormal(0, 1, 4), rng.lognormal(0, 1, 5)
    d *= s.sum() / d.sum()
    q = np.exp(rng.normal(0, 2, (4, 5)))
    flow = balance(np.log(q), s, d).flow
    best = divergence(flow, q)
    for a in range(4):
        for b in range(4):
            for x in range(5):
                for y in range(5):
                    if a != b and x != y:
                        step = 1e-3 * min(flow[a, y], flow[b, x])
                        moved = flow.copy()
                        moved[a, x] += step
                        moved[b, y] += step
                        moved[a, y] -= step
                        moved[b, x] -= step
                        assert divergence(moved, q) >= best - 1e-12


def test_sparse_support_is_balanced_to_nine_digits_and_forced_zeros_are_found():
    # row 0 reaches only column 0 and fills it: the other rows' share of it must vanish
    support = np.array([[True, False, False], [True, True, True], [True, True, True]])
    origins, destinations = sides([5.0, 2.0, 3.0], [5.0, 1.0, 4.0])
    result = run(origins, destinations, np.where(support, 10.0, np.inf))
    closes(result, origins, destinations)
    assert result.flow[1:, 0].max() < 1e-8


def test_supplies_over_twelve_orders_of_magnitude_close():
    rng = np.random.default_rng(3)
    supply, intake = 10.0 ** rng.uniform(-5, 7, 40), 10.0 ** rng.uniform(-5, 7, 60)
    intake *= supply.sum() / intake.sum()
    origins, destinations = sides(list(supply), list(intake))
    closes(run(origins, destinations, rng.uniform(0, 4000, (40, 60))), origins, destinations)


def test_form_operator_owner_and_link_each_raise_their_pair():
    cost = np.full((2, 2), 50.0)
    base = run(*sides([10.0, 10.0], [10.0, 10.0]), cost).flow[0, 0]
    assert base == pytest.approx(5)
    same = run(
        *sides(
            [10.0, 10.0],
            [10.0, 10.0],
            operators=["Zhejiang Huayou Cobalt", "GEM"],
            takers=["Huayou Cobalt", "Umicore"],
        ),
        cost,
    ).flow[0, 0]
    # odds of the pair rise by 50: x^2 / (10 - x)^2 = 50
    assert same == pytest.approx(10 * np.sqrt(50) / (1 + np.sqrt(50)))
    owners = pd.DataFrame({"node": ["o0", "d0"], "owner": ["CHN", "CHN"], "share": [1.0, 0.5]})
    owned = run(*sides([10.0, 10.0], [10.0, 10.0]), cost, owners=owners).flow[0, 0]
    assert owned == pytest.approx(10 * np.exp(0.5) / (1 + np.exp(0.5)))
    links = pd.DataFrame({"origin": ["po0"], "destination": ["d0"], "flow_t": [np.nan], "reference": ["page"]})
    linked = run(*sides([10.0, 10.0], [10.0, 10.0]), cost, links=links)
    assert linked.flow[0, 0] == pytest.approx(10 * np.sqrt(200) / (1 + np.sqrt(200)))
    assert set(linked.basis.ravel()) == {"estimated"}


def test_words_that_many_operators_share_are_no_relation():
    origins, destinations = sides(
        [1.0, 1.0],
        [1.0, 1.0],
        operators=["China Northern Rare Earth", "Vale"],
        takers=["China Rare Earth Group (Ganzhou)", "Glencore"],
    )
    assert run(origins, destinations, np.zeros((2, 2))).flow == pytest.approx(0.5)


def test_a_form_that_a_plant_cannot_take_is_closed_unless_the_sums_need_it():
    origins, destinations = sides([4.0, 6.0], [5.0, 5.0], makes=["mhp", "matte"], accepts=["mhp;matte", "matte"])
    result = run(origins, destinations, np.zeros((2, 2)))
    assert result.flow[0, 1] == 0
    assert "form" not in set(result.report["kind"])
    origins, destinations = sides([7.0, 3.0], [5.0, 5.0], makes=["mhp", "matte"], accepts=["mhp;matte", "matte"])
    result = run(origins, destinations, np.zeros((2, 2)))
    closes(result, origins, destinations)
    assert result.flow[0, 1] == pytest.approx(2, abs=0.1)
    assert result.report.loc[result.report["kind"] == "form", "origin"].tolist() == ["po0"]


def test_a_published_tonnage_is_fixed_and_marked_reported():
    links = pd.DataFrame({"origin": ["po0"], "destination": ["pd1"], "flow_t": [7.0], "reference": ["page-7"]})
    origins, destinations = sides([10.0, 10.0], [10.0, 10.0])
    result = run(origins, destinations, np.zeros((2, 2)), links=links)
    closes(result, origins, destinations)
    assert result.flow[0, 1] == pytest.approx(7.0)
    assert result.basis[0, 1] == "reported"
    assert result.reference[0, 1] == "page-7"
    assert (result.basis == "reported").sum() == 1


def test_a_published_tonnage_beyond_the_margin_becomes_a_prior():
    links = pd.DataFrame({"origin": ["po0"], "destination": ["pd1"], "flow_t": [70.0], "reference": ["page"]})
    origins, destinations = sides([10.0, 10.0], [10.0, 10.0])
    result = run(origins, destinations, np.zeros((2, 2)), links=links)
    closes(result, origins, destinations)
    assert (result.basis == "estimated").all()
    assert result.flow[0, 1] > 9
    row = result.report[result.report["kind"] == "link"].iloc[0]
    assert row["verdict"] == "prior"
    assert "10 t are free" in row["note"]


def test_a_fixed_tonnage_gives_way_when_the_sums_need_it():
    # po1 can only reach pd0; fixing 5 t from po0 there would strand it
    links = pd.DataFrame({"origin": ["po0"], "destination": ["pd0"], "flow_t": [5.0], "reference": ["page"]})
    origins, destinations = sides([10.0, 8.0], [10.0, 8.0])
    cost = np.array([[0.0, 0.0], [0.0, np.inf]])
    result = run(origins, destinations, cost, links=links)
    closes(result, origins, destinations)
    assert "freed" in set(result.report["verdict"])


def test_one_site_ships_on_site_first():
    origins, destinations = sides([10.0, 10.0], [6.0, 14.0])
    destinations.loc["pd0", "node"] = "o0"
    result = run(origins, destinations, np.array([[0.0, 900.0], [0.0, 900.0]]))
    closes(result, origins, destinations)
    assert result.flow[0].tolist() == pytest.approx([6.0, 4.0])


def test_bands_act_only_outside_and_tell_what_they_displaced():
    origins, destinations = sides([10.0, 10.0], [10.0, 10.0])
    bands = pd.DataFrame(
        {
            "exporter": ["A0", "A1"],
            "importer": ["B0", "B0"],
            "low_t": [7.0, 1.0],
            "high_t": [8.0, 9.0],
            "reference": ["c", "c"],
        }
    )
    result = run(origins, destinations, np.zeros((2, 2)), bands=bands)
    closes(result, origins, destinations)
    assert result.flow[0, 0] == pytest.approx(7.0)
    told = result.report[result.report["kind"] == "band"].set_index("origin")
    assert told.loc["A0", "verdict"] == "acts"
    assert told.loc["A0", "before_t"] == pytest.approx(5.0)
    assert "A0 to B1 -2 t" in told.loc["A0", "note"]
    assert told.loc["A1", "verdict"] == "inside"


def test_bands_beyond_the_margins_or_against_each_other_are_refused():
    origins, destinations = sides([10.0, 10.0], [10.0, 10.0], importers=["B0", "B1"])
    bands = pd.DataFrame(
        {
            "exporter": ["A0", "A0", "A1"],
            "importer": ["B0", "B1", "B0"],
            "low_t": [12.0, 8.0, 1.0],
            "high_t": [13.0, 9.0, 2.0],
            "reference": ["c"] * 3,
        }
    )
    result = run(origins, destinations, np.zeros((2, 2)), bands=bands)
    closes(result, origins, destinations)
    told = result.report[result.report["kind"] == "band"].set_index(["origin", "destination"])
    assert told.loc[("A0", "B0"), "verdict"] == "refused"
    assert "margins" in told.loc[("A0", "B0"), "note"]
    assert (told["verdict"] == "refused").sum() == 2  # 8 of A0 to B1 leave 8 of A1 to B0, not 2
    assert told.loc[("A0", "B1"), "verdict"] != told.loc[("A1", "B0"), "verdict"]


def test_what_cannot_be_placed_is_an_error_that_names_the_sites():
    origins, destinations = sides([10.0, 5.0], [5.0, 10.0])
    cost = np.array([[0.0, np.inf], [0.0, 0.0]])
    with pytest.raises(InfeasibleError, match="po0") as caught:
        run(origins, destinations, cost)
    assert caught.value.certificate["origins"] == ["po0"]
    assert caught.value.certificate["left_t"] == pytest.approx(5.0)


def test_totals_that_differ_and_broken_figures_are_refused_together():
    origins, destinations = sides([10.0, -5.0], [5.0, np.nan])
    with pytest.raises(DataError) as caught:
        run(origins, destinations, np.zeros((2, 2)))
    assert len(caught.value.report) == 2
    origins, destinations = sides([10.0, 5.0], [5.0, 5.0])
    with pytest.raises(DataError, match="supply 15 t, intake 10 t"):
        run(origins, destinations, np.zeros((2, 2)))


def test_thinning_keeps_the_sums_and_drops_the_dust():
    rng = np.random.default_rng(5)
    supply, intake = rng.lognormal(8, 2, 60), rng.lognormal(8, 2, 70)
    intake *= supply.sum() / intake.sum()
    origins, destinations = sides(list(supply), list(intake))
    cost = rng.uniform(0, 600, (60, 70))
    whole = run(origins, destinations, cost).flow
    thin = run(origins, destinations, cost, tail=0.002, least_t=1.0, most_pairs=500)
    closes(thin, origins, destinations)
    assert (thin.flow > 0).sum() <= 520 < (whole > 0).sum()
    assert np.abs(thin.flow - whole).sum() / 2 < 0.06 * supply.sum()


def test_the_estimate_does_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(8)
    supply, intake = rng.lognormal(5, 1, 8), rng.lognormal(5, 1, 9)
    intake *= supply.sum() / intake.sum()
    origins, destinations = sides(list(supply), list(intake))
    cost = rng.uniform(0, 500, (8, 9))
    first = run(origins, destinations, cost).flow
    again = run(origins, destinations, cost).flow
    assert (first == again).all()
    p, q = rng.permutation(8), rng.permutation(9)
    shuffled = run(origins.iloc[p], destinations.iloc[q], cost[np.ix_(p, q)]).flow
    np.testing.assert_allclose(shuffled, first[np.ix_(p, q)], rtol=1e-7)


def test_a_rest_of_unknown_forms_ships_like_the_listed_sites_of_its_country():
    origins, destinations = sides(
        [50.0, 10.0, 40.0],
        [40.0, 60.0],
        makes=["hydroxide", np.nan, "matte"],
        accepts=["matte", "hydroxide;matte"],
        countries=["COD", "COD", "RUS"],
    )
    result = run(origins, destinations, np.zeros((3, 2)))
    closes(result, origins, destinations)
    # odds of the rest and the matte maker between the two plants differ by the factor 0.05
    rest, matte = result.flow[1], result.flow[2]
    assert (rest[0] / rest[1]) / (matte[0] / matte[1]) == pytest.approx(0.05, rel=1e-6)
    assert result.flow[0, 0] == 0


def test_an_export_ban_holds_unless_supplies_must_go_abroad():
    bans = pd.DataFrame({"exporter": ["A0"], "importer": [np.nan], "reference": ["law"]})
    origins, destinations = sides([10.0, 10.0], [10.0, 10.0], importers=["A0", "B1"])
    result = run(origins, destinations, np.zeros((2, 2)), bans=bans)
    assert result.flow[0, 0] > 9.5
    origins, destinations = sides([10.0, 10.0], [4.0, 16.0], importers=["A0", "B1"])
    result = run(origins, destinations, np.zeros((2, 2)), bans=bans)
    closes(result, origins, destinations)
    told = result.report[result.report["kind"] == "ban"].iloc[0]
    assert told["verdict"] == "leaks"
    assert told["after_t"] == pytest.approx(6.0, abs=0.1)


def test_a_stock_takes_only_what_is_made_where_it_lies():
    # the matte plant needs more matte than there is; the stock must not make up for it
    origins, destinations = sides([10.0, 6.0], [3.0, 13.0], makes=["hydroxide", "matte"], accepts=[np.nan, "matte"])
    destinations["node"], destinations["role"] = ["o0", "d1"], ["stock", "transform"]
    result = run(origins, destinations, np.zeros((2, 2)))
    closes(result, origins, destinations)
    assert result.flow[:, 0].tolist() == [3.0, 0.0]
    assert "freed" not in set(result.report["verdict"])
