"""The worst sets of failures with proof, against a mixed-integer program and against trying all pairs.

``python tests/bench/bench_interdict.py [PART ...]`` prints seconds and ratios, all from one run. Losses are whole
numbers and must be equal wherever both sides prove theirs. Parts (all but ``hard`` unless told otherwise):

* ``peer``: ports and refineries of the generated S network (1 000 sites, 10 000 edges; 340 candidates), k = 1, 2, 3, 5,
  beside the dual of the maximum flow as a mixed-integer program in HiGHS (parallel edges added up, 340 binaries, one
  thread, a limit in seconds), and for k = 2 beside the losses of all pairs, one residual graph per first item.
* ``wide``: other candidates of S: mines and factories, straits (both copies of one fail together), all sites.
* ``seeds``: other networks of the same kind and size: the slowest of ten, for each k.
* ``defend``: what to protect.
* ``large``: all sites of S2 and M (4 000 and 20 000), with a limit of 60 s: where it proves nothing it says so.
* ``hard``: ports and refineries of S2, where no small set stands out (minutes).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from generate import FACTORY, MINE, REFINERY, STRAITS, draw, split
from scipy.sparse import csc_array

from supplygraph.engine.attacks.defence import protect
from supplygraph.engine.attacks.oracle import FlowOracle
from supplygraph.engine.attacks.search import Attack, worst

COUNTS = (1, 2, 3, 5)
PARTS = ("peer", "wide", "seeds", "defend", "large", "hard")
_PEER_LIMIT, _LARGE_LIMIT = 60.0, 60.0
_LINE = "{:<44} {:>9} {:>9}  {}"


def oracle(size: str, *, seed: int = 7, layers: tuple[int, ...] | None = None) -> FlowOracle:
    """Let sites of some layers fail (ports and refineries, unless given); both copies of a strait together."""
    net = draw(size, seed=seed)
    vertices, tail, head, capacity = split(net)
    chosen = np.isin(net.layer, _inner() if layers is None else layers)
    physical = np.unique(net.physical[chosen])
    number = np.where(chosen, np.searchsorted(physical, net.physical), -1)
    arcs = np.flatnonzero(chosen)
    arcs = arcs[np.argsort(number[arcs], kind="stable")]
    ptr = np.concatenate([[0], np.cumsum(np.bincount(number[arcs], minlength=len(physical)))])
    region = np.append(np.repeat(number, 2), [-1, -1])
    return FlowOracle(vertices, tail, head, capacity, vertices - 2, vertices - 1, ptr, arcs, region=region)


def _inner() -> tuple[int, ...]:
    return tuple(layer for layer in range(MINE + 1, FACTORY) if layer not in STRAITS)


def say(what: str, seconds: float | None = None, ratio: str = "", more: str = "") -> None:
    print(_LINE.format(what, "" if seconds is None else f"{seconds:.3f} s", ratio, more), flush=True)  # noqa: T201


def solve(network: FlowOracle, k: int, limit: float = np.inf) -> tuple[Attack, float]:
    began = time.perf_counter()
    found = worst(network, k, time_limit=limit)
    return found, time.perf_counter() - began


def told(found: Attack) -> str:
    words = f"loss {found.loss:,}, "
    words += "proved" if found.proved else f"bound {found.bound:,}, NOT proved"
    return f"{words}; {found.solves:,} solves"


def peer() -> None:
    network = oracle("S")
    say(f"S, {network.count} ports and refineries")
    for k in COUNTS:
        found, seconds = solve(network, k)
        say(f"  k = {k}", seconds, "", told(found))
        loss, bound, other = mixed_integer("S", k)
        if loss == bound:
            assert (loss, found.proved) == (found.loss, True)
        proved = "proved" if loss == bound else f"NOT proved, bound {bound:,}"
        say("    HiGHS, mixed-integer", other, f"{other / seconds:.0f}x", f"loss {loss:,}, {proved}")
        if k == 2:
            loss, other = pairs(network)
            assert loss == found.loss
            say("    all pairs", other, f"{other / seconds:.0f}x", f"loss {loss:,}")


def mixed_integer(size: str, k: int) -> tuple[int, int, float]:
    """Return loss, bound and seconds of the dual of the maximum flow with one binary per candidate.

    p_v is 1 on the source's side; beta_a pays for a cut arc; z_i lets the arc of a candidate go free.
    """
    import highspy

    net = draw(size)
    vertices, tail, head, capacity = split(net)
    sites = len(net.layer)
    pair, where = np.unique(tail.astype(np.int64) * vertices + head, return_inverse=True)
    total = np.bincount(where, capacity)
    tail, head = pair // vertices, pair % vertices
    candidate = np.flatnonzero(np.isin(net.layer, _inner()))
    number = np.full(sites, -1)
    number[candidate] = np.arange(len(candidate))
    own = (tail % 2 == 0) & (head == tail + 1) & (tail < 2 * sites)
    item = np.where(own, number[np.minimum(tail // 2, sites - 1)], -1)
    arcs, count, row = len(pair), len(candidate), np.arange(len(pair))
    hit = item >= 0
    rows = np.concatenate([row, row, row, row[hit], np.full(count, arcs)])
    columns = np.concatenate(
        [vertices + row, tail, head, vertices + arcs + item[hit], vertices + arcs + np.arange(count)]
    )
    values = np.concatenate([np.ones(arcs), -np.ones(arcs), np.ones(arcs + hit.sum() + count)])
    matrix = csc_array((values, (rows, columns)), shape=(arcs + 1, vertices + arcs + count))
    low, high = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    low[vertices - 2], high[vertices - 1] = 1.0, 0.0
    solver = highspy.Highs.__base__()
    for option, value in {
        "output_flag": False, "threads": 1, "random_seed": 0, "time_limit": _PEER_LIMIT, "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.5,
    }.items():  # fmt: skip
        solver.setOptionValue(option, value)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = np.concatenate([np.zeros(vertices), total, np.zeros(count)])
    model.col_lower_, model.col_upper_ = low, high
    model.row_lower_ = np.append(np.zeros(arcs), -highspy.kHighsInf)
    model.row_upper_ = np.append(np.full(arcs, highspy.kHighsInf), k)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = (part.astype(np.int32) for part in (matrix.indptr, matrix.indices))
    model.a_matrix_.value_ = matrix.data
    whole = [highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger]
    model.integrality_ = [whole[0]] * (vertices + arcs) + [whole[1]] * count
    began = time.perf_counter()
    solver.passModel(model)
    solver.run()
    seconds = time.perf_counter() - began
    info = solver.getInfo()
    most = int(oracle(size).deliver(()).amount)
    found = most - round(info.objective_function_value) if info.primal_solution_status else 0
    return found, most - int(np.ceil(info.mip_dual_bound - 1e-6)), seconds


def pairs(network: FlowOracle) -> tuple[int, float]:
    """Return the loss of the worst pair by trying all, and the seconds it took."""
    began = time.perf_counter()
    everything = np.arange(network.count)
    alone, most = network.singles((), everything), 0
    for first in range(network.count - 1):
        most = max(most, int(alone[first] + network.singles((first,), everything[first + 1 :]).max()))
    return most, time.perf_counter() - began


def wide() -> None:
    for name, layers in (
        ("mines and factories", (MINE, FACTORY)), ("straits", STRAITS), ("refineries", (REFINERY,)),
        ("all sites", tuple(range(FACTORY + 1))),
    ):  # fmt: skip
        network = oracle("S", layers=layers)
        say(f"S, {network.count} {name}")
        for k in (*COUNTS, 10):
            found, seconds = solve(network, k)
            say(f"  k = {k}", seconds, "", told(found))


def seeds() -> None:
    say("S, ports and refineries, ten networks")
    for k in (*COUNTS, 10):
        taken = []
        for seed in range(10):
            found, seconds = solve(oracle("S", seed=seed), k, _LARGE_LIMIT)
            taken.append((seconds, seed, told(found)))
        taken.sort()
        say(f"  k = {k}, middle", taken[len(taken) // 2][0])
        say(f"  k = {k}, slowest (seed {taken[-1][1]})", taken[-1][0], "", taken[-1][2])


def defence() -> None:
    for name, layers in (("ports and refineries", None), ("sites of all kinds", tuple(range(FACTORY + 1)))):
        network = oracle("S", layers=layers)
        say(f"S, {network.count} {name}: protect k, lose j")
        for k, j in ((1, 1), (1, 2), (2, 2), (3, 2), (3, 3)):
            began = time.perf_counter()
            found = protect(network, k, j, time_limit=_LARGE_LIMIT)
            words = f"{found.before.loss:,} becomes {found.loss:,}, "
            words += "proved" if found.proved else f"bound {found.bound:,}, NOT proved"
            say(f"  k = {k}, j = {j}", time.perf_counter() - began, "", words)


def large() -> None:
    for size in ("S2", "M"):
        network = oracle(size, layers=tuple(range(FACTORY + 1)))
        say(f"{size}, all {network.count} sites, at most {_LARGE_LIMIT:.0f} s")
        for k in COUNTS:
            found, seconds = solve(network, k, _LARGE_LIMIT)
            say(f"  k = {k}", seconds, "", told(found))


def hard() -> None:
    network = oracle("S2")
    say(f"S2, {network.count} ports and refineries")
    for k in (1, 2):
        found, seconds = solve(network, k)
        say(f"  k = {k}", seconds, "", told(found))
    loss, other = pairs(network)
    assert loss == found.loss
    say("    all pairs", other, f"{other / seconds:.1f}x", f"loss {loss:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    asked = parser.parse_args().parts or PARTS[:-1]
    worst(oracle("S"), 2)  # compiles
    for part in asked:
        {"peer": peer, "wide": wide, "seeds": seeds, "defend": defence, "large": large, "hard": hard}[part]()
