"""Joint failures and defences against full enumeration with other programs."""

import functools
import itertools
import math

import pytest
from oracles import arc_program
from toys import chain, chain_tables, random_network

import supplygraph as sg
from supplygraph.engine.attacks.search import worst
from supplygraph.engine.program import Program
from supplygraph.errors import DataError, LimitError, UnknownNameError
from supplygraph.measures import targets
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.interdiction import defend, interdict
from supplygraph.measures.items import KINDS
from supplygraph.measures.study import Study
from supplygraph.measures.targets import Targets
from supplygraph.network.network import SupplyNetwork
from supplygraph.scenario.alignment import forge

#: Parallel edges, zero and infinite capacities, cycles between ports, shared limits, several products at one site,
#: forms, stocks, recoveries below one.
SEEDS = range(4)


@functools.cache
def _net(seed):
    return random_network(seed, n_mines=2, n_refineries=2, n_factories=2, n_ports=2)


def _study(net, by, demand=None, shock=None):
    return Study.of(net, by, demand, shock, forge(), "linked", ("capacity",), "auto")


def _losses(net, by, k, demand=None, shock=None):
    """Loss of every set of up to k items, by the program over routes."""
    study = _study(net, by, demand, shock)
    program = Program(net)

    def served(items):
        scenario = study.items.fail(program.graph, items, study.before)
        return program.most(program.setting(scenario, demand=study.capacity.wanted)).total_t

    whole = served(())
    ids = study.items.table.index[~study.items.table["residual"].astype(bool)]
    return {s: whole - served(s) for n in range(1, k + 1) for s in itertools.combinations(ids, n)}


def _check(found, losses, tolerance):
    most = max([0.0, *losses.values()])
    assert math.isclose(found.loss_t, most, abs_tol=tolerance)
    assert found.proved
    assert found.gap == 0
    assert found.bound_t == found.loss_t
    near = [s for s, loss in losses.items() if loss >= most - tolerance]
    first = min(near, key=lambda s: (len(s), s)) if most > tolerance else ()
    assert tuple(found.table.index) == first


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("by", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_worst_sets_equal_enumeration(seed, by, k):
    net = _net(seed)
    if by == "edge":  # hundreds of them: of two that carry something
        net = random_network(seed, n_mines=1, n_refineries=1, n_factories=1, n_ports=2)
    _check(interdict(net, k=k, by=by), _losses(net, by, k), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "by"), [(0, "country"), (1, "country"), (2, "passage"), (3, "node")])
def test_losses_equal_an_independent_program(seed, by):
    net = _net(seed)
    whole = arc_program(net)
    found = interdict(net, k=2, by=by)
    nodes = (
        list(found.table.index) if by != "country" else net.nodes.index[net.nodes["country"].isin(found.table.index)]
    )
    assert math.isclose(found.loss_t, whole - arc_program(net, nodes=nodes), abs_tol=1e-4)
    for item, row in found.table.iterrows():
        alone = [item] if by != "country" else net.nodes.index[net.nodes["country"] == item]
        assert math.isclose(row["loss_alone_t"], whole - arc_program(net, nodes=alone), abs_tol=1e-4)
        others = [node for node in nodes if node not in set(alone)]
        assert math.isclose(row["loss_without_it_t"], whole - arc_program(net, nodes=others), abs_tol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["node", "country", "owner", "passage"])
def test_three_failures_of_a_real_network(by):
    """On a bundled network: as bad as the worst of the largest single failures, all their triples evaluated."""
    net = sg.load("germanium")
    found = interdict(net, k=3, by=by)
    assert found.params["method"] == "max flow, exact"
    assert found.proved
    study = _study(net, by)
    program = Program(net)
    single = chokepoints(net, by=by, lenses=("capacity",)).table
    few = single[~single["residual"].astype(bool)].nlargest(8, "loss_t").index
    whole = program.max_served().total_t
    for items in itertools.combinations(sorted(few), 3):
        scenario = study.items.fail(program.graph, items, study.before)
        assert whole - program.max_served(scenario=scenario).total_t <= found.loss_t + 1e-6 * whole
    scenario = study.items.fail(program.graph, found.table.index, study.before)
    assert math.isclose(whole - program.max_served(scenario=scenario).total_t, found.loss_t, rel_tol=1e-7, abs_tol=1e-6)


