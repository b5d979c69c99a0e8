"""What comes of a collection's questions with gold: judged, answered from given documents, and answered in full.

Ours, so that it is quick: questions are answered in batches, with the same prompts, rules and grammar as in use.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from mmrag import metrics
from mmrag.metrics import Counts
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import Prompt, Shown, rank_prompt
from mmrag.session import OpenCollection
from mmrag.settings import Settings
from mmrag.systems.judge import keep, kept
from mmrag.systems.rank import finished, nothing_kept
from mmrag.types import Query, Question, Step
from training.progress import watched

SHOWN = 5  # documents that the list-wise stage is given
TOGETHER = 24  # questions whose answers are written at once
DEPTHS = (1, 5, 12)
VERDICT = 0.5  # the P(keep) from which "Yes" is likelier than "No"; which documents are shown is a setting beside it


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge made of one question's documents."""

    retrieved: tuple[str, ...]  # best first, to the greatest of `DEPTHS`
    brought: tuple[str, ...]  # those of them that are judged in use
    pair: tuple[str, ...]  # one gold document and one hard negative
    p_keep: Mapping[str, float]  # of every document of `brought` and `pair`
    kept: tuple[str, ...]

    def counts(self, names: Iterable[str], gold: Sequence[str], threshold: float) -> Counts:
        """The verdicts on `names`, counted."""
        return Counts.of((self.p_keep[name] >= threshold, name in gold) for name in names)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. `given` is the list-wise stage alone; `whole` the pipeline, from retrieval on."""

    question: Question
    judged: Judged
    given: Step
    whole: Step


class Evaluation:
    """Runs one model, as it is set, over one collection's questions, a few at a time."""

    def __init__(self, opened: OpenCollection, policy: LocalPolicy, settings: Settings, seed: int) -> None:
        self.opened, self.policy, self.settings, self.seed = opened, policy, settings, seed
        self.documents = opened.collection.documents
        # Pictures that are the same object are seen by the model once, however many prompts show them.
        self.picture: Callable[[str], Image.Image | None] = lru_cache(1024)(opened.picture)

    def run(self, questions: Sequence[Question], about: str = "Evaluating") -> list[Outcome]:
        """The outcome of every question, with progress on standard error."""
        parts = [questions[start : start + TOGETHER] for start in range(0, len(questions), TOGETHER)]
        return [one for part in watched(parts, about, len(parts)) for one in self.together(part)]

    def together(self, questions: Sequence[Question]) -> list[Outcome]:
        """Outcomes of questions whose answers are written in one batch."""
        queries = [self.opened.collection.query(question) for question in questions]
        judged = [self.judge(question, query) for question, query in zip(questions, queries, strict=True)]
        given = [Step(q.question, shown=given_documents(q, tuple(self.documents), self.seed)) for q in questions]
        whole = [Step(q.question, shown=one.kept) for q, one in zip(questions, judged, strict=True)]
        steps = self.answer([*queries, *queries], [*given, *whole])
        halves = zip(questions, judged, steps[: len(questions)], steps[len(questions) :], strict=True)
        return [Outcome(question, one, alone, last) for question, one, alone, last in halves]

    def judge(self, question: Question, query: Query) -> Judged:
        """Judge what retrieval brings and a balanced pair, all in one batch."""
        pair = balanced_pair(question, self.seed)
        hits = self.opened.search(query, max(self.settings.retrieve, *DEPTHS))
        retrieved = tuple(hit.document.id for hit in hits)
        brought = retrieved[: self.settings.retrieve]
        names = tuple(dict.fromkeys((*brought, *pair)))
        judgements = dict(zip(names, self.policy.judge(query, self.shown(names)), strict=True))
        verdicts = keep({name: judgements[name] for name in brought}, self.settings.threshold, self.settings.top_k)
        p_keep = {name: judgement.p_keep for name, judgement in judgements.items()}
        return Judged(retrieved, brought, pair, p_keep, kept(verdicts))

    def answer(self, queries: Sequence[Query], steps: Sequence[Step]) -> list[Step]:
        """Each step finished: by the model where documents are shown, else by the rule for nothing kept."""
        asked = [(query, step) for query, step in zip(queries, steps, strict=True) if step.shown]
        prompts: list[Prompt] = [rank_prompt(query, self.shown(step.shown)) for query, step in asked]
        texts = iter(self.policy.generate_all(prompts, self.settings.max_new_tokens))
        return [finished(step, next(texts)) if step.shown else nothing_kept(step) for step in steps]

    def shown(self, names: Iterable[str]) -> tuple[Shown, ...]:
        """Documents by id, with their pictures."""
        return tuple(Shown(self.documents[name], self.picture(name)) for name in names)


def balanced_pair(question: Question, seed: int) -> tuple[str, ...]:
    """One gold document and one hard negative; nothing where the question lacks either."""
    rng = random.Random(f"{seed}/pair/{question.id}")
    if not question.evidence or not question.negatives:
        return ()
    return rng.choice(question.evidence), rng.choice(question.negatives)


def given_documents(question: Question, documents: Sequence[str], seed: int) -> tuple[str, ...]:
    """All evidence among hard negatives (and others, if these are few), `SHOWN` in all, in random order."""
    rng = random.Random(f"{seed}/shown/{question.id}")
    gold = dict.fromkeys(question.evidence)
    near = [name for name in rng.sample(question.negatives, len(question.negatives)) if name not in gold]
    others = rng.sample(documents, min(len(documents), 2 * SHOWN))
    chosen = list(dict.fromkeys([*gold, *near, *others]))[: max(SHOWN, len(gold))]
    rng.shuffle(chosen)
    return tuple(chosen)


def scored(step: Step, question: Question) -> dict[str, float]:
    """Answer and ranking of a step against the gold; a missing answer scores 0, and so does a malformed ranking."""
    ours, gold = metrics.as_list(step.answer or ""), metrics.as_list(", ".join(question.answers))
    order = step.ranking.order if step.ranking is not None else ()
    read = step.malformed is None
    return {
        "em": metrics.list_em(ours, gold),
        "f1": metrics.list_f1(ours, gold),
        "evidence_f1": metrics.evidence_f1(order, question.evidence) if read else 0.0,
        "ndcg": metrics.ndcg(order, question.evidence) if read else 0.0,
        "mrr": metrics.reciprocal_rank(order, question.evidence) if read else 0.0,
    }
