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
        (["reroute", "cobalt"], 2, "name what fails"),
        (["reroute", "cobalt", "--country", "China"], 1, "alpha-3"),
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
def test_interrupting_the_atlas_leaves_nothing(tmp_path):
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from supplygraph.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "atlas", "cobalt", "copper", "--out", "atlas"]
    job = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True, text=True)
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [path.name.startswith(".atlas-") for path in tmp_path.iterdir()] == [True]
    time.sleep(1)  # into the work, not only at its start
    os.killpg(job.pid, signal.SIGINT)
    told = job.communicate(timeout=120)[1]
    assert job.returncode == 130
    assert "Interrupted; nothing was left half-written." in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
