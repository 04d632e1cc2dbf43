"""The compiled program over routes: warm or cold, priced in or all routes at once, in any order, one answer."""

import networkx as nx
import numpy as np
import pytest
from toys import chain, random_network

import supplygraph as sg
from supplygraph.engine.change import least_change
from supplygraph.engine.hubs import serves
from supplygraph.engine.paths import MOVED, NEW, Columns, Prices, route_columns
from supplygraph.engine.program import Program, ration
from supplygraph.engine.rows import Audiences

SMALL = {"n_mines": 3, "n_refineries": 3, "n_factories": 3, "n_ports": 3}
SIZES = {"n_mines": 4, "n_refineries": 4, "n_factories": 4, "n_ports": 5}


def all_routes(graph, product, scenario):
    """Every simple route of a product between two vertices, as lists of arcs."""
    web = nx.MultiDiGraph()
    shut = scenario.closed_node[graph.vertex_node]
    for arc in np.flatnonzero(graph.arc_product == product):
        if not (scenario.closed_arc[arc] or shut[graph.source[arc]] or shut[graph.target[arc]]):
            web.add_edge(graph.source[arc], graph.target[arc], key=arc)

    def between(a, b):
        if a == b:
            return [[]]
        if a not in web or b not in web:
            return []
        return [[key for _, _, key in path] for path in nx.all_simple_edge_paths(web, a, b)]

    return between


def with_all_routes(program, setting):
    """Return the program with every simple route from the start, for new tonnes and for links; nothing is priced in."""
    graph = program.graph
    model = program.routes(setting, prices=Prices(300.0))
    draft = model.price.draft
    groups, start = Audiences.one(graph), len(draft.blocks)
    for product, way in enumerate(setting.ways):
        between = all_routes(graph, product, setting.scenario)
        on = serves(graph, groups, way, 0)
        for row, column in zip(*np.nonzero(on), strict=True):
            origin, destination = way.origins[[row]], way.destinations[[column]]
            for path in between(graph.gives_at[origin[0]], graph.takes_at[destination[0]]):
                steps = np.array([path], dtype=np.int64)
                haul = np.array([graph.cost[path].sum() if path else 0.0])
                calm = way.calm[[row], [column]]
                draft.add(route_columns(NEW, origin, destination, 0, steps, haul, calm), np.inf)
                link = np.flatnonzero((draft.links.origin == origin) & (draft.links.destination == destination))
                if len(link):
                    kept = [(draft.pair_row[link], np.ones(1))]
                    draft.add(route_columns(MOVED, origin, destination, 0, steps, haul, calm), np.inf, kept)
    more = Columns.join(draft.blocks[start:])
    model.grow(None, draft, more, model.price.prices.of(graph, more), paid=True)
    model.price = model.warm = None
    return model


@pytest.mark.parametrize("seed", range(8))
def test_pricing_finds_what_all_routes_at_once_find(seed):
    """Least unmet demand, who goes without, and the cheapest change: the same with every simple route at hand."""
    net = random_network(seed, **SMALL)
    program = Program(net, ramp=0.2)
    setting = program.setting(program.scenario(closed_nodes=["refinery0"]))
    assert setting.left.couples
    inside = np.zeros(len(net.processes), dtype=bool)
    priced, whole = program.routes(setting, prices=Prices(300.0)), with_all_routes(program, setting)
    one, left = ration(priced, "proportional", inside)
    two, right = ration(whole, "proportional", inside)
    assert one.objective == pytest.approx(two.objective, abs=1e-6)
    assert left == pytest.approx(right, abs=1e-3)  # units: 1e-7 of all demand
    costs = [least_change(model, left, setting.left).objective_usd for model in (priced, whole)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("make", [lambda: random_network(2, **SIZES), lambda: sg.load("antimony")])
def test_warm_and_cold_agree(make):
    net = make()
    kept = Program(net, ramp=0.2)
    for node in net.processes["node"].unique()[::4]:
        found = []
        for program in (kept, Program(net, ramp=0.2, method="ipm"), Program(net, ramp=0.2)):
            setting = program.setting(program.scenario(closed_nodes=[node]))
            model = program.routes(setting, prices=Prices(300.0))
            found.append(model.best(model.cost_of_unmet(np.ones(len(model.uses)))).objective)
        assert found[0] == pytest.approx(found[1], abs=1e-5)
        assert found[0] == pytest.approx(found[2], abs=1e-5)


def test_a_scenario_leaves_nothing_behind():
    """After closures, export limits and partial closures the undisturbed answer is what it was."""
    net = chain()
    program = Program(net, ramp=0.2)

    def calm():
        model = program.routes(program.setting(program.scenario()), prices=Prices(300.0))
        return least_change(model, np.zeros(len(model.uses)), program.setting(program.scenario()).left)

    before = calm()
    for shock in (sg.Shock.close(passage="malacca"), sg.Shock.ban("CHN", stage="refining", keep=0.3),
                  sg.Shock.close(passage="suez", keep=0.5), sg.Shock.close(node="kokkola")):  # fmt: skip
        sg.reroute(net, shock)
        after = calm()
        assert after.objective_usd == before.objective_usd
        assert (after.x == before.x).all()


def test_labels_only_where_they_matter():
    """A rule on refining leaves ore without the name of its audience; one on mining does not."""
    graph = Program(chain()).graph
    zone = np.zeros(len(graph.processes), dtype=bool)
    refines = np.isin(graph.processes, ["jinchuan-refine"])
    mines = np.isin(graph.processes, ["tenke-extract"])
    labelled = [Audiences.zone_and_rest(graph, zone, matters).labelled.tolist() for matters in (refines, mines)]
    assert graph.products.tolist() == ["cobalt-intermediate", "cobalt-refined"]
    assert labelled == [[False, True], [True, True]]
