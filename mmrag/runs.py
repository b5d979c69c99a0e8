"""Training runs as a person looks into them: read from the folders that runs write, also while they go on.

A run is a folder with `run.json`, `figures.jsonl` and `samples.jsonl` (written by `training/chronicle.py`). Runs lie on
shelves: the folder where new ones are written, and that of the shipped adapters, each with its run. Files are read as
untrusted: what is no line of JSON of the right form is left out, sizes are capped, and names are folder names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mmrag.errors import UnknownId

Line = TypeVar("Line", bound=BaseModel)
Shelves = Mapping[str, Path]  # folders of runs; the key stands before the names of its runs
MOST_BYTES = 64_000_000  # of one file


class Told(BaseModel):
    """One line of `figures.jsonl`: a step and its figures."""

    model_config = ConfigDict(extra="allow", frozen=True)
    step: int

    @property
    def figures(self) -> Mapping[str, float]:
        """By name."""
        extra = self.__pydantic_extra__ or {}
        return {name: float(value) for name, value in extra.items() if isinstance(value, int | float)}


class Sample(BaseModel):
    """One completion of a step and what each component gave it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    step: int
    prompt: str
    completion: str
    components: Mapping[str, float]
    advantage: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder, read now."""

    name: str
    settings: Mapping[str, Any]
    told: tuple[Told, ...]
    samples: tuple[Sample, ...]

    @property
    def steps(self) -> int:
        """The last step that was told of."""
        return max((one.step for one in self.told), default=0)

    def series(self, name: str) -> tuple[tuple[int, float], ...]:
        """A figure over the steps, where it was told."""
        return tuple((one.step, one.figures[name]) for one in self.told if name in one.figures)


def run_names(shelves: Shelves) -> tuple[str, ...]:
    """The runs of every shelf, each with its shelf's prefix; on a shelf the one that was last told of first."""
    return tuple(_places(shelves))


def read_run(shelves: Shelves, name: str) -> Run:
    """The run of that name.

    Raises:
        UnknownId: there is none.
    """
    run = _place(shelves, name)
    return Run(
        name, _settings(run), tuple(_lines(run / "figures.jsonl", Told)), tuple(_lines(run / "samples.jsonl", Sample))
    )


def stamp(shelves: Shelves, name: str) -> tuple[str, tuple[int, ...]]:
    """What changes when a run tells more: cheap to look at, where reading it is not.

    Raises:
        UnknownId: there is no such run.
    """
    run = _place(shelves, name)
    files = (run / part for part in ("figures.jsonl", "samples.jsonl"))
    return name, tuple(file.stat().st_size if file.is_file() else 0 for file in files)


def _places(shelves: Shelves) -> dict[str, Path]:
    places: dict[str, Path] = {}
    for prefix, folder in shelves.items():
        inside = folder.iterdir() if folder.is_dir() else ()
        found = [one for one in inside if (one / "run.json").is_file() and not one.is_symlink()]
        places |= {prefix + one.name: one for one in sorted(found, key=_touched, reverse=True)}
    return places


def _place(shelves: Shelves, name: str) -> Path:
    if (place := _places(shelves).get(name)) is None:
        raise UnknownId(f"there is no run {name[:80]!r}: choose one that the page offers")
    return place


def _touched(run: Path) -> float:
    return max((run / name).stat().st_mtime for name in ("run.json", "figures.jsonl") if (run / name).is_file())


def _settings(run: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(run / "run.json"))
    except json.JSONDecodeError:  # being written
        return {}
    return found if isinstance(found, dict) else {}


def _lines(path: Path, form: type[Line]) -> Iterator[Line]:
    for line in _text(path).split("\n"):
        try:
            yield form.model_validate_json(line)
        except ValidationError:  # half-written, or not ours
            continue


def _text(path: Path) -> str:
    if not path.is_file() or path.is_symlink() or path.stat().st_size > MOST_BYTES:
        return ""
    return path.read_text("utf-8", errors="replace")
