"""The command line answers bad calls with one message and an exit code, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import supplygraph as sg


def run(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-c", "from supplygraph.cli import main; main()", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "cobalt"
    sg.write(sg.load("cobalt"), path)
    return path


def edit(folder, tmp_path, table, change):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    lines = (copy / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    (copy / f"{table}.csv").write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["info", "cobolt"], 2, "Did you mean 'cobalt'?"),
        (["atlas", "cobolt", "--out", "x"], 2, "Did you mean 'cobalt'?"),
        (["concentration", "cobalt", "--stage", "refinning"], 2, "Did you mean 'refining'?"),
        (["concentration", "cobalt", "--by", "planet"], 2, "planet"),
        (["exposure", "cobalt", "--show", "direkt"], 2, "expected one of"),
        (["exposure", "cobalt", "--explain", "JPN", "CHM"], 2, "Did you mean 'CHN'?"),
        (["centrality", "cobalt", "--draws", "-1"], 2, "--draws"),
        (["evidence", "cobolt"], 2, "Did you mean 'cobalt'?"),
        (["chokepoints", "cobalt", "--demand", "kokola"], 2, "unknown factory or country in demand"),
        (["chokepoints", "cobalt", "--lens", "depth"], 2, "depth"),
        (["chokepoints", "germanium", "--lens", "capacity", "--explain", "zone"], 2, "unknown item"),
        (["interdict", "germanium", "--exclude", "kokola"], 2, "unknown item to exclude"),
        (["interdict", "germanium", "-k", "0"], 2, "-k"),
        (["defend", "germanium", "--kind", "mint"], 2, "mint"),
        (["reroute", "cobalt"], 2, "name what fails"),
        (["reroute", "cobalt", "--stage", "refining"], 2, "--ban or --country"),
        (["reroute", "cobalt", "--country", "China"], 1, "alpha-3"),
        (["reroute", "cobalt", "--ban", "CHN", "--stage", "magnet"], 2, "refining"),
        (["reroute", "cobalt", "--scenario", "strait-malaca"], 2, "Did you mean 'strait-malacca'?"),
        (["reroute", "cobalt", "--scenario", "china-rare-earths-tax-2006"], 1, "a tax raises what exports cost"),
        (["reroute", "cobalt", "--node", "kokola"], 2, "Did you mean 'kokkola'?"),
        (["reroute", "cobalt", "--node", "kokkola", "--require", "friends"], 2, "linked"),
        (["reroute", "cobalt", "--node", "kokkola", "--prefer", "-5"], 2, "prefer"),
        (["reroute", "cobalt", "--node", "kokkola", "--cap", "usa"], 2, "eu"),
        (["reroute", "cobalt", "--node", "kokkola", "--cap", "1.5"], 2, "share from 0 to 1"),
        (["reroute", "cobalt", "--node", "kokkola", "--cap", "nan"], 2, "share from 0 to 1"),
        (["reroute", "cobalt", "--node", "kokkola", "--cap", "eu", "--cap-outside", "0.5"], 2, "0.65"),
        (["reroute", "cobalt", "--node", "kokkola", "--cap-outside", "2"], 2, "cap-outside"),
        (["reroute", "cobalt", "--node", "kokkola", "--by", "flag"], 2, "territory"),
        (["reroute", "cobalt", "--node", "kokkola", "--rationing", "fair"], 2, "proportional"),
        (["reroute", "cobalt", "--node", "kokkola", "--objective", "profit"], 2, "least_change"),
        (["reroute", "cobalt", "--node", "kokkola", "--as-of", "July"], 1, "July"),
        (["reroute", "cobalt", "--node", "kokkola", "--priority", "JPM"], 2, "JPN"),
        (["reroute", "cobalt", "--node", "kokkola", "--must-serve", "JPN"], 2, "JPN=0.5"),
        (["reroute", "cobalt", "--node", "kokkola", "--must-serve", "JPN=2"], 1, "share from 0 to 1"),
        (["reroute", "cobalt", "--country", "CHN", "--must-serve", "CHN=1"], 1, "cut"),
        (["reroute", "cobalt", "--node", "kokkola", "--show", "rationings"], 2, "--rationing all"),
        (["frontier", "cobalt", "--share", "65"], 1, "share from 0 to 1"),
        (["frontier", "cobalt", "--tier", "friends"], 2, "linked"),
        (["frontier", "cobalt", "--plot", "x.doc"], 2, ".png"),
        (["concentration", "cobalt", "--plot", "x.gif"], 2, ".png"),
        (["alternatives", "cobalt", "--to", "lg-chem-cheongjoo"], 2, "Did you mean 'lg-chem-cheongju'?"),
        (["alternatives", "cobalt", "--from", "COD", "--to", "lg-chem-cheongju", "--avoid", "KOR"], 1, "no route"),
        (["alternatives", "cobalt", "--to", "JPN", "--differ", "colour"], 2, "country"),
        (["scenarios", "--mineral", "cobolt"], 2, "Did you mean 'cobalt'?"),
        (["scenarios", "--as-of", "2026-13-01"], 1, "2026-13-01"),
        (["scenarios", "--country", "China"], 1, "alpha-3"),
        (["reroute", "cobalt", "--country", "CHN", "--keep", "-1"], 2, "keep"),
        (["reroute", "cobalt", "--passage", "malaca"], 2, "malacca"),
        (["check", "nowhere"], 1, "nowhere"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_bad_calls(args, code, words, tmp_path):
    done = run(*args, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert words in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_missing_column_and_node_off_the_map(folder, tmp_path):
    copy = edit(folder, tmp_path, "nodes", lambda lines: [lines[0].replace(",lat,", ",latitude,"), *lines[1:]])
    done = run("info", copy)
    assert done.returncode == 1
    assert "`lat`" in done.stderr
    assert "Traceback" not in done.stderr


def test_unwritable_folder(tmp_path):
    target = tmp_path / "file"
    target.write_text("not a folder")
    done = run("atlas", "gallium", "--out", target / "atlas")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(target) in done.stderr
    assert target.read_text() == "not a folder"


def test_atlas_never_replaces_a_folder_that_is_not_an_atlas(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = run("atlas", "gallium", "--out", tmp_path / "mine")
    assert done.returncode == 1
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_tables_are_for_machines_when_asked(tmp_path):
    done = run("concentration", "cobalt", "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert rows[0]["country"] == "CHN"
    assert done.returncode == 0


def test_scenarios_are_listed_and_run(tmp_path):
    listed = run("scenarios", "--mineral", "cobalt", "--as-of", "2026-07-01", "--json")
    rows = json.loads(listed.stdout)
    assert [(row["scenario"], row["in_force"], row["limit_t"]) for row in rows] == [
        ("drc-cobalt-quota-2025", True, 96600.0)]
    everything = run("scenarios", "--csv").stdout.splitlines()
    assert len(everything) == 1 + len(sg.scenarios())
    done = run("reroute", "cobalt", "--scenario", rows[0]["scenario"], "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = sg.reroute(sg.load("cobalt"), sg.scenarios()["drc-cobalt-quota-2025"].shock, alignment=sg.forge())
    assert sum(row["unmet_t"] for row in json.loads(done.stdout)) == pytest.approx(plan.unmet_t, rel=1e-6)
    assert "Read with care" in done.stderr
    assert plan.explain() in done.stderr
    halved = run("reroute", "cobalt", "--scenario", "drc-cobalt-ban-2025", "--keep", "0.5", "--show", "cut")
    assert "exports of cobalt-mined and cobalt-refined at 50 % of today" in halved.stderr


def test_every_rule_reaches_the_answer(tmp_path):
    words = "--ban CHN --stage refining --keep 0.5 --zone core --require linked --prefer 100 --cap 0.65 --by owner"
    more = "--cap-outside 0.8 --rationing home_first --objective least_cost --priority JPN --no-memoranda"
    words = f"{words} {more} --rule-stage refining --csv"
    done = run("reroute", "cobalt", *words.split(), "--html", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    plan = sg.reroute(
        sg.load("cobalt"), sg.Shock.ban("CHN", stage="refining", keep=0.5), alignment=sg.forge(non_binding=False),
        zone="core", require="linked", prefer=100.0, cap={"country": 0.65, "outside": 0.8}, by="owner",
        rationing="home_first", objective="least_cost", priority=["JPN"],
    )
    assert plan.explain() in done.stderr
    assert done.stdout == plan.unmet.to_csv(lineterminator="\n")
    assert (tmp_path / "page.html").stat().st_size > 100_000


def test_all_rationings_side_by_side(tmp_path):
    done = run("reroute", "cobalt", "--node", "kokkola", "--rationing", "all", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    unmet = [[row[f"{how}_t"] for row in rows] for how in ("proportional", "home_first", "zone_first")]
    assert [sum(each) for each in unmet] == pytest.approx([sum(unmet[0])] * 3, rel=1e-6)  # who, not how much
    assert unmet[0] != pytest.approx(unmet[1], rel=1e-3)
    assert unmet[0] != pytest.approx(unmet[2], rel=1e-3)


def test_the_frontier_and_its_chart(tmp_path):
    args = "frontier cobalt --node kokkola --share 0 --share 1 --json --plot chart.svg"
    done = run(*args.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["aligned_share"] for row in json.loads(done.stdout)] == [0.0, 1.0]
    assert "<svg" in (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert run("frontier", "cobalt", "--share", "0", "--csv").stdout.count("\n") == 2  # nothing need break


@pytest.mark.parametrize(
    "args",
    [
        "concentration gallium --draws 5",
        "centrality gallium",
        "exposure gallium",
        "chokepoints gallium --by country --lens capacity",
        "reroute gallium --node dowa-akita",
    ],
)
def test_answers_are_drawn(args, tmp_path):
    done = run(*args.split(), "--json", "--plot", "chart.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert "Open chart.png" in done.stderr


def test_alternatives_of_one_factory(tmp_path):
    args = "alternatives cobalt --from COD --to lg-chem-cheongju -k 2 --avoid malacca --html routes.html --json"
    done = run(*args.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["rank"] for row in rows] == [1, 2]
    assert not any("Malacca" in row["route"] for row in rows)
    assert (tmp_path / "routes.html").stat().st_size > 100_000


def test_chokepoints_on_top_of_a_scenario(tmp_path):
    done = run("chokepoints", "germanium", "--by", "country", "--country", "CHN", "--stage", "refining", "--demand",
               "DEU", "--explain", "BEL", "--html", tmp_path / "points.html", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {"country", "loss_t", "loss_short_t", "dominates", "method"} <= set(rows[0])
    assert "Belgium fails" in done.stderr
    assert (tmp_path / "points.html").stat().st_size > 100_000


def test_worst_sets_and_what_to_protect(tmp_path):
    done = run("interdict", "germanium", "-k", 2, "--by", "country", "--exclude", "DEU", "--country", "USA", "--json",
               "--html", tmp_path / "worst.html")
    assert done.returncode == 0, done.stderr
    assert "proved" in done.stderr
    rows = json.loads(done.stdout)
    assert {"loss_alone_t", "loss_without_it_t", "country"} <= set(rows[0])
    assert "DEU" not in {row["country"] for row in rows}
    assert (tmp_path / "worst.html").stat().st_size > 100_000
    done = run("defend", "germanium", "-k", 1, "-j", 1, "--kind", "refinery", "--csv")
    assert done.returncode == 0, done.stderr
    assert "best defence" in done.stderr
    assert done.stdout.startswith("node,name,kind,country,loss_alone_t")


def test_round_trip(folder, tmp_path):
    done = run("convert", folder, tmp_path / "again.gpkg")
    assert done.returncode == 0, done.stderr
    assert sg.read(tmp_path / "again.gpkg") == sg.load("cobalt")


def test_node_off_the_map(folder, tmp_path):
    copy = edit(folder, tmp_path, "nodes", lambda lines: [lines[0], *(_off(line) for line in lines[1:2]), *lines[2:]])
    done = run("chokepoints", copy)
    assert done.returncode == 1
    assert "column `lon`" in done.stderr
    assert "expected a number from -180 to 180" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def _off(line):
    """Put a node at longitude 400."""
    import csv
    import io

    cells = next(csv.reader([line]))
    cells[4] = "400"
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, 0.02, 0.15, 3.0])  # while workers start, import, and work
def test_interrupting_the_atlas_leaves_nothing(tmp_path, wait):
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from supplygraph.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "atlas", "cobalt", "copper", "--out", "atlas"]
    job = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True, text=True)
    deadline = time.monotonic() + 120
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [path.name.startswith(".atlas-") for path in tmp_path.iterdir()] == [True]
    time.sleep(wait)
    os.killpg(job.pid, signal.SIGINT)
    told = job.communicate(timeout=60)[1]
    assert job.returncode == 130
    assert "Interrupted; nothing was left half-written." in told
    assert "Traceback" not in told
    assert "resource_tracker" not in told
    assert list(tmp_path.iterdir()) == []


def test_who_refines_with_intervals():
    done = run("concentration", "cobalt", "--draws", 20, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert rows[0]["country"] == "CHN"
    assert rows[0]["share_low"] < rows[0]["share"] < rows[0]["share_high"]
    assert "20 draws" in done.stderr
    tiers = json.loads(run("concentration", "cobalt", "--by", "bloc", "--json").stdout)
    assert {row["bloc"] for row in tiers} <= {"core", "linked", "engaged", "unaligned", "rival"}
    done = run("centrality", "nickel", "--top", 3, "--csv")
    assert done.stdout.splitlines()[1].startswith("imip-morowali,")
    assert "CHN 100%" in done.stdout


def test_what_stands_behind_a_country():
    done = run("exposure", "magnet_rare_earths", "--stage", "separation", "--explain", "JPN", "CHN", "--json")
    rows = {row["country"]: row for row in json.loads(done.stdout)}
    told = sg.exposure(sg.load("magnet_rare_earths"), stage="separation", rows="country")
    assert rows["JPN"]["CHN"] == pytest.approx(told.table.loc["JPN", "CHN"])
    assert done.stderr.startswith("Japan: ")
    lines = json.loads(run("exposure", "cobalt", "--show", "side_by_side", "--json").stdout)
    assert {"row", "column", "direct", "traced", "bound_low", "bound_high"} <= set(lines[0])


def test_evidence_as_a_table_and_as_a_page(tmp_path):
    page = tmp_path / "evidence.html"
    done = run("evidence", "gallium", "--draws", 10, "--json", "--html", page)
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert {row["verdict"] for row in rows} <= {"agrees", "disagrees", "not ours to say"}
    assert all(row["source"] and row["year"] for row in rows)
    assert "gallium: 19 published figures compared" in done.stderr
    assert "Content-Security-Policy" in page.read_text(encoding="utf-8")
