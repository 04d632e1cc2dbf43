"""Large programs: the bound is a bound, the answer is feasible, and both meet the optimum."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csc_array, random_array
from toys import random_network

from supplygraph.engine.arcs import arc_program
from supplygraph.engine.expanded import expand
from supplygraph.engine.firstorder import LOOK, Descent
from supplygraph.engine.large import solve_large
from supplygraph.engine.linear import Linear, solve
from supplygraph.engine.shorten import shorten
from supplygraph.errors import DataError, InfeasibleError, SupplyGraphError

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from generate import SIZES, draw, expanded, program


@pytest.fixture(scope="module")
def small():
    return program(draw("S"))


def random_program(seed, *, slack=True):
    """A random program with a feasible point; with slack, single columns can meet every row."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, 8)), int(rng.integers(1, 25))
    matrix = random_array((rows, columns), density=0.4, rng=rng, data_sampler=lambda size: rng.integers(-3, 4, size))
    lower = rng.integers(-2, 2, columns).astype(float)
    upper = lower + rng.integers(0, 6, columns)
    point = lower + rng.random(columns) * (upper - lower)
    move = matrix @ point
    low = move - rng.choice([0.0, 1.0, np.inf], rows)
    high = np.where(low == move, move, move + rng.choice([0.0, 1.0, np.inf], rows))
    cost = rng.integers(-5, 20, columns).astype(float)
    if slack:
        eye = np.eye(rows)
        matrix = csc_array(np.hstack([matrix.toarray(), eye, -eye]))
        cost = np.append(cost, np.full(2 * rows, 100.0))
        lower, upper = np.append(lower, np.zeros(2 * rows)), np.append(upper, np.full(2 * rows, 200.0))
    return Linear(cost, lower, upper, csc_array(matrix), low, high)


def optimum(linear):
    """By scipy, written out as inequalities."""
    dense = linear.matrix.toarray()
    up, down = np.isfinite(linear.row_upper), np.isfinite(linear.row_lower)
    answer = linprog(
        linear.cost, A_ub=np.vstack([dense[up], -dense[down]]),
        b_ub=np.append(linear.row_upper[up], -linear.row_lower[down]),
        bounds=np.column_stack([linear.lower, linear.upper]), method="highs",
    )  # fmt: skip
    assert answer.status == 0, answer.message
    return answer.fun


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0, 10**6]), st.sampled_from([0.0, 0.01, 0.3]))
@settings(max_examples=80, deadline=None)
def test_bound_optimum_objective_stand_in_order(seed, slack, exact_below, gap):
    linear = random_program(seed, slack=slack)
    best = optimum(linear)
    found = solve_large(linear, gap=gap, exact_below=exact_below, time_limit=20.0)
    near = 1e-6 * (1.0 + abs(best))
    assert found.bound <= best + near
    assert best <= found.objective + near
    assert linear.violation(found.x) <= linear.tolerance()
    assert found.objective == linear.value(found.x)
    assert found.bound == linear.bound(found.dual)
    assert found.objective - found.bound <= gap * abs(found.objective) + near
    assert "time ran out" not in found.how


def with_links(seed):
    """A random program with equations between two columns added, some of them in chains; feasible."""
    rng = np.random.default_rng(seed)
    linear = random_program(seed)
    rows, low, high = [], [], []
    point = solve(linear).x
    for _ in range(int(rng.integers(1, 6))):
        row = np.zeros(linear.columns)
        row[rng.choice(linear.columns, 2, replace=False)] = rng.choice([-2.0, -1.0, 0.5, 1.0, 3.0], 2)
        rows.append(row)
        low.append(row @ point)
        high.append(row @ point + (rng.random() < 0.2))
    matrix = csc_array(np.vstack([linear.matrix.toarray(), *rows]))
    return Linear(linear.cost, linear.lower, linear.upper, matrix, np.append(linear.row_lower, low),
                  np.append(linear.row_upper, high))  # fmt: skip