@pytest.mark.parametrize("by", KINDS)
def test_flow_and_program_agree(by):
    net = sg.load("gallium")
    study = _study(net, by)
    found = []
    for engine in ("flow", "program"):
        given = Targets.of(study, None, (), residuals=False, engine=engine)
        attack = worst(given.oracle, 2)
        found.append((attack.items, round(attack.loss * given.unit, 3), given.method))
    assert found[0][:2] == found[1][:2]
    assert found[0][2] != found[1][2]
    assert found[0][1] > 0 or by in {"passage", "edge"}


@pytest.mark.parametrize("by", ["node", "country", "owner"])
def test_one_failure_is_the_first_chokepoint(by):
    net = sg.load("tungsten")
    single = chokepoints(net, by=by, lenses=("capacity",)).table
    single = single[~single["residual"].astype(bool)]
    found = interdict(net, k=1, by=by)
    assert math.isclose(found.loss_t, single["loss_t"].max(), rel_tol=1e-9)
    assert math.isclose(single["loss_t"].loc[found.table.index[0]], found.loss_t, rel_tol=1e-9)
    assert found.table["loss_alone_t"].tolist() == [found.loss_t]
    assert found.table["loss_without_it_t"].tolist() == [0.0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", ["node", "owner"])
def test_demand_and_shock(seed, by):
    net = _net(seed)
    shock = sg.Shock.close(node="mine0", keep=0.5)
    country = net.nodes["country"].loc["factory0"]
    found = interdict(net, k=1, by=by, demand=country, shock=shock)
    _check(found, _losses(net, by, 1, country, shock), 1e-4)
    assert found.params["demand"] == (country,)


def test_who_loses_adds_up():
    net = sg.load("cobalt")
    for demand in (None, "CHN"):
        found = interdict(net, k=2, by="country", demand=demand, exclude="CHN")
        assert found.loss_t > 0
        assert math.isclose(found.losses["lost_t"].sum(), found.loss_t, rel_tol=1e-6)
        assert (found.losses["lost_t"] <= found.losses["demand_t"] * (1 + 1e-9)).all()
        assert demand is None or set(found.losses["country"]) == {demand}
        assert "CHN" not in found.table.index
        assert found.loss_t <= found.delivered_t


def test_unnamed_rests_do_not_fail():
    net = sg.load("cobalt")
    status = net.nodes["status"]
    assert status.eq("residual").any()
    every, named = (Targets.of(_study(net, "node"), None, (), residuals=asked).table for asked in (True, False))
    assert set(every.index) - set(named.index) == set(status.index[status.eq("residual")])
    edges = Targets.of(_study(net, "edge"), None, (), residuals=False).table.index
    ends = net.edges.loc[edges, ["source", "target"]].stack().unique()
    assert not status.loc[ends].eq("residual").any()


def test_kinds_and_exclusions():
    found = interdict(chain(), k=2, kinds=["refinery", "port"], exclude="ningbo")
    assert found.params["kinds"] == ("refinery", "port")
    assert found.params["exclude"] == ("ningbo",)
    allowed = ["jinchuan", "kokkola", "durban", "rotterdam"]
    losses = _losses(chain(), "node", 2)
    assert math.isclose(found.loss_t, max(loss for s, loss in losses.items() if set(s) <= set(allowed)), abs_tol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"k": 0}, DataError, "whole number of at least 1"),
        ({"k": 1.5}, DataError, "whole number of at least 1"),
        ({"k": True}, DataError, "whole number of at least 1"),
        ({"k": 1, "time_limit": -1}, DataError, "seconds of at least 0"),
        ({"k": 1, "time_limit": float("nan")}, DataError, "seconds of at least 0"),
        ({"k": 1, "time_limit": "soon"}, DataError, "seconds of at least 0"),
        ({"k": 1, "by": "continent"}, UnknownNameError, "continent"),
        ({"k": 1, "kinds": "refinary"}, UnknownNameError, "refinery"),
        ({"k": 1, "exclude": ["kokola"]}, UnknownNameError, "kokkola"),
        ({"k": 1, "demand": "LUX"}, UnknownNameError, "LUX"),
    ],
)
def test_wrong_options_are_refused(options, error, says):
    with pytest.raises(error, match=says):
        interdict(chain(), **options)
    with pytest.raises(error, match=says):
        defend(chain(), **({"j": 1} | options))


