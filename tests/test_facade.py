"""Importing supplygraph is quick, quiet and lazy; the names promised are there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import supplygraph as sg

STUB = Path(sg.__file__).with_suffix(".pyi")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_import_brings_no_third_party_module():
    code = (
        "import sys; import importlib; before = set(sys.modules); import supplygraph;"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names) - {'supplygraph'}))"
    )
    assert run(code) == "[]"


def test_stub_and_facade_agree():
    tree = ast.parse(STUB.read_text())
    stubbed = {
        alias.asname: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    stubbed["map"] = stubbed.pop(None)  # the one name that differs from the one in its module
    assert stubbed == {name: f"supplygraph.{home}" for name, home in sg._HOME.items()}
    [listed] = [
        ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
    ]
    assert sorted(listed) == sorted(sg.__all__)


@pytest.mark.parametrize("name", sorted(sg.__all__))
def test_every_public_name_resolves(name):
    assert getattr(sg, name) is not None
    assert name in dir(sg)


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="no attribute 'chokepoint'"):
        _ = sg.chokepoint


@pytest.mark.parametrize("name", [n for n in sorted(sg.__all__) if n != "__version__"])
def test_every_public_name_is_documented(name):
    assert getattr(sg, name).__doc__
