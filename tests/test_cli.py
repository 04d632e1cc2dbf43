"""The command line answers bad calls with one message and an exit code, never a traceback."""

import json
import os
import subprocess
import sys

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
