"""What compiling once saves: the same closures asked of a kept program, and of a new one each time.

``python tests/bench/bench_warm.py`` prints three blocks; within each, answers must agree.

1. The program over routes (:class:`supplygraph.engine.program.Program`) of the generated S network (1 000 sites,
   10 000 edges with limits; 23 700 rows, 25 000 columns and those priced in): the most that can be served when a site
   closes, warm, and from a program that is compiled for the question; then the same programs on the solver alone,
   warm against a new solver without and with presolve.
2. The program over arcs of the same network (2 600 rows, 23 000 columns), on the solver alone: bounds edited and
   the base basis put back, against a new solver without and with presolve.
3. Bundled networks over routes, least change after closing a refinery. Their programs have a few hundred rows and a
   closure moves hundreds of shipments, so little is saved.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from generate import FACTORY, MINE, draw, expanded, program

import supplygraph as sg
from supplygraph.engine.paths import RELINK_USD_T, Prices
from supplygraph.engine.program import Program
from supplygraph.engine.solver import Solver

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Times:
    """Seconds by way of solving, closure by closure."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def take(self, way: str, began: float) -> None:
        """Note one solve."""
        self.seconds.setdefault(way, []).append(time.perf_counter() - began)

    def show(self, title: str) -> None:
        """Print medians and the median of the ratios."""
        print(title)  # noqa: T201
        warm = np.array(self.seconds["warm"])
        for way, seconds in self.seconds.items():
            some = np.array(seconds) / warm[: len(seconds)]
            text = f"  {way:<22} {np.median(seconds):9.4f} s  {np.median(some):7.1f}x warm  ({len(seconds)} closures)"
            print(text, flush=True)  # noqa: T201


def routes(closures: int = 12) -> None:
    """Close sites of a generated network whose edges have limits, in its program over routes."""
    graph = expanded(draw("S"))
    kept = Program(graph)
    began = time.perf_counter()
    kept.max_served()
    print(f"compiled in {time.perf_counter() - began:.1f} s")  # noqa: T201
    nodes = graph.nodes[np.random.default_rng(1).choice(np.unique(graph.at), closures, replace=False)]
    times = Times()
    for node in nodes:
        began = time.perf_counter()
        warm = kept.max_served(closed_nodes=[node])
        times.take("warm", began)
        began = time.perf_counter()
        cold = Program(graph).max_served(closed_nodes=[node])
        times.take("compile + cold", began)
        assert abs(warm.total_t - cold.total_t) <= 1e-7 * cold.demand_t
    times.show("generated S over routes, whole questions")
    _same_columns(kept, nodes)


def _same_columns(kept: Program, nodes: pd.Index) -> None:
    """Solve the program of each closure, columns and all, on the solver alone."""
    times = Times()
    for node in nodes:
        model = kept.routes(kept.setting(kept.scenario(closed_nodes=[node])))
        cost, face = model.cost_of_unmet(np.ones(len(model.uses))), model.face
        began = time.perf_counter()
        warm = model.open(face, cost).solve()
        times.take("warm", began)
        for way, presolve in (("cold", "off"), ("cold, presolve", "on")):
            began = time.perf_counter()
            parts = (face.lower, face.upper, model.matrix, face.row_lower, face.row_upper)
            cold = Solver(cost, *parts, presolve=presolve).solve()
            times.take(way, began)
            assert abs(cold.objective - warm.objective) <= 1e-6
    times.show(f"generated S over routes, the solver alone: {model.matrix.shape[0]} rows, {model.columns} columns")


def arcs(closures: int = 40) -> None:
    """Close sites of the same network in its program over arcs."""
    net = draw("S")
    linear = program(net)
    parts = (linear.lower, linear.upper, linear.matrix)
    base = Solver(linear.cost, *parts, linear.row_lower, linear.row_upper)
    base.solve()
    basis = base.basis()
    inner = np.unique(net.physical[(net.layer > MINE) & (net.layer < FACTORY)])
    capacity_rows = linear.rows - len(inner) + np.arange(len(inner))
    times = Times()
    for row in np.random.default_rng(1).choice(capacity_rows, closures, replace=False):
        upper = linear.row_upper.copy()
        upper[row] = 0.0
        began = time.perf_counter()
        base.set_rows(linear.row_lower, upper)
        base.restore(basis)
        warm = base.solve()
        times.take("warm", began)
        for way, presolve in (("cold", "off"), ("cold, presolve", "on")):
            began = time.perf_counter()
            cold = Solver(linear.cost, *parts, linear.row_lower, upper, presolve=presolve).solve()
            times.take(way, began)
            assert abs(cold.objective - warm.objective) <= 1e-7 * abs(cold.objective)
    times.show(f"generated S over arcs: {linear.rows} rows, {linear.columns} columns")


def bundled(mineral: str, closures: int = 30) -> None:
    """Close the refineries of a bundled network in its program over routes."""
    net = sg.load(mineral)
    kept = Program(net, ramp=0.2)
    times = Times()
    refineries = net.nodes.index[net.nodes["kind"] == "refinery"][:closures]

    def ask(asked: Program, node: str, *, warm: bool) -> float:
        setting = asked.setting(asked.scenario(closed_nodes=[node]))
        model = asked.routes(setting, prices=Prices(RELINK_USD_T))
        if not warm:
            model.warm = None
        cost = model.freight / 100.0 + model.cost_of_unmet(np.full(len(model.uses), 1e3))
        return model.open(model.face, cost).solve().objective

    ask(kept, refineries[0], warm=True)  # compiles
    for node in refineries:
        began = time.perf_counter()
        one = ask(kept, node, warm=True)
        times.take("warm", began)
        began = time.perf_counter()
        two = ask(Program(kept.graph, ramp=0.2), node, warm=False)
        times.take("compile + cold", began)
        assert abs(one - two) <= 1e-6 * max(abs(one), 1.0)
    times.show(f"{mineral} over routes")


if __name__ == "__main__":
    routes()
    arcs()
    for name in ("cobalt", "graphite", "copper"):
        bundled(name)
