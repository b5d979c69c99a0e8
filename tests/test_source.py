"""Promises about the source itself: nothing in it can run code that came with data, and nothing looks elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([ROOT / "app.py", *(ROOT / "mmrag").rglob("*.py"), *(ROOT / "training").rglob("*.py")])
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {("torch", "load"), ("yaml", "load"), ("os", "system"), ("pickle", "loads"), ("pickle", "load")}
MODULES = {"pickle", "joblib", "dill", "marshal", "shelve", "cloudpickle"}
TRUE_IS_FORBIDDEN = {"trust_remote_code", "allow_pickle", "shell"}


def faults(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield f"line {node.lineno}: {name}()"
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in ATTRIBUTES:
                yield f"line {node.lineno}: {owner}.{name}"
            case ast.Import(names=names) if {one.name.split(".")[0] for one in names} & MODULES:
                yield f"line {node.lineno}: import of a pickling module"
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                yield f"line {node.lineno}: import from {module}"
            case ast.keyword(arg=str(name), value=ast.Constant(value=True)) if name in TRUE_IS_FORBIDDEN:
                yield f"line {node.value.lineno}: {name}=True"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_can_run_code_that_came_with_data(path: Path) -> None:
    assert list(faults(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "np.load(f, allow_pickle=True)",
        "load(x, trust_remote_code=True)",
        "run('x', shell=True)",
    ],
)
def test_the_scan_finds_what_it_looks_for(source: str) -> None:
    assert list(faults(source))


def test_floors_keep_out_versions_with_known_holes() -> None:
    wanted = dict(re.findall(r"^([\w-]+)>=([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))

    def version(name: str) -> tuple[int, ...]:
        return tuple(map(int, wanted[name].split(".")))

    assert version("gradio") >= (6, 20)
    assert version("pillow") >= (12, 3)
