"""Even spreading against another method and against its optimality conditions."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csc_array

from supplygraph.engine.quadratic import spread
from supplygraph.errors import InfeasibleError, SupplyGraphError


def draw(seed, columns=8, rows=4):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-2, 3, (rows, columns)).astype(float)
    inside = rng.uniform(0, 5, columns)
    value = matrix @ inside
    low = np.where(rng.random(rows) < 0.5, value, value - rng.uniform(0, 2, rows))
    high = np.where(rng.random(rows) < 0.5, low, value + rng.uniform(0, 2, rows))
    high = np.maximum(high, value)
    upper = np.where(rng.random(columns) < 0.5, inside + rng.uniform(0, 3, columns), np.inf)
    return rng.uniform(0.1, 2, columns), rng.normal(0, 2, columns), matrix, low, high, upper


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_another_method(seed):
    curve, cost, matrix, low, high, upper = draw(seed)
    lower = np.zeros(len(curve))
    x = spread(curve, cost, csc_array(matrix), low, high, lower, upper)
    other = minimize(
        lambda v: (curve * v * v / 2 + cost * v).sum(), np.ones(len(curve)), jac=lambda v: curve * v + cost,
        bounds=list(zip(lower, upper, strict=True)), method="SLSQP", options={"maxiter": 500, "ftol": 1e-12},
        constraints=[{"type": "ineq", "fun": lambda v: matrix @ v - low, "jac": lambda _: matrix},
                     {"type": "ineq", "fun": lambda v: high - matrix @ v, "jac": lambda _: -matrix}],
    )  # fmt: skip
    assert x == pytest.approx(other.x, abs=1e-4)


def test_no_interior_is_no_obstacle():
    """Rows that leave columns no choice, and rows twice over."""
    matrix = np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, -1]])
    fixed = np.array([6.0, 6, 0, 0])
    x = spread(np.ones(4), np.zeros(4), csc_array(matrix), fixed, fixed, np.zeros(4), np.full(4, np.inf))
    assert x == pytest.approx([3, 3, 0, 0], abs=1e-8)


def test_units_do_not_matter():
    curve, cost, matrix, low, high, upper = draw(1)
    x = spread(curve, cost, csc_array(matrix), low, high, np.zeros(8), upper)
    big = spread(curve / 1e4, cost, csc_array(matrix), low * 1e4, high * 1e4, np.zeros(8), upper * 1e4)
    assert big / 1e4 == pytest.approx(x, abs=1e-6)


def test_what_is_impossible_is_not_answered():
    matrix = csc_array(np.array([[1.0, 1.0], [1.0, 2.0]]))
    sums = np.array([1.0, 9.0])
    with pytest.raises(InfeasibleError, match="no solution"):
        spread(np.ones(2), np.zeros(2), matrix, sums, sums, np.zeros(2), np.full(2, np.inf))


@pytest.mark.parametrize("seed", range(20))
def test_the_active_set_agrees_where_the_interior_method_gives_up(seed, monkeypatch):
    curve, cost, matrix, low, high, upper = draw(seed)
    given = (curve, cost, csc_array(matrix), low, high, np.zeros(len(curve)), upper)
    inside = spread(*given)

    def give_up(*_):
        raise SupplyGraphError("did not converge")

    monkeypatch.setattr("supplygraph.engine.quadratic._interior", give_up)
    assert spread(*given) == pytest.approx(inside, abs=1e-5)
