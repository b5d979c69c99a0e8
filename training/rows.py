"""Prompts for reinforcement: what retrieval really brings to the questions of fresh worlds, with the gold beside it.

Ours. Rows are made world by world, written to disk as they come and mapped from there, so that a hundred thousand of
them take no more memory than ten. A row has

- `prompt`, `images`: one user turn as TRL takes it, pictures in the order of their places;
- `question`: the question with its gold, as JSON; `shown`: the ids of the documents in the prompt, in order;
- `kind`: `judged` (point-wise; `wanted` tells whether the document is gold) or `ranked` (list-wise).
"""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset, Features, Image, List, Value, disable_progress_bars, enable_progress_bars

from mmrag.errors import BadSetting
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt, judge_prompt, rank_prompt
from mmrag.policy.whole import encode_whole
from mmrag.retrieval import Index
from mmrag.session.opened import load_encoder
from mmrag.settings import ENCODER, Settings
from mmrag.systems.judge import keep, kept
from mmrag.types import Question
from training.classroom import DRAWN, Classroom
from training.contrast import Trial, contrasting
from training.progress import watched
from training.world import World

log = logging.getLogger("training.rows")
Load = Callable[[], LocalPolicy]  # called where rows are made: those on disk need no model in memory
REACH = 5  # so many questions are drawn for each that is wanted, where the composed ones have their own share,
REACH_IN_TURN = 12  # and so many where their types take turns: of the rarest type there are few
FEATURES = Features(
    {
        "prompt": List({"role": Value("string"), "content": List({"type": Value("string"), "text": Value("string")})}),
        "images": List(Image()),
        "question": Value("string"),
        "shown": List(Value("string")),
        "wanted": Value("bool"),
        "kind": Value("string"),
    }
)


@dataclass(frozen=True, slots=True)
class Worlds:
    """Which worlds rows are cut from."""

    seeds: tuple[int, ...]
    entities: int = 48
    questions: int = 60  # of each world
    drawn: int = DRAWN  # pixels of a picture's side
    composed: float | None = None  # share of the questions that need several documents; None: as they come
    in_turn: bool = False  # of those the first of every type, then the second of every type, and so on

    def asked(self, world: World) -> tuple[Question, ...]:
        """The questions of a world that rows are made of."""
        if self.composed is None:
            return tuple(world.questions(self.questions, "train"))
        drawn = world.questions((REACH_IN_TURN if self.in_turn else REACH) * self.questions, "train")
        several = [one for one in drawn if len(one.evidence) > 1]
        if self.in_turn:
            several = types_in_turn(several)
        others = [one for one in drawn if len(one.evidence) <= 1]
        wanted = round(self.composed * self.questions)
        return (*several[:wanted], *others[: self.questions - wanted])

    def rooms(self, seed: int) -> Iterator[tuple[Classroom, Index]]:
        """Every world with an index of its documents, one at a time."""
        for number in self.seeds:
            world = World(number, self.entities)
            room = Classroom(world, self.asked(world), random.Random(f"{seed}/{number}"), 1, drawn=self.drawn)
            index = Index.build(
                world.documents.values(), lambda one, room=room: room.shown(one).picture, load_encoder(str(ENCODER))
            )
            yield room, index

    def watched(self, seed: int, about: str) -> Iterator[tuple[Classroom, Index]]:
        """The same, with a bar that says how many worlds are done and how long the others will take."""
        return watched(self.rooms(seed), about, len(self.seeds))


def types_in_turn(questions: Sequence[Question]) -> list[Question]:
    """The first question of every type, then the second of every type, and so on until there are none."""
    met: Counter[str] = Counter()
    turns = []
    for one in questions:
        met[one.type] += 1
        turns.append(met[one.type])
    return [one for _, one in sorted(zip(turns, questions, strict=True), key=itemgetter(0))]


def judged_rows(
    worlds: Worlds, seed: int, settings: Settings, load: Load | None = None, settled: float = 1.0
) -> Iterator[dict[str, Any]]:
    """Gold documents and others that retrieval brings, as many of each: at most one of both for every question.

    Those of which the policy gives the right verdict more than `settled` are left out, gold and others alike: the
    completions of such a group hardly ever differ, so nothing would be learned from it.
    """
    policy = load() if load else None
    for room, index in worlds.watched(seed, "Point-wise rows"):
        rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for question in room.questions:
            query = room.query(question)
            brought = [hit.document.id for hit in index.search(query, settings.retrieve)]
            others = [one for one in brought if one not in question.evidence]
            if not question.evidence or not others:
                continue
            shown = [room.shown(room.rng.choice(names)) for names in (question.evidence, others)]
            sure = [one.p_keep for one in policy.judge(query, shown)] if policy else [0.5, 0.5]
            for one, right, wanted in zip(shown, (sure[0], 1.0 - sure[1]), (True, False), strict=True):
                if right <= settled:
                    rows[wanted].append(row(judge_prompt(query, one), question, [one.document.id], "judged", wanted))
        for pair in zip(rows[True], rows[False], strict=False):
            yield from pair


