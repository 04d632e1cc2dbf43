"""The complementarity engine against Lemke's method, HiGHS, closed forms, published examples and its own conditions."""

import numpy as np
import pytest
from scipy.sparse import csc_array

from supplygraph.engine.complementarity import solve as solving
from supplygraph.engine.complementarity.market import Market
from supplygraph.engine.complementarity.solve import solve
from supplygraph.errors import DataError, InfeasibleError

INF = np.inf


class Sketch:
    """A market drawn activity by activity."""

    def __init__(self):
        self.rows = []
        self.slopes = []

    def add(self, take=(), give=(), cost=0.0, slope=0.0, upper=INF, floor=np.nan, strike=np.nan, share=0.0):
        """``take`` and ``give`` are pairs (market, units); ``share`` is a duty on what is paid."""
        self.rows.append((take, give, cost, upper, floor, strike, share))
        self.slopes.append(slope)
        return len(self.rows) - 1

    def market(self, slope=None):
        count = len(self.rows)
        height = 1 + max(place for row in self.rows for side in row[:2] for place, _ in side)
        into, out, pay = np.zeros((height, count)), np.zeros((height, count)), np.zeros((height, count))
        for at, (take, give, *_, share) in enumerate(self.rows):
            for place, units in take:
                into[place, at] += units
                pay[place, at] += (1 + share) * units
            for place, units in give:
                out[place, at] += units
        column = [np.array([row[at] for row in self.rows], dtype=float) for at in range(2, 6)]
        return Market(
            csc_array(out), csc_array(into), column[0], np.array(self.slopes) if slope is None else slope, column[1],
            pay=csc_array(pay), least_cost=column[2], least_revenue=column[3],
        )  # fmt: skip


def violation(market, found, little=0.0):
    """Check every condition from the market's own arrays; return the largest violation."""
    x, p = np.where(found.x <= little, 0.0, found.x), found.p
    slope = market.slope.toarray() if hasattr(market.slope, "toarray") else np.diag(market.slope)
    pay = market.into if market.pay is None else market.pay
    earn = market.out if market.earn is None else market.earn
    upper = np.full(len(x), INF) if market.upper is None else market.upper
    cost = market.cost + slope @ x + pay.toarray().T @ p
    revenue = earn.toarray().T @ p
    least = np.full(len(x), -INF) if market.least_cost is None else np.nan_to_num(market.least_cost, nan=-INF)
    strike = np.full(len(x), -INF) if market.least_revenue is None else np.nan_to_num(market.least_revenue, nan=-INF)
    loss = np.maximum(cost, least) - np.maximum(revenue, strike)
    kept = (market.out - market.into).toarray() @ x
    worst = [np.abs(kept).max(), np.maximum(-x, 0).max(), np.maximum(x - upper, 0).max()]
    inside = (x > 0) & (x < upper)
    worst += [np.abs(loss[inside]).max(initial=0.0), np.maximum(-loss[x <= 0], 0).max(initial=0.0)]
    full = (x >= upper) & (upper > 0)
    worst.append(np.maximum(loss[full], 0).max(initial=0.0))
    assert found.rent[full] == pytest.approx(np.maximum(-loss[full], 0.0), abs=1e-9)
    assert (found.rent[~full] == 0).all()
    assert found.levy == pytest.approx(np.maximum(0.0, least - cost), abs=1e-9)
    assert found.gap == pytest.approx(np.maximum(0.0, strike - revenue), abs=1e-9)
    return max(worst)


def trade(seed, places=4, flat=0.0, capped=0.0, floors=False, shares=0.0, strikes=0.0, quantity=1.0, money=1.0):
    """Draw suppliers, buyers and all ways between them; a zone behind borders where there are floors."""
    rng = np.random.default_rng(seed)
    sketch = Sketch()
    zone = rng.random(places) < 0.4
    for i in range(places):
        level = rng.random() < flat
        upper = rng.uniform(2, 20) if level or rng.random() < capped else INF
        slope = 0.0 if level else rng.uniform(0.1, 2)
        strike = money * rng.uniform(15, 40) if rng.random() < strikes else np.nan
        sketch.add((), [(i, 1)], money * rng.uniform(5, 20), slope * money / quantity, upper * quantity, strike=strike)
        sketch.add([(places + i, 1)], (), -money * rng.uniform(20, 60), rng.uniform(0.1, 2) * money / quantity)
    for i in range(places):
        for j in range(places):
            share = rng.uniform(0, 0.5) if rng.random() < shares and i != j else 0.0
            target = 2 * places + j if floors and zone[j] and not zone[i] else places + j
            cost = 0.0 if i == j else money * rng.uniform(1, 15)
            sketch.add([(i, 1)], [(target, 1)], cost * (1 + share), share=share)
    for j in range(places) if floors else ():
        sketch.add([(2 * places + j, 1)], [(places + j, 1)], floor=money * rng.uniform(15, 50))
    return sketch


