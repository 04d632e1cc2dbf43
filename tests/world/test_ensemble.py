"""Draws of networks: balanced, reproducible, as wide as the confidence of what they rest on."""

import pickle
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from toys import chain, random_network

from supplygraph import facts
from supplygraph.errors import DataError, LimitError
from supplygraph.network.network import SupplyNetwork
from supplygraph.world import knowledge
from supplygraph.world.build import build_bundled
from supplygraph.world.calibration import calibrate, coverage
from supplygraph.world.datasets import load
from supplygraph.world.drawing import NOISE, NONE, Drawing
from supplygraph.world.ensemble import Ensemble, ensemble

TABLES = ("nodes", "owners", "processes", "edges", "shipments", "products", "countries", "references")


def imbalance(net):
    """The largest relative gap of any process between what is shipped and what its activity says."""
    table, sent = net.processes, net.shipments
    ends = (sent.groupby(end)["flow_t"].sum() for end in ("origin", "destination"))
    out, into = (tonnes.reindex(table.index).fillna(0.0) for tonnes in ends)
    recovery = table["recovery"].where(table["role"] == "transform", 1.0).fillna(1.0)
    made = table["activity_t"].fillna(0.0)
    gaps = [np.abs(out - made)[table["output"].notna()], np.abs(into * recovery - made)[table["input"].notna()]]
    return max(float((gap / made.reindex(gap.index).clip(lower=1e-300)).where(gap > 0, 0.0).max()) for gap in gaps)


def checked(net):
    """The network again, by the constructor that checks everything."""
    return SupplyNetwork(**{name: getattr(net, name) for name in TABLES}, meta=net.meta)


def total(net):
    return float(net.shipments["flow_t"].sum())


def activities(net):
    return net.processes["activity_t"].to_numpy()


@pytest.fixture(scope="module")
def cobalt():
    return load("cobalt")


@pytest.fixture(scope="module")
def drawn(cobalt):
    return np.stack(list(ensemble(cobalt, 200, 1, workers=1).each(activities)))