def test_defend_refuses_no_attack():
    with pytest.raises(DataError, match="j out of range"):
        defend(chain(), k=1, j=0)


def test_networks_too_large_for_a_program_are_refused(monkeypatch):
    monkeypatch.setattr(targets, "_COLUMNS", 10)
    assert interdict(sg.load("gallium"), k=1, by="country").proved  # a maximum flow is exact
    with pytest.raises(LimitError, match=r"lose different shares.*columns"):
        interdict(sg.load("graphite"), k=1, by="country")


def test_an_unproved_set_is_never_called_the_worst():
    net = sg.load("cobalt")
    hasty, settled = (interdict(net, k=3, by="node", time_limit=limit) for limit in (0, None))
    assert settled.proved
    assert not hasty.proved
    assert hasty.gap > 0
    assert hasty.loss_t <= settled.loss_t <= hasty.bound_t
    assert math.isclose(hasty.gap, 1 - hasty.loss_t / hasty.bound_t)
    assert "found in the time given" in hasty.explain()
    assert "Not proved: another set may cost up to" in hasty.explain()
    assert "proved: " in settled.explain()
    assert "found in the time" not in settled.explain() + settled.title
    assert "not proved" in hasty.title


def test_what_adds_nothing_is_left_out():
    found = interdict(chain(), k=9, kinds="refinery")
    assert list(found.table.index) == ["jinchuan", "kokkola"]
    found = interdict(chain(), k=3, kinds="passage")
    assert found.loss_t == 0
    assert len(found.table) == 0
    assert found.explain() == "No 3 failures of 2 candidates cost any demand, proved."


def test_no_candidates():
    net = SupplyNetwork(**(chain_tables() | {"owners": chain_tables()["owners"].iloc[:0]}))
    found = interdict(net, k=1, by="owner")
    assert found.proved
    assert found.loss_t == 0
    assert defend(net, k=1, j=1, by="owner").loss_t == 0


def test_answers_are_the_same_every_time():
    tables = chain_tables()
    turned = SupplyNetwork(**{name: frame.iloc[::-1] for name, frame in tables.items()})
    for by in ("node", "owner"):
        a, b = (interdict(net, k=2, by=by) for net in (SupplyNetwork(**tables), turned))
        assert a.table.equals(b.table)
        assert a.losses.equals(b.losses)
        assert dict(a.figures) == dict(b.figures)


def test_progress_goes_to_stderr(capsys):
    interdict(sg.load("cobalt"), k=2, progress=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert "loss" in told.err
    assert "bound" in told.err


@pytest.mark.slow
@pytest.mark.parametrize(("k", "j"), [(1, 1), (1, 2), (2, 1)])
@pytest.mark.parametrize("by", ["node", "country", "owner"])
@pytest.mark.parametrize("seed", SEEDS)
def test_defences_equal_enumeration(seed, by, k, j):
    net = _net(seed)
    losses = _losses(net, by, j)
    items = sorted({item for s in losses for item in s})
    left = {
        d: max([0.0, *(loss for s, loss in losses.items() if not set(s) & set(d))])
        for n in range(k + 1)
        for d in itertools.combinations(items, n)
    }
    found = defend(net, k=k, j=j, by=by)
    assert found.proved
    assert math.isclose(found.loss_t, min(left.values()), abs_tol=1e-4)
    assert math.isclose(left[tuple(found.table.index)], found.loss_t, abs_tol=1e-4)
    assert math.isclose(found.before_t, left[()], abs_tol=1e-4)
    if len(found.attack):
        assert math.isclose(losses[tuple(found.attack.index)], found.loss_t, abs_tol=1e-4)
        assert not set(found.attack.index) & set(found.table.index)


def test_a_defence_out_of_time_is_honest():
    net = sg.load("cobalt")
    hasty, settled = (defend(net, k=2, j=2, by="country", time_limit=limit) for limit in (0, None))
    assert settled.proved
    assert not hasty.proved
    assert hasty.bound_t <= settled.loss_t <= hasty.loss_t
    assert "Not proved: another defence may leave as little as" in hasty.explain()
    assert "found in the time given" not in settled.explain()
    assert settled.before_t == interdict(net, k=2, by="country").loss_t