HARD = {
    "plain": {}, "flat": {"flat": 0.4}, "capped": {"flat": 0.2, "capped": 0.4}, "floors": {"floors": True},
    "shares": {"shares": 0.5}, "strikes": {"strikes": 0.3},
    "all": {"floors": True, "shares": 0.5, "flat": 0.3, "capped": 0.3, "strikes": 0.2},
}  # fmt: skip


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("places", [2, 5, 9])
def test_every_condition_holds(kind, places):
    for seed in range(12):
        market = trade(seed, places, **HARD[kind]).market()
        found = solve(market)
        assert violation(market, found) < 1e-9
        assert found.residual < 1e-9
        assert found.relative < 1e-9


@pytest.mark.parametrize(("quantity", "money"), [(1e6, 1e5), (1e-3, 1e4), (1e7, 1e-2)])
def test_units_do_not_matter(quantity, money):
    for seed in range(6):
        options = {"floors": True, "shares": 0.5, "flat": 0.2}
        small = trade(seed, 5, **options).market()
        large = trade(seed, 5, **options, quantity=quantity, money=money).market()
        one, two = solve(small), solve(large)
        used = ~one.idle
        assert two.p[used] / money == pytest.approx(one.p[used], abs=1e-8)
        sloped = small.slope > 0
        assert two.x[sloped] / quantity == pytest.approx(one.x[sloped], abs=1e-8)
        assert two.residual < 1e-6 * max(1.0, quantity * money / 1e11)


def lemke(matrix, vector):
    """Solve ``0 <= z _|_ matrix z + vector >= 0`` by Lemke's pivots (Cottle, Pang & Stone 1992, section 4.4)."""
    size = len(vector)
    if (vector >= 0).all():
        return np.zeros(size)
    # w - M z - z0 = q; the lexicographic rule keeps ties from cycling.
    table = np.hstack([np.eye(size), -matrix, -np.ones((size, 1)), vector[:, None]])
    basis = list(range(size))
    enter, row = 2 * size, int(np.argmin(vector))
    for _ in range(5000):
        table[row] /= table[row, enter]
        other = np.arange(size) != row
        table[other] -= np.outer(table[other, enter], table[row])
        left, basis[row] = basis[row], enter
        if left == 2 * size:
            answer = np.zeros(2 * size + 1)
            answer[basis] = table[:, -1]
            return answer[size : 2 * size]
        enter = left + size if left < size else left - size
        rising = np.flatnonzero(table[:, enter] > 1e-11)
        assert len(rising), "Lemke ended on a ray"
        keys = np.hstack([table[rising, -1:], table[rising, :size]]) / table[rising, enter][:, None]
        row = int(rising[np.lexsort(keys.T[::-1])[0]])
    raise AssertionError("Lemke did not end")


def curves(seed, places, asymmetric):
    rng = np.random.default_rng(seed)
    cross = rng.uniform(-0.5, 0.5, (2, places, places)) / places if asymmetric else np.zeros((2, places, places))
    supply, demand = (np.diag(rng.uniform(0.2, 2, places)) + table for table in cross)
    return rng.uniform(5, 20, places), supply, rng.uniform(20, 60, places), demand, rng.uniform(1, 15, (places, places))


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("places", [2, 3, 5])
def test_lemke_agrees(asymmetric, places):
    """The same market with shipments alone: ``M = supply slopes + demand slopes`` over pairs."""
    pair = [(i, j) for i in range(places) for j in range(places)]
    start, end = (np.array([[float(way[side] == i) for way in pair] for i in range(places)]) for side in (0, 1))
    for seed in range(15):
        a, supply, b, demand, cost = curves(seed, places, asymmetric)
        z = lemke(start.T @ supply @ start + end.T @ demand @ end, start.T @ a + cost.ravel() - end.T @ b)
        sketch = Sketch()
        for i in range(places):
            sketch.add((), [(i, 1)], a[i])
        for j in range(places):
            sketch.add([(places + j, 1)], (), -b[j])
        for i, j in pair:
            sketch.add([(i, 1)], [(places + j, 1)], cost[i, j])
        slope = np.zeros((2 * places + len(pair),) * 2)
        slope[:places, :places], slope[places : 2 * places, places : 2 * places] = supply, demand
        market = sketch.market(csc_array(slope))
        found = solve(market)
        assert violation(market, found) < 1e-9
        assert found.x[:places] == pytest.approx(start @ z, abs=1e-8)
        assert found.x[places : 2 * places] == pytest.approx(end @ z, abs=1e-8)
        assert found.unique