@pytest.mark.parametrize("mineral", ["antimony", "cobalt", "graphite", "nickel"])
def test_without_noise_the_central_network_comes_back(mineral):
    net = load(mineral)
    flow, activity = Drawing(net, NONE).numbers(0, 0)
    np.testing.assert_allclose(flow, net.shipments["flow_t"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(activity, net.processes["activity_t"], rtol=1e-9)


@pytest.mark.parametrize("minerals", ["cobalt", "copper", ["cobalt", "nickel"]])
def test_every_draw_balances_and_is_a_network(minerals):
    net = load(minerals)
    draws = ensemble(net, 4, 7)
    for number in range(4):
        one = draws.draw(number)
        assert imbalance(one) < 1e-9
        for name in TABLES:
            assert getattr(one, name).index.equals(getattr(net, name).index)
        assert (one.processes["capacity_t"] >= one.processes["activity_t"]).all()
        runs = net.processes["activity_t"] > 0
        spare, before = (x.processes["capacity_t"][runs] / x.processes["activity_t"][runs] for x in (one, net))
        np.testing.assert_allclose(spare, np.maximum(before, 1.0))  # it stays the same share
    assert checked(one) == one
    assert not np.allclose(one.shipments["flow_t"], net.shipments["flow_t"])


@pytest.mark.parametrize("seed", range(60))
def test_networks_with_awkward_parts(seed):
    net = random_network(seed)
    if not len(net.shipments):
        with pytest.raises(DataError, match="ships nothing"):
            ensemble(net, 2)
        return
    assert imbalance(net) < 1e-12
    central = Drawing(net, NONE).numbers(0, 0)
    np.testing.assert_allclose(central[0], net.shipments["flow_t"], rtol=1e-9)
    for number in range(3):
        one = ensemble(net, 3, seed).draw(number)
        assert imbalance(one) < 1e-9
        assert checked(one) == one
        idle = net.processes["activity_t"].fillna(0.0) == 0
        assert (one.processes.loc[idle, "activity_t"].fillna(0.0) == 0).all()
        load_t = one.shipments.set_index("route")["flow_t"].rename_axis("edge").reset_index().dropna()
        load_t["edge"] = load_t["edge"].str.split(";")
        load_t = load_t.explode("edge").groupby("edge")["flow_t"].sum()
        assert (load_t <= one.edges["capacity_t"].reindex(load_t.index) * (1 + 1e-9)).all()


def test_a_network_that_does_not_balance_keeps_its_gaps():
    part = load("cobalt").without(countries="FIN")
    flow, activity = Drawing(part, NONE).numbers(0, 0)
    np.testing.assert_allclose(flow, part.shipments["flow_t"], rtol=1e-9)
    np.testing.assert_allclose(activity, part.processes["activity_t"], rtol=1e-9)
    assert np.isfinite(ensemble(part, 1).draw(0).shipments["flow_t"]).all()


def test_a_draw_hangs_on_seed_and_number_alone(cobalt):
    long, short = ensemble(cobalt, 500, 3), ensemble(cobalt, 5, 3)
    assert long.draw(4) == short.draw(4)
    assert long.draw(4) != long.draw(3)
    assert long.draw(4) != ensemble(cobalt, 5, 4).draw(4)


def test_any_number_of_workers_gives_the_same(cobalt):
    here = list(ensemble(cobalt, 12, 5, workers=1).each(activities))
    there = list(ensemble(cobalt, 12, 5, workers=2).each(partial(activities)))
    for one, other in zip(here, there, strict=True):
        assert (one == other).all()
    nets = [list(ensemble(cobalt, 6, 5, workers=count).each(SupplyNetwork.__copy__)) for count in (1, 2)]
    flows = [[net.fingerprint for net in one] for one in nets]
    assert flows[0] == flows[1]
    assert len(set(flows[0])) == 6


def test_ending_early_ends_the_workers(cobalt):
    from multiprocessing import active_children

    before = active_children()
    told = ensemble(cobalt, 400, workers=2).each(SupplyNetwork.__copy__)
    next(told)
    assert len(active_children()) > len(before)
    told.close()
    assert [child for child in active_children() if child not in before] == []


def test_ending_while_a_worker_writes_a_long_answer_does_not_wait_for_its_rest():
    code = """
from functools import partial
import numpy as np
from supplygraph.world import workers
if __name__ == "__main__":
    for _ in range(3):
        told = workers.ask(workers.packed(partial(np.full, 3_000_000)), range(40), 2)
        next(told)
        told.close()
    print("ended")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "ended\n"
    assert done.stderr == ""


def test_an_error_in_a_worker_arrives(cobalt):
    told = ensemble(cobalt, 40, workers=2).each(partial(SupplyNetwork.select, country="ATL"))
    with pytest.raises(LookupError, match="ATL"):
        list(told)


def test_medians_are_near_the_central_values(cobalt, drawn):
    central = activities(cobalt)
    stock = (cobalt.processes["role"] == "stock").to_numpy()
    ratio = np.median(drawn, axis=0)[~stock] / central[~stock]
    assert np.abs(np.log(ratio)).max() < 0.25
    assert abs(np.log(np.median(ratio))) < 0.03


def test_sites_vary_by_their_confidence(cobalt, drawn):
    spread = np.log(drawn).std(axis=0)
    classes = knowledge.ranks(cobalt.processes["confidence"])
    stock = (cobalt.processes["role"] == "stock").to_numpy()
    for rank, sd in enumerate(NOISE.quantity[:3]):
        found = spread[(classes == rank) & ~stock]
        assert 0.6 * sd < found.mean() < 1.2 * sd


def test_totals_vary_as_their_statistics_do(cobalt, drawn):
    """Mined tonnes are of high confidence, 5 %; sites of 35 % in them do not matter. What else is known tightens."""
    drawing = Drawing(cobalt)
    totals = drawing.totals
    sums = np.stack([np.bincount(totals.group, weights=row[totals.member]) for row in drawn])
    spread = np.log(sums).std(axis=0)
    known = np.array(NOISE.quantity)[totals.rank]
    assert (spread < 1.25 * known).all()
    firm = totals.rank == 0
    assert firm.sum() >= 10
    assert np.median(spread[firm]) == pytest.approx(0.05, rel=0.25)
    np.testing.assert_allclose(np.median(sums, axis=0)[firm], totals.quantity[firm], rtol=0.03)


def test_customs_records_hold(cobalt):
    """A country pair with a record varies as the record does; the same pair without it far more."""
    bands = cobalt.meta["bands"]
    assert len(bands) > 5
    bare = SupplyNetwork(**{name: getattr(cobalt, name) for name in TABLES}, meta=cobalt.meta | {"bands": []})
    held = Drawing(cobalt)
    cells = [knowledge.between(held.pairs, row["product"], row["exporter"], row["importer"]) for row in bands]
    cells = [cell for cell in cells if len(cell)]

    def spread(drawing):
        rows = []
        for number in range(60):
            flow = np.bincount(drawing.pairs.of_shipment, weights=drawing.numbers(0, number)[0])
            rows.append([flow[cell].sum() for cell in cells])
        return np.log(np.array(rows)).std(axis=0)

    tight, loose = spread(held), spread(Drawing(bare))
    assert np.median(tight) < 0.3
    assert np.median(loose) > 2 * np.median(tight)


def test_reported_tonnages_are_tight():
    net = load("nickel")
    reported = (net.shipments["basis"] == "reported").to_numpy()
    drawing = Drawing(net)
    assert drawing.pairs.reported.sum() >= 1
    rows = [np.bincount(drawing.pairs.of_shipment, weights=drawing.numbers(2, k)[0]) for k in range(60)]
    spread = np.log(np.stack(rows)[:, drawing.pairs.reported]).std(axis=0)
    assert reported.any()
    assert spread.max() < 0.12


def test_each_source_of_doubt_matters_alone(cobalt):
    central = cobalt.shipments["flow_t"].to_numpy()
    pairs = Drawing(cobalt).pairs.of_shipment
    for change in ({"pair": 0.5}, {"block": 1.0}, {"diffuse": 0.3}, {"theta": (0.5, 2.0)}, {"operator": 0.7},
                   {"owner": 1.0}, {"quantity": NOISE.quantity}):  # fmt: skip
        flow, activity = Drawing(cobalt, replace(NONE, stock=1.0, **change)).numbers(0, 1)
        assert not np.allclose(flow, central, rtol=1e-3), change
        if "quantity" in change:
            assert not np.allclose(activity, activities(cobalt), rtol=1e-2)
    for change in ({"routes": 0.4}, {"port": 0.5}):  # ports: what a pair ships stays, how it goes does not
        flow, activity = Drawing(cobalt, replace(NONE, **change)).numbers(0, 1)
        assert not np.allclose(flow, central, rtol=1e-3), change
        np.testing.assert_allclose(np.bincount(pairs, weights=flow), np.bincount(pairs, weights=central))
        np.testing.assert_allclose(activity, activities(cobalt))


@pytest.mark.parametrize("mineral", ["cobalt", "copper"])
def test_bundled_bounds_are_those_of_the_draws(mineral):
    net = load(mineral)
    sent, made = net.shipments, net.processes
    for table, stem in ((sent, "flow"), (made, "activity")):
        low, value, high = (table[f"{stem}{end}_t"] for end in ("_low", "", "_high"))
        assert (low <= value).all()
        assert (value <= high).all()
        assert (low < high).mean() > 0.99
    again = ensemble(net, 200, workers=1).bounded()
    np.testing.assert_allclose(again.shipments["flow_low_t"], sent["flow_low_t"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(again.processes["activity_high_t"], made["activity_high_t"], rtol=1e-5)


def test_all_bundled_networks_have_bounds_and_know_their_sources():
    for mineral in sorted(folder.name for folder in (facts.folder() / "networks").iterdir() if folder.is_dir()):
        net = load(mineral)
        assert net.shipments[["flow_low_t", "flow_high_t"]].notna().all(axis=None)
        assert net.processes[["activity_low_t", "activity_high_t"]].notna().all(axis=None)
        known = pd.DataFrame(net.meta["statistics"] + net.meta["bands"])
        assert known["reference"].isin(net.references.index).all()
        assert set(known["confidence"].dropna()) <= set(knowledge.RANK)


@pytest.mark.long
def test_the_stored_calibration_comes_out_again():
    stored = facts.read("networks/calibration.csv")
    stored["covered"] = stored["covered"].astype("str").eq("True")
    found = calibrate(build_bundled("antimony"))
    mine = stored[stored["mineral"] == "antimony"].reset_index(drop=True)
    assert len(mine) == len(found) > 5
    pd.testing.assert_frame_equal(found, mine, check_dtype=False, rtol=1e-4)
    told = coverage(stored).set_index("product")
    assert told.loc["all", "figures"] == len(stored)
    text = (facts.folder() / "README.md").read_text(encoding="utf-8")
    for product, row in told.iterrows():
        assert f"| {product} | {int(row['figures'])} | {int(row['covered'])} |" in text


def test_coverage_counts():
    rows = [("a", 1.0, 1.0, 0.5, 2.0, True), ("a", 5.0, 2.0, 1.0, 4.0, False), ("b", 3.0, 0.0, 0.0, 0.0, False)]
    table = pd.DataFrame(rows, columns=["product", "known_t", "central_t", "low_t", "high_t", "covered"])
    told = coverage(table).set_index("product")
    assert told.loc["a", ["figures", "covered", "too_low", "no_flow"]].tolist() == [2, 1, 1, 0]
    assert told.loc["all", ["figures", "covered", "too_low", "no_flow"]].tolist() == [3, 1, 2, 1]
    assert told.loc["all", "by_tonnes"] == pytest.approx(1 / 9)


def test_what_is_no_ensemble_is_refused(cobalt):
    with pytest.raises(DataError) as caught:
        ensemble(cobalt, 0, -1, workers=0)
    assert len(caught.value.report) == 3
    with pytest.raises(DataError, match="whole number"):
        ensemble(cobalt, 2.5)
    with pytest.raises(DataError, match="whole number"):
        ensemble(cobalt, True)
    with pytest.raises(LimitError, match="more than"):
        ensemble(cobalt, 10**9)
    with pytest.raises(DataError, match="ships nothing"):
        ensemble(random_network(0, shipments=False), 5)
    with pytest.raises(LimitError, match="0 to 4"):
        ensemble(cobalt, 5).draw(5)


def test_it_says_what_it_has_and_travels(cobalt):
    draws = ensemble(cobalt, 20, 2)
    assert "Ensemble of 20 draws of cobalt" in repr(draws)
    again = pickle.loads(pickle.dumps(draws))  # noqa: S301 - our own
    assert isinstance(again, Ensemble)
    assert again.draw(1) == draws.draw(1)
    assert draws.draw(1).meta["draw"] == {"seed": 2, "number": 1}


def test_the_small_network_by_hand():
    """Every site is of known confidence; what leaves the mines is what arrives, whatever is drawn."""
    net = chain()
    for one in ensemble(net, 20, 0, workers=1).each(SupplyNetwork.__copy__):
        assert imbalance(one) < 1e-9
        made, used = (one.processes.query(f"role == '{role}'")["activity_t"].sum() for role in ("extract", "use"))
        assert made > 0
        assert used > 0
    assert total(one) > 0


def test_progress_is_shown_on_request(cobalt, capfd):
    list(ensemble(cobalt, 3, progress=True).each(total))
    assert "draws" in capfd.readouterr().err
    list(ensemble(cobalt, 3).each(total))
    assert capfd.readouterr().err == ""
