"""The gallery: notebooks run, their pages hold what they show and nothing of this machine; failures are loud."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from supplygraph import gallery
from supplygraph.errors import MissingDependencyError, SupplyGraphError
from supplygraph.maps import gallery_page, notebook_text, page
from supplygraph.maps.page import html

ROOT = Path(__file__).parent.parent
MAP = page.document(title="Toy", body=html.p("drawn"), style="p{}", scripts=["document.title = 'ran';"])


def book(folder, *cells, name="01-toy"):
    words = new_markdown_cell("# A toy\n\nIt shows *much*.\n\n<b>bold</b>")
    made = new_notebook(cells=[words, *map(new_code_cell, cells)])
    path = folder / f"{name}.ipynb"
    nbformat.write(made, path)
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run a notebook that shows one of everything."""
    folder = tmp_path_factory.mktemp("gallery")
    frame = f'<iframe title="Toy map" srcdoc="{page.escape(MAP)}"></iframe>'
    loose = f'<iframe srcdoc="{page.escape(MAP.replace("sha256", "sha384"))}"></iframe>'
    table = "<style>td{}</style><table onclick='x()'><tr><th>a</th><td colspan='2'>1 &lt; 2</td></tr></table>"
    svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><rect width='9' height='9'/></svg>"
    show = "from IPython.display import HTML, SVG, Image, display\n"
    path = book(
        folder,
        "import os, sys\nprint('out', os.getcwd(), sys.prefix + '/lib/x.py', os.path.expanduser('~') + '/me')\n"
        "print('noise', file=sys.stderr)\nsys.argv, os.environ['PYTHONHASHSEED']",
        f"{show}display(HTML({table!r}))\ndisplay(HTML({frame!r}))\nHTML({loose!r})",
        f"{show}display(SVG({svg!r}))\nopen('left.txt', 'w').write('x')",
        "import supplygraph\n1 + 1",
    )
    told = gallery.run(path, folder)
    target = folder / "01-toy.html"
    target.write_text(gallery_page.notebook(told, version="1"), encoding="utf-8")
    return folder, told, target


def test_what_a_notebook_shows_is_told(ran):
    folder, told, _ = ran
    code = [cell for cell in told["cells"] if cell["kind"] == "code"]
    assert [output["kind"] for cell in code for output in cell["outputs"]] == [
        "text", "text", "html", "map", "text", "picture", "text", "text",
    ]  # fmt: skip
    assert "noise" not in json.dumps([cell["outputs"] for cell in code])
    assert code[1]["outputs"][1] == {"kind": "map", "href": "01-toy-map-1.html", "title": "Toy map"}
    assert (folder / "01-toy-map-1.html").read_text(encoding="utf-8") == MAP
    assert "left out" in code[1]["outputs"][2]["text"]
    assert code[3]["outputs"] == [{"kind": "text", "text": "2"}]
    assert not list(folder.glob("left*"))
    assert gallery_page.summary(told) == {"name": "01-toy", "title": "A toy", "text": "It shows much."}


def test_paths_of_this_machine_are_not(ran):
    _, told, target = ran
    text = json.dumps(told) + target.read_text(encoding="utf-8")
    for place in (sys.prefix, str(Path.home()), tempfile.gettempdir(), str(ROOT)):
        assert place + "/" not in text
    assert "…/x.py …/me" in told["cells"][1]["outputs"][0]["text"]


def test_the_page_is_inert_and_shows_it_all(ran, opened):
    _, _, target = ran
    with opened(target) as (shown, seen):
        assert shown.inner_text("h1") == "A toy"
        assert shown.locator(".says").first.inner_text().endswith("<b>bold</b>")
        assert shown.locator(".shows td").inner_text() == "1 < 2"
        assert shown.locator(".shows td").get_attribute("colspan") == "2"
        assert shown.locator("img").evaluate("e => e.complete && e.naturalWidth > 0")
        assert shown.locator(".code .k").first.inner_text() == "import"
        assert seen.nothing, seen
        shown.get_by_role("link", name="Open the map: Toy map").click()
        assert shown.inner_text("p") == "drawn"
        assert shown.title() == "ran"
        assert seen.nothing, seen


def test_a_failing_cell_is_named(tmp_path):
    path = book(tmp_path, "1", "half = 1 / 0")
    with pytest.raises(SupplyGraphError, match=r"notebook 01-toy, cell 3 \('half = 1 / 0'\), fails: ZeroDivisionError"):
        gallery.run(path, tmp_path)


def test_a_notebook_has_a_limit(tmp_path):
    with pytest.raises(SupplyGraphError, match=r"cell 2 .* takes too long: the limit is 2 s"):
        gallery.run(book(tmp_path, "import time\ntime.sleep(600)"), tmp_path, seconds=2)


def test_without_its_modules_a_gallery_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "NEEDS", ("nbclient", "no_such_module"))
    assert gallery.lacking() == ["no_such_module"]
    with pytest.raises(MissingDependencyError, match=r"pip install 'supplygraph\[gallery\]'"):
        gallery.run(book(tmp_path, "1"), tmp_path)


def alive(process):
    """Say whether a process runs; one that has ended and waits to be counted does not."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_kernel_ends_with_the_process_that_started_it(tmp_path):
    told = str(tmp_path / "pid")
    path = book(tmp_path, f"import os, time\nopen({told!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    code = f"from pathlib import Path; from supplygraph import gallery; gallery.run(Path({str(path)!r}), Path('.'))"
    job = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    kernel = int((tmp_path / "pid").read_text())
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=30) == 128 + signal.SIGTERM
    deadline = time.monotonic() + 5
    while alive(kernel) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(kernel)


def test_a_page_counts_as_ours_only_by_its_policy():
    assert gallery.strict(MAP)
    assert not gallery.strict(MAP.replace("default-src 'none'", "default-src *"))
    assert not gallery.strict(MAP.replace("</head>", "<script>alert(1)</script></head>"))
    assert not gallery.strict("<p>x</p>" + MAP)
    assert not gallery.strict("<!DOCTYPE html><html><head></head></html>")


ODD = ("<table><tr><td>a<tr><td>b", "</p></table>a", "<b><i>a</b>b</i>", "<p" * 99, "<div>" * 99 + "a", "<script>a",
       "<!-- a", "&#0;&#xD800;a", "<td><td><td>a")  # fmt: skip


@pytest.mark.parametrize("markup", ODD)
def test_html_of_any_quality_becomes_elements(markup):
    made = str(html.div(notebook_text.tree(markup)))
    assert "<script" not in made
    assert made.count("<td>") == made.count("</td>")
    assert re.fullmatch(r"(<(/?)[a-z]+( [a-z-]+=\"[^\"<]*\")*>|[^<])*", made)


def test_notebooks_are_committed_without_outputs_and_are_all_in_the_wheel():
    found = gallery.notebooks()
    assert [path.name for path in found] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert len(found) >= 4
    for path in found:
        text = path.read_text(encoding="utf-8")
        code = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code), path.name
        assert not re.search(r"/(root|home|Users|tmp|work|usr|var)/|[A-Z]:\\\\", text), path.name
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    carried = build["wheel"]["force-include"]
    assert {f"notebooks/{path.name}" for path in found} == {name for name in carried if name.startswith("notebooks")}
    assert all(carried[f"notebooks/{path.name}"] == f"supplygraph/notebooks/{path.name}" for path in found)
