"""python -m training.world --seed 7 --entities 132 --questions 640 --out assets/world [--level 1|2|3]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.progress import Progress as Bar

from mmrag.errors import BadSetting, MmragError
from training.world.difficulty import LEVELS
from training.world.world import World
from training.world.write import check_replaceable, write_world


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error is said."""

    def error(self, message: str) -> NoReturn:
        raise BadSetting(f"{message} (see python -m training.world --help)")


def main(arguments: list[str] | None = None) -> int:
    """Write a world; 0, or 2 after one line on standard error that says what was wrong."""
    try:
        options = _parser().parse_args(arguments)
        if options.questions < 0:
            raise BadSetting(f"the number of questions is {options.questions}; it must be 0 or more")
        check_replaceable(options.out)
        world = World(options.seed, options.entities, LEVELS[options.level])
        with Bar(console=Console(stderr=True)) as bar:
            drawn = bar.add_task("pictures", total=None, visible=False)
            write_world(
                world,
                options.questions,
                options.out.resolve(),
                lambda done, total: bar.update(drawn, completed=done, total=total, visible=True),
            )
    except MmragError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(world.documents)} documents, {options.questions} questions", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m training.world", description="Write an invented world as a collection.")
    parser.add_argument("--seed", type=int, required=True, help="which world; worlds share no names")
    parser.add_argument("--entities", type=int, default=132, help="things with a picture, 12 to 300")
    parser.add_argument("--questions", type=int, default=640, help="half of them dev, half test")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; a world there is replaced")
    parser.add_argument("--level", type=int, choices=sorted(LEVELS), default=3, help="difficulty")
    return parser


if __name__ == "__main__":
    sys.exit(main())
