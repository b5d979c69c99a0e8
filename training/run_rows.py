"""The rows of one run, beside its checkpoints: made by the policy that it starts from, or mapped where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from datasets import Dataset
from trl import GRPOConfig

from mmrag.settings import ENCODER, Settings
from training.adapter import digest
from training.contrast import Trial
from training.rows import Load, Worlds, judged_rows, mapped, ranked_rows
from training.start import StageConfig, begun_with, starting_policy


@dataclass(frozen=True, slots=True)
class RunRows:
    """What the rows of a run have in common."""

    runs: Path
    seed: int
    settings: Settings
    load: Load
    begun: Mapping[str, str]  # what identifies the weights that make them

    @classmethod
    def of(cls, config: StageConfig, args: GRPOConfig) -> RunRows:
        """Those of a stage, as retrieval and judging are set in use."""
        return cls(Path(args.output_dir), args.seed, Settings(), partial(starting_policy, config), begun_with(config))

    def judged(self, name: str, worlds: Worlds, settled: float) -> Dataset:
        """Point-wise rows of which the policy is not settled.

        Raises:
            BadSetting: there are none.
        """
        make = partial(judged_rows, worlds, self.seed, self.settings, self.load, settled)
        return mapped(make, self.runs / name, {"settled": settled, **self._about(worlds)})

    def ranked(self, name: str, worlds: Worlds, incomplete: float, trial: Trial | None) -> Dataset:
        """List-wise rows of what the policy keeps, after a `trial` those alone that can teach.

        Raises:
            BadSetting: there are none.
        """
        make = partial(ranked_rows, worlds, self.seed, self.settings, self.load, incomplete, trial)
        about = {"incomplete": incomplete, "tried": trial and asdict(trial), **self._about(worlds)}
        return mapped(make, self.runs / name, about)

    def _about(self, worlds: Worlds) -> dict[str, object]:
        about = {"worlds": asdict(worlds), "seed": self.seed, "settings": asdict(self.settings)}
        return {**about, "encoder": digest(ENCODER), **self.begun}