def ranked_rows(
    worlds: Worlds,
    seed: int,
    settings: Settings,
    load: Load,
    incomplete: float = 1.0,
    trial: Trial | None = None,
) -> Iterator[dict[str, Any]]:
    """A row for every question of which the policy keeps something, with what it keeps, best first.

    Where evidence is lacking, it is so for the share `incomplete`, and the others are given it, last, as what the
    policy thinks least of stands last in use: the rows as they come teach to say that the answer is not there, and of
    questions that need several documents they would be the most. After a `trial`, those prompts
    are left out whose completions are all worth the same (`training.contrast`).
    """
    policy = load()
    torch.manual_seed(seed)  # of what is tried
    for room, index in worlds.watched(seed, "List-wise rows"):
        asked = list(_asked(room, index, settings, policy, incomplete))
        teaching = contrasting(policy, asked, trial, room.rng) if trial else [True] * len(asked)
        for prompt, question, names in compress(asked, teaching):
            yield row(prompt, question, names, "ranked", None)


def _asked(
    room: Classroom, index: Index, settings: Settings, policy: LocalPolicy, incomplete: float
) -> Iterator[tuple[Prompt, Question, tuple[str, ...]]]:
    """What the list-wise stage is asked in a world, and the documents shown; nothing where none is kept.

    But for the share `incomplete`, evidence that is not kept comes after what is.
    """
    for question in room.questions:
        query = room.query(question)
        brought = [room.shown(hit.document.id) for hit in index.search(query, settings.retrieve)]
        judged = dict(zip((one.document.id for one in brought), policy.judge(query, brought), strict=True))
        if names := kept(keep(judged, settings.threshold, settings.top_k)):
            lost = [one for one in question.evidence if one not in names]
            if lost and room.rng.random() >= incomplete:
                names = (*names, *lost)
            yield rank_prompt(query, [room.shown(one) for one in names]), question, names


def row(prompt: Prompt, question: Question, shown: Sequence[str], kind: str, wanted: bool | None) -> dict[str, Any]:
    """One row."""
    return {
        "prompt": prompt.messages,
        "images": list(prompt.pictures),
        "question": json.dumps(question.to_dict()),
        "shown": list(shown),
        "wanted": wanted,
        "kind": kind,
    }


def prompt_of(one: Mapping[str, Any]) -> Prompt:
    """The prompt of a row, as a policy takes it."""
    content = ({key: text for key, text in block.items() if text} for block in one["prompt"][0]["content"])
    return Prompt(tuple(content), tuple(one["images"]))


def mapped(make: partial[Iterator[dict[str, Any]]], folder: Path, made_of: Mapping[str, Any]) -> Dataset:
    """The rows that `make` gives, from `folder`; made anew when they are not there or were made of something else.

    `made_of` says in JSON's terms what the rows depend on, but for the code. Of several processes the first makes them,
    and the others map what it has made.

    Raises:
        BadSetting: there are none.
    """
    record, wanted = folder / "made_of.json", json.dumps(made_of, indent=1, sort_keys=True)
    with PartialState().main_process_first():
        if not record.is_file() or record.read_text() != wanted:
            _write_rows(make, folder, record.name, wanted)
    return Dataset.load_from_disk(str(folder))


def _write_rows(make: partial[Iterator[dict[str, Any]]], folder: Path, record: str, made_of: str) -> None:
    fresh, cache = folder.with_suffix(".writing"), folder.with_suffix(".cache")
    for old in (fresh, cache, folder):
        shutil.rmtree(old, ignore_errors=True)
    disable_progress_bars()  # of rows, which come in bursts and whose number nobody knows
    try:
        Dataset.from_generator(make, features=FEATURES, cache_dir=str(cache)).save_to_disk(str(fresh))
    except ValueError as error:
        if "no data" not in str(error):  # datasets' word for a generator that gave nothing
            raise
        raise BadSetting(
            f"no row is left for {folder}: the policy can do all that these worlds ask; raise settled, or "
            "take more worlds or questions"
        ) from error
    finally:
        enable_progress_bars()
    (fresh / record).write_text(made_of)
    fresh.rename(folder)
    shutil.rmtree(cache)


def fitting(rows: Dataset, processor: Any, longest: int) -> Dataset:
    """The rows whose prompt is at most `longest` tokens, pictures included; how many are left out is logged.

    Raises:
        BadSetting: none fits.
    """
    lengths = [length(processor, one) for one in rows]
    fit = [index for index, tokens in enumerate(lengths) if tokens <= longest]
    log.info("%d of %d rows fit into %d tokens; the longest has %d", len(fit), len(rows), longest, max(lengths))
    if not fit:
        raise BadSetting(f"no prompt fits into longest = {longest}: the shortest has {min(lengths)} tokens")
    return rows.select(fit)


def length(processor: Any, one: Mapping[str, Any]) -> int:
    """How many tokens a row's prompt is."""
    return int(encode_whole(processor, [prompt_of(one)])["input_ids"].shape[1])