def quadratic(market):
    """Solve the equivalent quadratic program by HiGHS: least cost less willingness to pay."""
    import highspy

    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    balance = csc_array(market.out - market.into)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = balance.shape
    model.col_cost_, model.col_lower_, model.col_upper_ = market.cost, np.zeros(len(market.cost)), market.upper
    model.row_lower_ = model.row_upper_ = np.zeros(balance.shape[0])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = balance.indptr, balance.indices
    model.a_matrix_.value_ = balance.data
    engine.passModel(model)
    used = np.flatnonzero(market.slope)
    begin = np.searchsorted(used, np.arange(len(market.slope) + 1)).astype(np.int32)
    engine.passHessian(len(market.slope), len(used), 1, begin, used.astype(np.int32), market.slope[used])
    engine.run()
    assert engine.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return np.array(engine.getSolution().col_value)


@pytest.mark.parametrize("kind", ["plain", "flat", "capped"])
def test_the_quadratic_program_agrees(kind):
    for seed in range(12):
        market = trade(seed, 5, **HARD[kind]).market()
        found, x = solve(market), quadratic(market)
        sloped = market.slope > 0
        assert found.x[sloped] == pytest.approx(x[sloped], abs=1e-3)  # HiGHS's own tolerance is 1e-7 on prices
        value = [float(market.cost @ y + market.slope @ y**2 / 2) for y in (found.x, x)]
        assert value[0] == pytest.approx(value[1], rel=1e-7)


def test_a_published_asymmetric_example():
    """Two by two with costs that depend on other flows (Nagurney, Network Economics, 1999, example 3.1).

    From memory: supply 5 s1 + s2 + 2, s1 + 2 s2 + 3; demand 28.75 - 2 d1 - d2, 41 - d1 - 4 d2; costs Q11 + .5 Q12 + 1,
    2 Q12 + Q22 + 1.5, 3 Q21 + 2 Q11 + 15, 2 Q22 + Q12 + 10. Stated flows 1.5, 1.5, 0, 2; they satisfy the conditions.
    """
    sketch = Sketch()
    for i, cost in enumerate((2.0, 3.0)):
        sketch.add((), [(i, 1)], cost)
    for j, cost in enumerate((28.75, 41.0)):
        sketch.add([(2 + j, 1)], (), -cost)
    for (i, j), cost in zip([(0, 0), (0, 1), (1, 0), (1, 1)], (1, 1.5, 15, 10), strict=True):
        sketch.add([(i, 1)], [(2 + j, 1)], cost)
    slope = np.zeros((8, 8))
    slope[:2, :2], slope[2:4, 2:4] = [[5, 1], [1, 2]], [[2, 1], [1, 4]]
    slope[4:, 4:] = [[1, 0.5, 0, 0], [0, 2, 0, 1], [2, 0, 3, 0], [0, 1, 0, 2]]
    market = sketch.market(csc_array(slope))
    found = solve(market)
    assert found.x == pytest.approx([3, 2, 1.5, 3.5, 1.5, 1.5, 0, 2], abs=1e-9)
    assert found.p == pytest.approx([19, 10, 22.25, 25.5], abs=1e-9)
    assert violation(market, found) < 1e-9


def test_dantzigs_transport_problem():
    """Least cost 153.675, dual prices .225, .153, .126 (GAMS model library, TRNSPORT and TRANSMCP)."""
    sketch = Sketch()
    for plant, most in enumerate((350, 600)):
        sketch.add((), [(plant, 1)], 0.0, upper=most)
    miles = np.array([[2.5, 1.7, 1.8], [2.5, 1.8, 1.4]])
    for place, least in enumerate((325, 300, 275)):
        sketch.add([(2 + place, 1)], (), -100.0, upper=least)
    for i in range(2):
        for j in range(3):
            sketch.add([(i, 1)], [(2 + j, 1)], 90 * miles[i, j] / 1000)
    market = sketch.market()
    found = solve(market)
    assert float(market.cost[5:] @ found.x[5:]) == pytest.approx(153.675, abs=1e-9)
    assert found.p[2:] == pytest.approx([0.225, 0.153, 0.126], abs=1e-9)
    assert found.x[2:5] == pytest.approx([325, 300, 275])
    assert found.rent[2:5] == pytest.approx(100 - found.p[2:])


