"""What a stock can serve in a path: the recursion against a linear program of another engine, and its cuts."""

import numpy as np
import pytest
from scipy.optimize import linprog

from supplygraph.response.stockpile.recourse import Course, cuts, served_by_period


def most_by_set(short, limit, share):
    """Most that each set of holders can release in a period, by plain enumeration of its cuts."""
    holders = len(share)
    found = np.zeros((2**holders, short.shape[0], short.shape[2]))
    for willing in range(2**holders):
        inside = [h for h in range(holders) if willing >> h & 1]
        tries = []
        for mask in range(2 ** len(inside)):
            free = [h for place, h in enumerate(inside) if mask >> place & 1]
            reach = np.minimum(share[free].sum(axis=0) if free else np.zeros(short.shape[1]), 1.0)
            capped = limit[:, [h for h in inside if h not in free]].sum(axis=1)
            tries.append(np.einsum("tcs,c->ts", short, reach) + capped[:, None])
        found[willing] = np.min(tries, axis=0)
    return found


def by_program(short, limit, share, bought, fresh, stock):
    """Most served in one path by scipy's program over releases r[t, h, c]."""
    periods, consumers = short.shape
    holders = len(share)
    count = periods * holders * consumers
    at = np.arange(count).reshape(periods, holders, consumers)
    rows, most = [], []

    def row(places, limit_):
        rows.append(np.isin(np.arange(count), places).astype(float))
        most.append(limit_)

    for t in range(periods):
        for c in range(consumers):
            row(at[t, :, c], short[t, c])
            for h in range(holders):
                row([at[t, h, c]], min(share[h, c], 1.0) * short[t, c])
        for h in range(holders):
            if np.isfinite(limit[t, h]):
                row(at[t, h], limit[t, h])
    for h in range(holders):
        start = 0
        for t in range(periods):
            start = t if fresh[h, t] else start
            row(at[start : t + 1, h], stock[h, bought[t]])
    return -linprog(-np.ones(count), A_ub=np.array(rows), b_ub=most, method="highs").fun


def drawn(seed):
    """One random question of a few periods, consumers and holders, with awkward parts."""
    rng = np.random.default_rng(seed)
    periods, consumers, holders, paths = (int(rng.integers(1, most)) for most in (6, 4, 4, 4))
    short = rng.integers(0, 4, (periods, consumers, paths)) * (rng.random((periods, 1, paths)) < 0.7)
    limit = np.where(rng.random((periods, holders)) < 0.5, np.inf, rng.integers(0, 5, (periods, holders)))
    share = np.where(rng.random((holders, consumers)) < 0.5, 1.0, rng.choice([0, 0.25, 0.5], (holders, consumers)))
    bought = np.minimum(np.sort(rng.integers(0, periods + 1, (periods, paths)), axis=0), np.arange(periods)[:, None])
    fresh = rng.random((holders, periods, paths)) < 0.25
    stock = np.cumsum(rng.integers(0, 3, (holders, periods + 1)), axis=1).astype(float)
    return rng, short.astype(float), limit, share, bought, fresh, stock


@pytest.mark.parametrize("block", range(4))
def test_served_equals_an_independent_program(block):
    for seed in range(40 * block, 40 * (block + 1)):
        _, short, limit, share, bought, fresh, stock = drawn(seed)
        course = Course(short.sum(axis=1), most_by_set(short, limit, share), bought, fresh)
        found, released = cuts(course, stock), served_by_period(course, stock)
        for s in range(short.shape[2]):
            want = by_program(short[:, :, s], limit, share, bought[:, s], fresh[:, :, s], stock)
            assert found.served[s] == pytest.approx(want, abs=1e-7), seed
            assert released[:, s].sum() == pytest.approx(want, abs=1e-7), seed
        assert (released >= -1e-9).all()
        assert (released <= short.sum(axis=1) + 1e-9).all()


def test_a_cut_holds_for_every_other_stock():
    for seed in range(200):
        rng, short, limit, share, bought, fresh, stock = drawn(seed)
        course = Course(short.sum(axis=1), most_by_set(short, limit, share), bought, fresh)
        found = cuts(course, stock)
        assert found.served == pytest.approx(found.constant + np.einsum("shk,hk->s", found.weight, stock))
        for _ in range(3):
            other = np.cumsum(rng.integers(0, 3, stock.shape), axis=1).astype(float)
            bound = found.constant + np.einsum("shk,hk->s", found.weight, other)
            assert (cuts(course, other).served <= bound + 1e-9).all(), seed


def test_the_stock_balance_holds_in_every_period_of_every_path():
    """Released up to a period never exceeds what was bought up to it, counted again after each refill."""
    for seed in range(100):
        _, short, limit, share, bought, _, stock = drawn(seed)
        never = np.zeros((len(share), *short.shape[::2]), dtype=bool)
        course = Course(short.sum(axis=1), most_by_set(short, limit, share), bought, never)
        given = np.cumsum(served_by_period(course, stock), axis=0)
        owned = np.array([[stock[:, bought[t, s]].sum() for s in range(short.shape[2])] for t in range(len(short))])
        assert (given <= owned + 1e-9).all(), seed


def test_drawing_early_never_costs_a_tonne():
    """One stock of 5, shortfalls 3, 0, 4 and a limit of 3 a period: 3 now, then 2."""
    short = np.array([[3.0], [0.0], [4.0]])
    most = np.array([np.zeros((3, 1)), np.minimum(short, 3.0)])
    course = Course(short, most, np.zeros((3, 1), dtype=np.int64), np.zeros((1, 3, 1), dtype=bool))
    assert served_by_period(course, np.full((1, 4), 5.0)).ravel().tolist() == [3.0, 0.0, 2.0]
