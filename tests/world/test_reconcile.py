"""The nearest balanced quantities, against a general solver and by hand."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize

from supplygraph.errors import InfeasibleError
from supplygraph.world.reconcile import Reconciler


def problem(seed):
    """Random processes: parallel pairs, loops, parts that do not touch, empty pairs, totals and blocks.

    The bases are a balanced state, disturbed: something balanced is within reach, as it is from a network.
    """
    rng = np.random.default_rng(seed)
    processes, count = int(rng.integers(3, 7)), int(rng.integers(4, 11))
    ends = rng.integers(0, processes, (count, 2))
    flow = np.exp(rng.normal(3.0, 1.0, count)) * (rng.random(count) > 0.1)
    pairs, made, sums = (np.zeros((rows, 2 * processes + 2)) for rows in (count, processes, 2))
    pairs[np.arange(count), ends[:, 0]] = 1.0
    pairs[np.arange(count), processes + ends[:, 1]] = 1.0
    out, into = (np.bincount(ends[:, side], weights=flow, minlength=processes) for side in (0, 1))
    activity = np.where(out > 0, out, into)
    for one in range(processes):
        if activity[one] > 0:
            made[one, one] = -out[one] / activity[one]
            made[one, processes + one] = -into[one] / activity[one]
    pairs[: count // 2, 2 * processes] = 1.0  # half of the pairs are known together
    made[: processes // 2 + 1, 2 * processes + 1] = 1.0  # and so is the total of some processes
    sums[0, 2 * processes] = sums[1, 2 * processes + 1] = -1.0
    matrix = np.vstack([pairs, made, sums])
    totals = [flow[: count // 2].sum(), activity[: processes // 2 + 1].sum()]
    base = np.concatenate([flow, activity, totals]) * np.exp(rng.normal(0.0, 0.5, len(matrix)))
    return matrix, base, rng.choice([0.05, 0.35, 1.0, 2.0], len(base))


def dual(matrix, base, spread):
    """Minimise the dual by a general method, from its definition."""
    squared = spread**2

    def value(y):
        with np.errstate(over="ignore", invalid="ignore"):
            x = base * np.exp(squared * (matrix @ y))
        if not np.isfinite(x).all():
            return np.inf, np.zeros(matrix.shape[1])
        return (x / squared).sum(), matrix.T @ x

    def hessian(y):
        x = base * np.exp(np.minimum(squared * (matrix @ y), 100.0))
        return matrix.T @ ((squared * x)[:, None] * matrix)

    start = np.zeros(matrix.shape[1])
    found = minimize(value, start, jac=True, method="trust-exact", hess=hessian, options={"gtol": 1e-8})
    return base * np.exp(squared * (matrix @ found.x))


@pytest.mark.parametrize("seed", range(40))
def test_a_general_solver_agrees(seed):
    matrix, base, spread = problem(seed)
    found = Reconciler(sp.csr_matrix(matrix)).solve(base, spread)
    assert found.error <= 1e-10
    assert (found.value[base == 0] == 0).all()
    through = np.abs(matrix).T @ found.value
    assert (np.abs(matrix.T @ found.value) <= 1e-10 * through).all()
    np.testing.assert_allclose(found.value, dual(matrix, base, spread), rtol=1e-4, atol=1e-4)


def test_no_neighbour_is_nearer():
    """The primal, without any dual: in no direction that keeps the balances does the distance change."""
    for seed in range(10):
        matrix, base, spread = problem(seed)
        found = Reconciler(sp.csr_matrix(matrix)).solve(base, spread).value
        live = found > 0
        _, sizes, axes = np.linalg.svd(matrix[live].T)
        free = axes[(sizes > 1e-9).sum() :]
        slope = np.log(found[live] / base[live]) / spread[live] ** 2
        np.testing.assert_allclose(free @ slope, 0.0, atol=1e-6 * max(np.abs(slope).max(), 1.0))
        assert len(free) > 0


def test_what_balances_already_stays():
    matrix = sp.csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -1.0]]))
    base = np.array([1.0, 2.0, 3.0, 2.0, 4.0])
    found = Reconciler(matrix).solve(base, np.full(5, 0.3))
    assert (found.value == base).all()
    assert found.steps == 0


def test_hard_figures_do_not_move_and_soft_ones_do():
    matrix = sp.csr_matrix(np.array([[1.0], [1.0], [-1.0]]))
    found = Reconciler(matrix).solve(np.array([10.0, 10.0, 30.0]), np.array([0.0, 0.5, 0.0]))
    np.testing.assert_allclose(found.value, [10, 20, 30])
    with pytest.raises(InfeasibleError, match="cannot balance"):
        Reconciler(matrix).solve(np.array([10.0, 10.0, 30.0]), np.zeros(3))


def test_equal_figures_share_a_gap_by_their_squared_spread():
    matrix = sp.csr_matrix(np.array([[1.0], [-1.0]]))
    found = Reconciler(matrix).solve(np.array([100.0, 121.0]), np.array([0.1, 0.2])).value
    np.testing.assert_allclose(np.log(found[0] / 100) / np.log(121 / found[1]), 0.25)


def test_splitting_a_figure_in_two_changes_nothing():
    whole = Reconciler(sp.csr_matrix(np.array([[1.0], [1.0], [-1.0]])))
    split = Reconciler(sp.csr_matrix(np.array([[1.0], [1.0], [1.0], [-1.0]])))
    one = whole.solve(np.array([40.0, 10.0, 90.0]), np.array([0.3, 0.1, 0.2])).value
    two = split.solve(np.array([30.0, 10.0, 10.0, 90.0]), np.array([0.3, 0.3, 0.1, 0.2])).value
    np.testing.assert_allclose(one, [two[0] + two[1], two[2], two[3]])


def test_far_apart_is_still_closed():
    matrix = sp.csr_matrix(np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]))
    base, spread = np.array([1e-9, 1e6, 1e7, 1e-3]), np.array([1.0, 1.0, 0.05, 0.05])
    found = Reconciler(matrix).solve(base, spread)
    assert found.error <= 1e-10
    np.testing.assert_allclose(found.value[0] + found.value[1], found.value[2])