@given(st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_solving_equations_between_two_columns_changes_nothing(seed):
    linear = with_links(seed)
    best = optimum(linear)
    short = shorten(linear)
    near = 1e-7 * (1.0 + abs(best))
    assert len(short.row) == linear.rows - short.program.rows == linear.columns - short.program.columns
    found = solve(short.program)
    x = short.widen(found.x)
    assert linear.violation(x) <= 1e-7
    assert abs(linear.value(x) - best) <= near
    assert abs(linear.bound(short.duals(found.dual)) - best) <= near
    rng = np.random.default_rng(seed)
    for scale in (0.0, 3.0, 100.0):
        dual = rng.normal(0.0, scale, short.program.rows)
        constant = linear.value(short.widen(found.x)) - short.program.value(found.x)
        proved = linear.bound(short.duals(dual))
        assert proved == pytest.approx(short.program.bound(dual) + constant, rel=1e-7, abs=1e-6)
    assert solve_large(linear, exact_below=0, gap=1e-6).objective == pytest.approx(best, rel=2e-6, abs=1e-5)


def test_equations_that_bounds_exclude_are_infeasible():
    pair = Linear(np.ones(2), np.zeros(2), np.ones(2), csc_array([[1.0, -0.25]]), np.array([1.5]), np.array([1.5]))
    with pytest.raises(InfeasibleError):
        shorten(pair)
    with pytest.raises(InfeasibleError):
        solve_large(pair, exact_below=0)


def test_chains_of_plants_get_shorter():
    linear = arc_program(expanded(draw("S")), price=5000.0).linear
    short = shorten(linear)
    made = int((draw("S").layer == 4).sum())
    assert len(short.row) > made  # every refinery, and factories besides
    one, two = solve_large(linear), solve_large(linear, exact_below=0, gap=1e-6)
    assert two.objective == pytest.approx(one.objective, rel=2e-6)
    assert two.gap <= 1e-6


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_any_duals_prove_a_bound(seed):
    linear = random_program(seed)
    best = optimum(linear)
    rng = np.random.default_rng(seed + 1)
    for scale in (0.0, 1.0, 30.0, 1000.0):
        assert linear.bound(rng.normal(0.0, scale, linear.rows)) <= best + 1e-7 * (1.0 + abs(best))
    assert linear.bound(solve(linear).dual) == pytest.approx(best, rel=1e-7, abs=1e-7)
    assert np.isfinite(linear.bound(np.full(linear.rows, np.nan)))


@pytest.mark.parametrize("gap", [0.01, 1e-4, 1e-8])
def test_rounds_reach_the_exact_optimum_of_a_layered_network(small, gap):
    exact = solve_large(small)
    assert exact.how.startswith("exact")
    assert exact.gap < 1e-9
    found = solve_large(small, gap=gap, exact_below=0, time_limit=120.0)
    assert "is proved" in found.how
    assert found.gap <= gap
    assert small.violation(found.x) <= small.tolerance()
    assert found.bound <= exact.objective * (1 + 1e-9)
    assert exact.objective * (1 - 1e-9) <= found.objective <= exact.objective * (1 + gap * 1.01)


@pytest.mark.parametrize("seed", range(6))
def test_networks_in_rounds_and_exactly_agree(seed):
    linear = arc_program(expand(random_network(seed, shipments=False)), price=1e5).linear
    one, other = solve_large(linear), solve_large(linear, exact_below=0, gap=1e-7)
    assert other.objective == pytest.approx(one.objective, rel=1e-6)
    assert other.gap <= 1e-7 or "round-off" in other.how


def test_when_time_is_up_the_answer_is_feasible_and_says_so(small):
    found = solve_large(small, gap=1e-9, exact_below=0, time_limit=0.02)
    assert found.how == "0 restricted programs: time ran out before the gap asked for was proved"
    assert small.violation(found.x) <= small.tolerance()
    assert found.bound <= solve_large(small).objective <= found.objective
    assert found.gap == pytest.approx((found.objective - found.bound) / found.objective)


def test_no_answer_in_time_is_an_error(small):
    # Without unmet demand nothing is known before the first restricted program.
    single = np.diff(small.matrix.indptr) <= 1
    low = small.row_lower.copy()
    low[small.matrix[:, single].indices] *= 0.5
    tight = Linear(small.cost[~single], small.lower[~single], small.upper[~single], small.matrix[:, ~single], low,
                   small.row_upper)  # fmt: skip
    with pytest.raises(SupplyGraphError, match="no feasible answer within"):
        solve_large(tight, exact_below=0, time_limit=0.02)


@pytest.mark.parametrize("exact_below", [0, 10**6])
def test_contradictions_are_infeasible(exact_below):
    linear = Linear(np.ones(2), np.zeros(2), np.ones(2), csc_array([[1.0, 1.0]]), np.array([3.0]), np.array([4.0]))
    with pytest.raises(InfeasibleError):
        solve_large(linear, exact_below=exact_below)


def test_the_same_program_gives_the_same_numbers(small):
    one, other = (solve_large(small, gap=1e-4, exact_below=0) for _ in range(2))
    assert one.x.tobytes() == other.x.tobytes()
    assert one.dual.tobytes() == other.dual.tobytes()


def test_threads_do_not_change_the_numbers():
    linear = program(draw("S2"))
    one, two = Descent(linear, threads=1), Descent(linear, threads=2)
    for descent in (one, two):
        descent.run(1)
        assert descent.sweeps == LOOK
    assert len(two._spans[0]) == 2
    assert one.dual.tobytes() == two.dual.tobytes()
    assert one.x.tobytes() == two.x.tobytes()


def test_sweeps_alone_approach_the_optimum(small):
    best = solve_large(small).objective
    descent = Descent(small)
    gaps = []
    for _ in range(3):
        descent.run(20)
        gaps.append(best - small.bound(descent.dual))
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[2] < 0.3 * best


def test_an_interrupt_leaves_nothing_behind(small):
    lines = []

    def stop(line):
        lines.append(line)
        if len(lines) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_large(small, exact_below=0, progress=stop)
    assert [line.split(": ")[1].split()[0] for line in lines] == ["objective", "bound", "objective"]
    assert solve_large(small, exact_below=0).gap <= 0.01


def test_parts_and_the_whole_agree_when_columns_rest_at_their_lower_bound():
    linear = random_program(5)
    kept = np.flatnonzero(np.arange(linear.columns) % 2 == 0)
    part = linear.part(kept)
    rng = np.random.default_rng(0)
    x = linear.lower.copy()
    x[kept] += rng.random(len(kept)) * (linear.upper - linear.lower)[kept]
    assert part.violation(x[kept]) == pytest.approx(linear.violation(x))


def test_what_is_not_a_linear_program_is_refused():
    one, zero = np.ones(1), np.zeros(1)
    matrix = csc_array([[1.0]])
    for change, says in (
        ({"upper": np.array([np.inf])}, "upper: must be finite"),
        ({"cost": np.array([np.nan])}, "cost: must be finite"),
        ({"lower": 2 * one}, "must be a range"),
        ({"row_lower": 2 * one}, "must be a range"),
        ({"row_upper": np.array([np.nan])}, "must be a range"),
        ({"cost": np.ones(2)}, "has 2 numbers; expected 1"),
        ({"matrix": csc_array([[np.inf]])}, "matrix: must be finite"),
    ):
        given_ = {"cost": one, "lower": zero, "upper": one, "matrix": matrix, "row_lower": zero, "row_upper": one}
        with pytest.raises(DataError, match=says):
            Linear(**(given_ | change))


@pytest.mark.parametrize(("options", "says"), [({"gap": -0.1}, "gap"), ({"gap": np.nan}, "gap"),
                                               ({"time_limit": 0.0}, "time_limit")])  # fmt: skip
def test_bad_questions_are_refused(small, options, says):
    with pytest.raises(DataError, match=says):
        solve_large(small, **options)


@pytest.mark.parametrize("size", ["S", "S2"])
def test_the_generator_draws_what_it_says(size):
    net = draw(size)
    sites, edges, straits = SIZES[size]
    assert (len(net.layer), len(net.tail), int((net.layer == 2).sum())) == (sites, edges, straits)
    assert (net.layer[net.head] > net.layer[net.tail]).all()
    assert draw(size).cost.tobytes() == net.cost.tobytes()
    pairs = net.tail * sites + net.head
    assert 0.1 < 1 - len(np.unique(pairs)) / edges < 0.5