def chain(floor=np.nan, strike=np.nan, share=0.0):
    """Ore becomes metal with recovery 0.8, crosses a border, is bought: all by hand."""
    sketch = Sketch()
    sketch.add((), [(0, 1)], 2.0, 1.0)  # ore: 2 + x
    sketch.add([(0, 1.25)], [(1, 1)], 3.0, strike=strike)  # metal
    sketch.add([(1, 1)], [(2, 1)], 1.5 * (1 + share), share=share)  # to the border
    sketch.add([(2, 1)], [(3, 1)], floor=floor)  # gate
    sketch.add([(3, 1)], (), -40.0, 2.0)  # bought: 40 - 2 q
    return sketch.market()


def test_a_chain_by_hand():
    found = solve(chain())
    # 1.25 (2 + 1.25 q) + 3 + 1.5 = 40 - 2 q
    q = (40 - 7) / (1.5625 + 2)
    assert found.x == pytest.approx([1.25 * q, q, q, q, q])
    assert found.p == pytest.approx([2 + 1.25 * q, 1.25 * (2 + 1.25 * q) + 3, 40 - 2 * q, 40 - 2 * q])
    taxed = solve(chain(share=0.2))
    q = (40 - 1.2 * 7) / (1.2 * 1.5625 + 2)
    assert taxed.x[4] == pytest.approx(q)


def test_a_levy_by_hand():
    found = solve(chain(floor=30.0))
    assert found.p[3] == pytest.approx(30)
    assert found.x[4] == pytest.approx(5)
    landed = 1.25 * (2 + 1.25 * 5) + 4.5
    assert found.levy[3] == pytest.approx(30 - landed)
    assert not found.unique
    low = solve(chain(floor=10.0))
    assert low.levy[3] == 0
    assert low.p == pytest.approx(solve(chain()).p)


def test_a_contract_for_difference_by_hand():
    """The maker earns the strike; the price falls until buyers take what that brings."""
    found = solve(chain(strike=25.0))
    x = ((25 - 3) / 1.25 - 2) / 1.25
    assert found.x[1] == pytest.approx(x)
    assert found.gap[1] == pytest.approx(25 - (40 - 2 * x - 1.5))
    assert solve(chain(strike=5.0)).gap[1] == 0


def test_prices_may_be_negative():
    """What has no use and must be taken away costs: nothing is thrown away for free."""
    sketch = Sketch()
    sketch.add((), [(0, 1), (1, 0.5)], 1.0, 1.0)
    sketch.add([(0, 1)], (), -10.0, 1.0)
    sketch.add([(1, 1)], (), 2.0, 1.0)
    market = sketch.market()
    found = solve(market)
    assert found.p[1] < -2
    assert violation(market, found) < 1e-12


@pytest.mark.parametrize("kind", ["plain", "floors", "all"])
def test_warm_equals_cold(kind):
    for seed in range(8):
        one, two = (trade(seed, 6, **HARD[kind]) for _ in range(2))
        for at, row in enumerate(two.rows):
            two.rows[at] = (row[0], row[1], row[2] * 1.03, *row[3:])
        first, other = one.market(), two.market()
        warm, cold = solve(other, start=solve(first)), solve(other)
        assert violation(other, warm) < 1e-9
        if cold.unique:
            used = ~cold.idle & ~warm.idle
            assert warm.p[used] == pytest.approx(cold.p[used], abs=1e-8)
        again = solve(first, start=solve(first))
        assert again.iterations <= 2
        assert again.method == "exact from the start"


def test_a_sweep_is_quick_to_follow():
    """Counted in linear systems, not seconds: fifty floors from one another take less than a fifth of fifty starts."""
    warm = cold = 0
    before = None
    for level in np.linspace(15, 45, 50):
        sketch = trade(3, 7, floors=True)
        sketch.rows = [(*row[:4], level if row[4] > 0 else np.nan, *row[5:]) for row in sketch.rows]
        market = sketch.market()
        before = solve(market, start=before)
        warm, cold = warm + before.iterations, cold + solve(market).iterations
    assert 5 * warm <= cold


def test_the_same_bytes():
    first, second = (solve(trade(5, 7, **HARD["all"]).market()) for _ in range(2))
    assert first.x.tobytes() == second.x.tobytes()
    assert first.p.tobytes() == second.p.tobytes()


