"""Stage II of MMRAG-RFT: reasoning-based reinforcement of ranking and answering, jointly, in one generation.

    python -m training.stage2 --config training/configs/embedded-stage2.yaml [--resume true]

Goes on from stage I and sees what stage I keeps. Learns from evidence labels and answers alone. Reconstructed from the
abstract (papers.md, section 1); our choices are numbered in `training/rewards/listwise.py` and `training/grpo.py`, and
1. some rows stay point-wise, and a KL term (`beta`) holds it near stage I, so that what stage I learned is not lost;
   without either more and more is kept, and the best checkpoint is chosen by unseen rows of both kinds;
2. more rows than come by themselves ask what needs several documents, which sft has seen few of, or none; the types of
   such questions take turns, also in what is examined, as lists and intersections are rare by themselves;
3. where stage I has not kept all evidence, most rows are given what is lost, last of the documents: as they come, all
   they teach is to say that the answer is not there, whatever the question;
4. of the rows whose completions by stage I are all worth the same only a share is used, of those that are right: so
   that what is known is not lost (`training/contrast.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from datasets import Dataset, concatenate_datasets
from trl import GRPOConfig, TrlParser

from mmrag.settings import MODELS
from training.contrast import Trial
from training.grpo import train
from training.progress import speak
from training.rows import Worlds
from training.run_rows import RunRows
from training.start import StageConfig
from training.world.names import mixed


@dataclass
class Stage2Config(StageConfig):
    """Every setting of stage II beyond TRL's own."""

    start: str = str(MODELS / "stage1")
    out: str = str(MODELS / "stage2")
    first_world: int = 14_000
    judged_worlds: int = 2  # worlds whose rows stay point-wise
    settled: float = 0.95  # of those: documents of which the policy is as sure as this, and right, are left out
    composed: float = 0.8  # share of the questions that need several documents
    incomplete: float = 0.1  # share, of the list-wise rows whose evidence is not kept whole, that are left so
    tried: int = 4  # completions of each list-wise prompt; those of which all are worth the same are left out,
    reminded: float = 0.15  # but for this share of those that are always answered rightly


def prepared(config: Stage2Config, args: GRPOConfig) -> tuple[Dataset, Dataset]:
    """The rows to learn from, with what stage I keeps in them, and those of unseen worlds to examine on."""
    size = (config.entities, config.questions, config.drawn, config.composed)
    worlds = Worlds(tuple(mixed(config.first_world, config.worlds)), *size, in_turn=True)
    unseen = Worlds((config.examined_world,), config.entities, config.examined, config.drawn, 0.5, in_turn=True)
    most = args.max_completion_length or 128
    how = (config.tried, most, args.temperature, config.reminded, config.weights["ranked"])
    trial = Trial(*how) if config.tried else None
    made = RunRows.of(config, args)
    rows, examined = made.ranked("ranked", worlds, config.incomplete, trial), made.ranked("examined", unseen, 1.0, None)
    examined = examined.select(range(min(config.examined, len(examined))))
    if not config.judged_worlds:
        return rows, examined
    beside = Worlds(tuple(mixed(config.first_world + config.worlds, config.judged_worlds)), *size)
    doubtful = Worlds(tuple(range(config.examined_world, config.examined_world + config.examined_worlds)), *size)
    judged = made.judged("judged", beside, config.settled)
    asked = made.judged("examined-judged", doubtful, config.settled)
    return concatenate_datasets([rows, judged]), concatenate_datasets([examined, asked])


def main() -> None:
    """Read the configuration, prepare the rows, train."""
    speak()
    config, args = TrlParser((Stage2Config, GRPOConfig)).parse_args_and_config()
    train(config, args, *prepared(config, args))


if __name__ == "__main__":
    main()
