"""What a run tells, and how it is read: live, after a stop, and when the files are not as they should be."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrag.errors import UnknownId
from mmrag.runs import read_run, run_names
from training.chronicle import SHOWN, Chronicle

PROMPT = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Is it red?"}]}]
SAID = [{"role": "assistant", "content": "Yes."}]


def told(folder: Path, steps: int = 3, resumed: int | None = None) -> Chronicle:
    chronicle = Chronicle(folder / "stage1").begin({"stage": {"out": "x"}}, resumed)
    for step in range((resumed or 0) + 1, steps + 1):
        chronicle.tell(step, {"loss": 1 / step, "entropy": math.nan, "name": "text"})
        chronicle.show(step, [PROMPT] * 20, [SAID] * 20, {"verdict": [1.0] * 20, "answer": [None] * 20}, [0.5] * 20)
    return chronicle


def test_what_a_run_tells_is_read_back(tmp_path: Path) -> None:
    told(tmp_path)
    run = read_run({"": tmp_path}, "stage1")
    assert run.settings == {"stage": {"out": "x"}}
    assert run.series("loss") == ((1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3)))
    assert run.series("entropy") == run.series("name") == ()
    assert len(run.samples) == 3 * SHOWN
    first = run.samples[0]
    assert (first.prompt, first.completion) == ("[picture]Is it red?", "Yes.")
    assert (first.components, first.advantage) == ({"verdict": 1.0}, 0.5)


def test_a_resumed_run_forgets_what_it_will_tell_again(tmp_path: Path) -> None:
    told(tmp_path, 5)
    with (tmp_path / "stage1" / "figures.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # killed while it wrote
    told(tmp_path, 4, resumed=2)
    assert [one.step for one in read_run({"": tmp_path}, "stage1").told] == [1, 2, 3, 4]
    told(tmp_path, 1)
    assert read_run({"": tmp_path}, "stage1").steps == 1, "and one begun anew forgets all"


@given(st.text(max_size=80))
def test_lines_that_are_not_ours_are_left_out(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    folder = tmp_path_factory.mktemp("runs")
    told(folder, 1)
    with (folder / "stage1" / "figures.jsonl").open("a", encoding="utf-8", errors="replace") as file:
        file.write(f"{line}\n" + json.dumps({"step": 2, "loss": 0.5}) + "\n")
    assert read_run({"": folder}, "stage1").series("loss")[-1] == (2, 0.5)


def test_a_run_half_begun_is_empty_and_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert run_names({"": tmp_path}) == ()
    (tmp_path / "new" / "run.json").write_text('{"stage"')
    run = read_run({"": tmp_path}, "new")
    assert (run.settings, run.steps, run.samples) == ({}, 0, ())
    for name in ("other", "../new", str(tmp_path)):
        with pytest.raises(UnknownId, match="there is no run"):
            read_run({"": tmp_path}, name)


def test_the_run_last_told_of_comes_first(tmp_path: Path) -> None:
    for name in ("old", "new"):
        Chronicle(tmp_path / name).begin({}, None).tell(1, {})
    os.utime(tmp_path / "old" / "figures.jsonl", (1, 1))
    os.utime(tmp_path / "old" / "run.json", (1, 1))
    assert run_names({"": tmp_path}) == ("new", "old")
    assert run_names({"": tmp_path / "none"}) == ()


def test_every_shelf_has_its_prefix_and_the_first_shelf_comes_first(tmp_path: Path) -> None:
    for name in ("shipped/stage1", "own/stage1", "own/stage2"):
        Chronicle(tmp_path / name).begin({"of": name}, None).tell(1, {})
    (tmp_path / "shipped" / "policy").mkdir()
    shelves = {"": tmp_path / "own", "shipped ": tmp_path / "shipped"}
    assert sorted(run_names(shelves)[:2]) == ["stage1", "stage2"]
    assert run_names(shelves)[2:] == ("shipped stage1",)
    assert read_run(shelves, "shipped stage1").settings == {"of": "shipped/stage1"}
    assert read_run(shelves, "stage1").settings == {"of": "own/stage1"}


def test_the_record_of_a_run_is_put_beside_what_it_made(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path / "runs" / "stage1").begin({"seed": 1}, None)
    chronicle.tell(1, {"loss": 0.5})
    chronicle.show(1, ["asked"], ["said"], {"judged_verdict": [1.0]}, [0.5])
    (tmp_path / "models" / "stage1").mkdir(parents=True)
    chronicle.copy(tmp_path / "models" / "stage1")
    kept, made = (read_run({"": tmp_path / where}, "stage1") for where in ("models", "runs"))
    assert kept == made
    assert kept.samples
