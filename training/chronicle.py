"""What a run tells while it goes on, for those who watch it: plain lines of JSON that a page reads as they come.

    run.json       what is trained, with which settings, and how many steps there will be
    figures.jsonl  one line for each step that is logged
    samples.jsonl  some completions of each of those steps, with what each component gave them

`mmrag.runs` reads them, and once more beside the adapter that the run has made.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SHOWN = 8  # completions kept of a step: one group
RUN, FIGURES, SAMPLES = "run.json", "figures.jsonl", "samples.jsonl"


class Chronicle:
    """The three files of one run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, about: Mapping[str, Any], resumed: int | None) -> Chronicle:
        """Begin anew, or after step `resumed`: what was told of later steps is forgotten, since they come again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _put(self.folder / RUN, json.dumps(dict(about), indent=1))
        for name in (FIGURES, SAMPLES):
            self._cut(self.folder / name, -1 if resumed is None else resumed)
        return self

    def tell(self, step: int, figures: Mapping[str, Any]) -> None:
        """The figures of a step; what is no finite number is left out."""
        numbers = {
            name: value
            for name, value in figures.items()
            if isinstance(value, int | float) and math.isfinite(float(value))
        }
        self._add(FIGURES, [{"step": step, **numbers}])

    def show(
        self,
        step: int,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        components: Mapping[str, Sequence[float | None]],
        advantages: Sequence[float],
    ) -> None:
        """The first completions of a step, as texts."""
        found = zip(prompts, completions, advantages, strict=True)
        self._add(
            SAMPLES,
            [
                {
                    "step": step,
                    "prompt": said(prompt),
                    "completion": said(completion),
                    "components": {
                        name: round(float(values[index]), 6)
                        for name, values in components.items()
                        if values[index] is not None and math.isfinite(float(values[index]))
                    },
                    "advantage": round(float(advantage), 6),
                }
                for index, (prompt, completion, advantage) in enumerate(found)
                if index < SHOWN
            ],
        )

    def copy(self, folder: Path) -> None:
        """Put the record beside what the run has made."""
        for name in (RUN, FIGURES, SAMPLES):
            shutil.copyfile(self.folder / name, folder / name)

    def _add(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def _cut(self, path: Path, after: int) -> None:
        """Keep the lines of the steps up to `after`; a half-written last line goes."""
        if not path.is_file():
            return
        whole = path.read_text("utf-8").split("\n")[:-1]
        _put(path, "".join(f"{line}\n" for line in whole if json.loads(line)["step"] <= after))


def _put(path: Path, text: str) -> None:
    """Renamed when whole: a run that is killed here must be able to go on."""
    fresh = path.with_suffix(".writing")
    fresh.write_text(text, "utf-8")
    fresh.rename(path)


def said(messages: Any) -> str:
    """The words of a conversation; a picture as a mark.

    >>> said([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " a tram"}]}])
    '[picture] a tram'
    """
    if isinstance(messages, str):
        return messages
    blocks = (
        block
        for message in messages
        for block in (
            message["content"]
            if not isinstance(message["content"], str)
            else [{"type": "text", "text": message["content"]}]
        )
    )
    return "".join("[picture]" if block["type"] == "image" else block.get("text") or "" for block in blocks)
