"""Judging many documents: ours against one `generate` call per document.

The other side is RagVL's published way, stopped at the verdict: for each document a prompt through the processor, one
new token, the softmax over the scores of Yes and No. Same loaded model, same adapter, same documents (what retrieval
brings for the question, pictures opened beforehand); the two take turns. Ours starts each time without any picture in
memory. That both judge alike is shown in float32: in bfloat16 either is up to 0.03 from that, as this CPU or that one
rounds, and how far the two came apart is told beside the times.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from rich.table import Table

from mmrag import settings
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Shown, judge_prompt
from mmrag.policy.whole import encode_whole
from mmrag.session import Session, find_adapters
from mmrag.systems.parts import show
from mmrag.types import Query

SIZES = {5: 3, 20: 3, 50: 1, 200: 1}  # documents, and how often each question is judged
QUESTIONS = 5
WANTED = {20: 4.0}
ALIKE = 1e-3  # how much P(keep) may differ in float32

Way = Callable[[LocalPolicy, Query, Sequence[Shown]], list[float]]


def measure(session: Session) -> dict[str, Any]:
    """Seconds and ratios by number of documents.

    Raises:
        AssertionError: the two ways judge a document differently in float32.
    """
    policy, collection = session.policy, session.opened.collection
    dev = [question for question in collection.questions if question.split == "dev"]
    queries = [collection.query(one) for one in dev[:: len(dev) // QUESTIONS][:QUESTIONS]]
    warm = _shown(session, queries[0], 3)
    exact = load_policy(settings.POLICY, find_adapters(settings.POLICY), dtype="float32")
    exact.use(policy.stage)
    for query in queries:
        apart = _apart(_in_turns(exact, query, _shown(session, query, max(WANTED)), ours_first=True))
        assert apart < ALIKE, f"the two ways differ by {apart} in float32 on {query.text!r}"
    policy.judge(queries[0], warm)
    one_by_one(policy, queries[0], warm)
    return {str(size): _compare(session, queries, size, rounds) for size, rounds in SIZES.items()}


def table(figures: dict[str, Any]) -> Table:
    """The figures as a person reads them."""
    made = Table("documents", "ours", "one by one", "times as fast", "from", "to", "wanted", "largest difference")
    made.title = "Judging"
    for size, row in figures.items():
        wanted = WANTED.get(int(size))
        made.add_row(
            size,
            f"{row['ours_s'] * 1e3:.0f} ms",
            f"{row['one_by_one_s'] * 1e3:.0f} ms",
            f"{row['ratio']:.1f}",
            f"{row['ratio_min']:.1f}",
            f"{row['ratio_max']:.1f}",
            f"{wanted:.0f}" if wanted else "",
            f"{row['largest_difference']:.0e}",
        )
    return made


@torch.inference_mode()
def one_by_one(policy: LocalPolicy, query: Query, shown: Sequence[Shown]) -> list[float]:
    """P(keep) of each document by a call of its own."""
    kept = []
    with policy._turn(policy.stage):
        for one in shown:
            inputs = encode_whole(policy._processor, [judge_prompt(query, one)]).to(policy._model.device)
            output = policy._model.generate(
                **inputs, max_new_tokens=1, do_sample=False, output_scores=True, return_dict_in_generate=True
            )
            kept.append(float(output.scores[0][0, list(policy._verdicts)].float().softmax(-1)[0]))
    return kept


def _compare(session: Session, queries: Sequence[Query], size: int, rounds: int) -> dict[str, Any]:
    ours, theirs, apart = [], [], 0.0
    for query in queries:
        shown = _shown(session, query, size)
        for turn in range(rounds):
            timed = _in_turns(session.policy, query, shown, ours_first=turn % 2 == 0)
            apart = max(apart, _apart(timed))
            ours.append(timed[_ours][0])
            theirs.append(timed[one_by_one][0])
    ratios = [other / mine for mine, other in zip(ours, theirs, strict=True)]
    return {
        "ours_s": statistics.median(ours),
        "one_by_one_s": statistics.median(theirs),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "measured": len(ratios),
        "largest_difference": apart,
    }


def _in_turns(
    policy: LocalPolicy, query: Query, shown: Sequence[Shown], *, ours_first: bool
) -> dict[Way, tuple[float, list[float]]]:
    """Seconds and P(keep) of each document, by way."""
    timed: dict[Way, tuple[float, list[float]]] = {}
    for way in (_ours, one_by_one) if ours_first else (one_by_one, _ours):
        started = time.perf_counter()
        kept = way(policy, query, shown)
        timed[way] = time.perf_counter() - started, kept
    return timed


def _apart(timed: dict[Way, tuple[float, list[float]]]) -> float:
    return max(abs(a - b) for a, b in zip(timed[_ours][1], timed[one_by_one][1], strict=True))


def _shown(session: Session, query: Query, size: int) -> tuple[Shown, ...]:
    return show(session.opened, [hit.document for hit in session.opened.search(query, size)])


def _ours(policy: LocalPolicy, query: Query, shown: Sequence[Shown]) -> list[float]:
    return [one.p_keep for one in policy.judge(query, shown)]
