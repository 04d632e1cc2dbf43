"""Walks over shipments: loops, closed loops, and the way ahead."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from toys import chain, random_network
from trader_nets import tables_of

from supplygraph.errors import DataError
from supplygraph.measures import tracing
from supplygraph.network.network import SupplyNetwork


@pytest.mark.parametrize("seed", range(40))
def test_material_that_only_circles_has_no_origin(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 6))
    walk = rng.random((size, size)) * (rng.random((size, size)) < 0.7) + np.roll(np.eye(size), 1, axis=1)
    np.fill_diagonal(walk, 0.0)
    walk /= walk.sum(axis=1, keepdims=True)
    with pytest.raises(DataError, match="feed only each other"):
        tracing.solve(csr_array(walk), np.ones(size))
    walk *= 0.9  # a tenth comes from elsewhere
    expected = np.linalg.solve(np.eye(size) - walk, np.ones(size))
    np.testing.assert_allclose(tracing.solve(csr_array(walk), np.ones(size)), expected, rtol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_ahead_and_back_meet(seed):
    traced = tracing.trace(random_network(seed) if seed else chain())
    roles = traced.network.processes["role"].to_numpy()
    ends = np.isin(roles, ["use"]) | (traced.network.processes["output"].isna()).to_numpy()
    ahead = traced.ahead(ends.astype(float))
    sends = np.bincount(traced.origin, minlength=len(ends)) > 0
    np.testing.assert_allclose(ahead[sends], 1.0)  # everything ends somewhere
    one = np.flatnonzero((roles == "use") & (traced.demand > 0))[0]
    share = traced.ahead((np.arange(len(ends)) == one).astype(float))
    into = traced.destination == one
    assert np.dot(traced.flow[into], share[traced.destination[into]]) == pytest.approx(traced.demand[one])
    assert (share <= 1 + 1e-12).all()


def test_a_draw_is_traced_like_any_other_network():
    net = chain()
    traced = tracing.trace(net)
    tables = tables_of(net)
    sent = tables["shipments"]
    drawn = SupplyNetwork(**tables | {"shipments": sent.assign(flow_t=sent["flow_t"] * np.arange(1, len(sent) + 1))})
    quick, plain = traced.redrawn(drawn), tracing.trace(drawn)
    for name in ("demand", "step", "flow", "origin", "destination", "node"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(plain, name))
    assert quick.network is drawn
    fewer = SupplyNetwork(**tables | {"shipments": sent.iloc[1:]})
    assert traced.redrawn(fewer) is None
    stopped = SupplyNetwork(**tables | {"shipments": sent.assign(flow_t=sent["flow_t"].where(sent.index > 0, 0.0))})
    assert traced.redrawn(stopped) is None


def test_a_trace_follows_the_shipments_it_is_given():
    net = chain()
    half = net.shipments.assign(flow_t=net.shipments["flow_t"] / 2)
    np.testing.assert_allclose(tracing.trace(net, half).demand, tracing.trace(net).demand / 2)
