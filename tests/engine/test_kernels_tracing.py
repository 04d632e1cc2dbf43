"""Shares of origin in one sweep, against sparse and dense solves and a random walk by hand."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import splu

from supplygraph.engine.kernels.tracing import origin_shares, sweep
from supplygraph.errors import DataError, InfeasibleError


def balanced(seed, *, loops):
    """A flow in which every vertex passes on at most what it has: walks from origins, added up."""
    rng = np.random.default_rng(seed)
    n, groups = int(rng.integers(7, 60)), int(rng.integers(1, 7))
    own, ends = np.zeros(n), []
    for _ in range(int(rng.integers(3, 80))):
        steps = rng.choice(n, int(rng.integers(1, 7)), replace=loops)
        steps = steps if loops else np.sort(steps)
        amount = float(rng.integers(1, 50))
        own[steps[0]] += amount
        ends += [(a, b, amount) for a, b in pairwise(steps)]
    tail, head, flow = (np.array(side) for side in zip(*ends, strict=True)) if ends else (np.zeros(0),) * 3
    number = rng.permutation(n)
    return (
        n,
        number[tail.astype(int)],
        number[head.astype(int)],
        flow,
        own[np.argsort(number)],
        rng.integers(0, groups, n),
        groups,
    )


def matrix(n, tail, head, flow, own):
    has = np.bincount(head, flow, n) + own
    return csr_array((flow / has[head], (head, tail)), shape=(n, n)), has


@pytest.mark.parametrize("loops", [False, True])
def test_equal_to_the_sparse_solve(loops):
    circled = 0
    for seed in range(300):
        n, tail, head, flow, own, group, groups = balanced(seed, loops=loops)
        walk, has = matrix(n, tail, head, flow, own)
        given = np.zeros((n, groups))
        given[np.arange(n), group] = np.divide(own, has, out=np.zeros(n), where=has > 0)
        truth = splu((eye_array(n) - walk).tocsc()).solve(given)
        found = origin_shares(n, tail, head, flow, own, group, groups)
        assert np.abs(found - truth).max() < 1e-12
        assert np.abs(found.sum(axis=1) - (has > 0)).max() < 1e-12
        back = sweep(n, head, tail, flow / has[head], own)  # the walk in the other direction, one column
        assert np.allclose(back, splu((eye_array(n) - walk.T).tocsc()).solve(own), rtol=1e-12)
        circled += int((np.abs(np.linalg.eigvals(walk.toarray())) > 1e-9).any())
    assert (circled > 100) == loops


def test_origins_of_no_group_leave_a_rest():
    found = origin_shares(
        3, np.array([0, 1]), np.array([2, 2]), np.array([1.0, 3.0]), np.array([1.0, 3.0, 0.0]), np.array([0, -1, -1]), 1
    )
    assert found[:, 0].tolist() == [1.0, 0.0, 0.25]


def test_a_loop_by_hand():
    """Half of what 1 has comes back to it through 2: the loop changes nothing about its origin."""
    found = origin_shares(3, np.array([0, 1, 2, 1]), np.array([1, 2, 1, 1]), np.array([2.0, 2.0, 2.0, 4.0]),
                          np.array([2.0, 0.0, 0.0]), np.array([0, -1, -1]), 1)  # fmt: skip
    assert found[:, 0] == pytest.approx([1.0, 1.0, 1.0], abs=1e-15)


def test_material_without_an_origin_is_refused():
    own, group = np.array([1.0, 0, 0, 0]), np.array([0, -1, -1, -1])
    with pytest.raises(InfeasibleError, match=r"vertices \[2, 3\] feed only each other") as caught:
        origin_shares(4, np.array([0, 2, 3]), np.array([1, 3, 2]), np.array([1.0, 1, 1]), own, group, 1)
    assert caught.value.certificate.tolist() == [2, 3]
    with pytest.raises(InfeasibleError, match=r"\[2\]"):
        origin_shares(4, np.array([0, 2]), np.array([1, 2]), np.array([1.0, 3.0]), own, group, 1)
    # Thirds do not sum to exactly 1; the loop is closed all the same.
    with pytest.raises(InfeasibleError, match="feed only each other"):
        sweep(3, np.array([1, 1, 1, 2]), np.array([2, 2, 2, 1]), np.array([0.1, 0.2, 0.7, 1.0]), np.zeros(3))


def test_no_closed_loop_slips_through_by_rounding():
    """Shares that sum to 1 but for the last bit: a plain factorisation answers many of these with numbers near 1e16."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 6))
        tail, head = (np.append(rng.integers(0, n, 3 * n), ring) for ring in (np.arange(n), (np.arange(n) + 1) % n))
        flow = rng.random(len(tail)).round(3) + 0.001
        share = flow / np.bincount(head, flow, n)[head]
        for ends in ((tail, head), (head, tail)):
            with pytest.raises(InfeasibleError, match="feed only each other"):
                sweep(n, *ends, share, np.ones(n))
        share[rng.integers(0, len(share))] *= 0.5  # now something comes from elsewhere
        assert np.isfinite(sweep(n, tail, head, share, np.ones(n))).all()


def test_bad_input_is_refused():
    ends, own, group = (np.array([0, 1]), np.array([1, 2])), np.array([1.0, 0, 0]), np.array([0, -1, -1])
    with pytest.raises(DataError, match=r"flow, row 1: -1.0; expected a finite number, 0 or more"):
        origin_shares(3, *ends, np.array([1.0, -1.0]), own, group, 1)
    with pytest.raises(DataError, match="own, row 2: nan"):
        origin_shares(3, *ends, np.ones(2), np.array([1.0, 0.0, np.nan]), group, 1)
    with pytest.raises(DataError, match="vertex 0: gives something, but has nothing"):
        origin_shares(3, *ends, np.ones(2), np.zeros(3), group, 1)
    with pytest.raises(DataError, match="group, row 0: number 0; expected 0 to -1"):
        origin_shares(3, *ends, np.ones(2), own, group, 0)
    with pytest.raises(DataError, match="lengths of flow, tail, own and group"):
        origin_shares(3, *ends, np.ones(3), own, group, 1)
    with pytest.raises(DataError, match="2 rows for 3 vertices"):
        sweep(3, *ends, np.ones(2), np.ones(2))