def test_no_end_is_refused_with_the_markets():
    sketch = Sketch()
    sketch.add((), [(1, 1)], 5.0)
    sketch.add([(1, 1)], (), -8.0)
    sketch.add((), [(0, 1)], 1.0, 1.0)
    sketch.add([(0, 1)], (), -4.0, 1.0)
    with pytest.raises(InfeasibleError, match=r"activities 0, 1 together gain up to 3 a unit in markets 1,") as caught:
        solve(sketch.market())
    assert caught.value.certificate["markets"].tolist() == [1]


def test_a_circle_that_gains_is_refused():
    sketch = trade(0, 3)
    sketch.add([(3, 1)], [(4, 1)], 1.0)
    sketch.add([(4, 1)], [(3, 1)], -2.0)
    with pytest.raises(InfeasibleError, match="gain up to 1 a unit in markets 3, 4"):
        solve(sketch.market())


def test_a_contract_that_pays_for_any_quantity_is_refused():
    sketch = Sketch()
    sketch.add((), [(0, 1)], 5.0, strike=6.0)
    sketch.add([(0, 1)], (), -10.0, 1.0)
    with pytest.raises(InfeasibleError, match="gain up to 1 a unit"):
        solve(sketch.market())


def test_what_is_not_found_is_not_answered(monkeypatch):
    monkeypatch.setattr(solving, "_pulled", lambda *_: (None, 7))
    with pytest.raises(InfeasibleError, match=r"found in \d+ systems: it is monotone.*No near answer"):
        solve(trade(0, 3).market())
    with pytest.raises(InfeasibleError, match="not monotone"):
        solve(trade(0, 3, floors=True).market())


def test_a_poor_answer_is_refused():
    market = trade(0, 3).market()
    found = solve(market)
    with pytest.raises(InfeasibleError, match="conditions fail by"):
        solving._checked(market.parts, solving.Point(found.x + 1e-3, found.p), 1, "a guess")


@pytest.mark.parametrize("way", ["as_duties", "follow"])
def test_the_ways_around_agree(way, monkeypatch):
    """Where the straight way fails: duties fixed round by round, or floors and shares that come in bit by bit."""
    straight, other = solving._pulled, {"as_duties": "follow", "follow": "as_duties"}[way]
    monkeypatch.setattr(solving, other, lambda *_: (None, 0))
    named = {"as_duties": "fixed duties, round by round", "follow": "followed from the market without floors"}[way]

    def fails_cold(parts, at):
        return (None, 1) if not parts.symmetric and not at.x.any() else straight(parts, at)

    reached = 0
    for seed in range(8):
        market = trade(seed, 6, floors=True, shares=0.5, strikes=0.2).market()
        known = solve(market)
        monkeypatch.setattr(solving, "_pulled", fails_cold)
        try:
            found = solve(market)
        except InfeasibleError:
            continue
        finally:
            monkeypatch.setattr(solving, "_pulled", straight)
        reached += 1
        assert found.method == named
        assert violation(market, found, 1e-8) < 1e-7
        used = ~known.idle & ~found.idle
        assert found.p[used] == pytest.approx(known.p[used], abs=1e-6)
    assert reached >= {"as_duties": 3, "follow": 8}[way]


def test_markets_far_from_monotone_are_solved_or_refused():
    solved = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sketch = trade(seed, 3)
        slope = np.diag(sketch.slopes)
        slope[:6, :6] += rng.uniform(-1.5, 1.5, (6, 6)) * (1 - np.eye(6))
        market = sketch.market(csc_array(slope))
        try:
            found = solve(market)
        except InfeasibleError:
            continue
        solved += 1
        assert violation(market, found) < 1e-9
    assert solved >= 3


def test_faults_are_listed_at_once():
    good = csc_array(np.array([[1.0, 0.0]]))
    into, slope = csc_array(np.array([[0.0, -1.0]])), np.array([1.0, -2.0])
    with pytest.raises(DataError) as caught:
        Market(good, into, np.array([1.0, np.nan]), slope, np.array([1.0]))
    text = str(caught.value)
    for part in ("into: has entries", "cost[1]: is nan", "slope[1]: is -2.0; expected at least 0", "upper: has shape"):
        assert part in text
    with pytest.raises(DataError, match=r"slope: has shape \(3, 3\); expected \(2, 2\)"):
        Market(good, good, np.zeros(2), csc_array(np.eye(3)))
