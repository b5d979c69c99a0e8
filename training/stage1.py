"""Stage I of MMRAG-RFT: rule-based reinforcement of judging one document at a time.

    python -m training.stage1 --config training/configs/embedded-stage1.yaml [--resume true]

Goes on from `sft`. Learns from documents that retrieval really brings, so its negatives are the hard ones, and only
from those of which `sft` is not settled already. Reconstructed from the abstract (papers.md, section 1); our choices
are numbered in `training/rewards/pointwise.py` and `training/grpo.py`, and
1. no reason is written (`max_completion_length`), since only the verdict learns;
2. a KL term (`beta`) holds it near `sft`: without, groups agree before the doubtful documents are learned;
3. more rows than questions as they come are of what needs several documents (`composed`).
"""

from __future__ import annotations

from dataclasses import dataclass

from datasets import Dataset
from trl import GRPOConfig, TrlParser

from training.grpo import train
from training.progress import speak
from training.rows import Worlds
from training.run_rows import RunRows
from training.start import StageConfig
from training.world.names import mixed


@dataclass
class Stage1Config(StageConfig):
    """Every setting of stage I beyond TRL's own."""

    settled: float = 0.95  # documents of which the policy to start from is as sure as this, and right, are left out
    composed: float = 0.4  # share of the questions that need several documents: their evidence is the doubtful one


def prepared(config: Stage1Config, args: GRPOConfig) -> tuple[Dataset, Dataset]:
    """The rows to learn from, and those of unseen worlds to examine on, which the policy has not settled either.

    Of documents as they come 0.99 are judged rightly from the start: of 512 a single one chose the best checkpoint.
    """
    size = (config.entities, config.questions, config.drawn, config.composed)
    worlds = Worlds(tuple(mixed(config.first_world, config.worlds)), *size)
    unseen = Worlds(tuple(range(config.examined_world, config.examined_world + config.examined_worlds)), *size)
    made = RunRows.of(config, args)
    rows, examined = made.judged("rows", worlds, config.settled), made.judged("examined", unseen, config.settled)
    return rows, examined.select(range(min(config.examined, len(examined))))


def main() -> None:
    """Read the configuration, prepare the rows, train."""
    speak()
    config, args = TrlParser((Stage1Config, GRPOConfig)).parse_args_and_config()
    train(config, args, *prepared(config, args))


if __name__ == "__main__":
    main()
