"""Stage I of MMRAG-RFT: rule-based reinforcement of judging one document at a time.

    python -m training.stage1 --config training/configs/embedded-stage1.yaml [--resume true]

Goes on from `sft`. Learns from documents that retrieval really brings, so its negatives are the hard ones; two rows a
question, a gold document and another. Reconstructed from the abstract (papers.md, section 1); our choices are numbered
in `training/rewards/pointwise.py` and `training/grpo.py`.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from datasets import Dataset
from trl import GRPOConfig, TrlParser

from mmrag.settings import Settings
from training.grpo import StageConfig, train
from training.rows import Worlds, judged_rows, mapped
from training.world.names import mixed


def prepared(config: StageConfig, args: GRPOConfig) -> tuple[Dataset, Dataset]:
    """The rows to learn from, and those of an unseen world to examine on."""
    runs, settings = Path(args.output_dir), Settings()
    worlds = Worlds(tuple(mixed(config.first_world, config.worlds)), config.entities, config.questions, config.drawn)
    unseen = Worlds((config.examined_world,), config.entities, config.examined, config.drawn)
    rows, examined = (
        mapped(
            partial(judged_rows, some, args.seed, settings),
            runs / name,
            {"worlds": asdict(some), "seed": args.seed, "settings": asdict(settings)},
        )
        for name, some in (("rows", worlds), ("examined", unseen))
    )
    return rows, examined.select(range(min(config.examined, len(examined))))


def main() -> None:
    """Read the configuration, prepare the rows, train."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    config, args = TrlParser((StageConfig, GRPOConfig)).parse_args_and_config()
    train(config, args, *prepared(config, args))


if __name__ == "__main__":
    main()
