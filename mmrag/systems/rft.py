"""MMRAG-RFT (arXiv 2512.17194): a point-wise filter, then ranking, reasoning and answer in one list-wise generation.

    python -m mmrag ask "What colour is the roof of the Velmar lighthouse?" --system rft --stage sft

The paper's prompts, thresholds and base model are not public, so this is built from its published outline. We differ
from it, or fill it in, in these points:

1. P(keep) is the softmax over the logits of Yes and No at the first generated token, RagVL's rule; the paper does not
   say how a document's score is made.
2. A document is kept by a threshold and a top-k together, both the user's to move. Where nothing is kept the answer is
   "not in the collection" and the model is not asked; what the paper does then is not known.
3. The kept documents are shown highest P(keep) first. The ranking names only the documents that the answer rests on.
4. Passages and tables are judged and ranked by the same prompts as pictures with captions.
5. A verdict carries a reason in words, written after it, so it explains the score and cannot change it.
6. Output outside the grammar is recorded as malformed and left without an answer; nothing is repaired or tried again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import uuid4

from mmrag.errors import UnknownId
from mmrag.policy.prompts import Prompt, rank_prompt
from mmrag.settings import Settings
from mmrag.systems import judge as point_wise
from mmrag.systems import rank as list_wise
from mmrag.systems.parts import Library, Policy, show
from mmrag.types import Phase, Query, Step, Timing, Trace


class RFT:
    """Retrieve, judge each, keep, then rank, reason and answer at once. Keeps nothing between questions."""

    name: str = "rft"
    stages: tuple[str, ...] = ("stage2", "stage1", "sft")

    def __init__(self, library: Library, policy: Policy) -> None:
        self.library = library
        self.policy = policy

    def ask(self, query: Query, settings: Settings) -> Iterator[Trace]:
        """Growing traces of one question; the last one is done.

        Raises:
            BadPicture: a retrieved document's picture is gone or damaged.
        """
        yield (trace := Trace(_new_id(), query, self.name, _now(), settings=asdict(settings)))
        yield (trace := self._retrieved(trace, settings))
        yield (trace := self._judged(trace, settings))
        yield from self._answered(trace, point_wise.kept(trace.steps[-1].verdicts), settings)

    def answer_again(self, trace: Trace, kept: Sequence[str], settings: Settings) -> Iterator[Trace]:
        """Growing traces, under a new id, of the list-wise stage alone over the documents `kept`, in that order.

        Where another model answers than the one that judged, it judges too: a trace is of one model.

        Raises:
            UnknownId: the trace has no step, or did not retrieve one of `kept`.
        """
        step = trace.steps[-1] if trace.steps else Step(trace.query.text)
        known = {hit.document.id for hit in step.hits}
        if unknown := next((one for one in kept if one not in known), None):
            raise UnknownId(f"the trace holds no document {unknown[:120]!r}: choose among the retrieved ones")
        same = trace.fingerprint is not None and trace.fingerprint.digest == self.policy.fingerprint.digest
        again = replace(
            trace,
            id=_new_id(),
            created=_now(),
            before=None,
            phase=Phase.JUDGED,
            settings=asdict(settings),
            steps=(Step(step.question, step.knowledge_base, step.hits, step.verdicts),),
            answer=None,
            timings=tuple(one for one in trace.timings if one.stage == "retrieve" or (same and one.stage == "judge")),
        )
        if not same:
            again = self._judged(again, settings)
        (step,) = again.steps
        verdicts = tuple(replace(verdict, keep=verdict.document_id in kept) for verdict in step.verdicts)
        yield from self._answered(replace(again, steps=(replace(step, verdicts=verdicts),)), kept, settings)

    def _retrieved(self, trace: Trace, settings: Settings) -> Trace:
        started = time.perf_counter()
        hits = self.library.search(trace.query, settings.retrieve)
        timing = Timing("retrieve", time.perf_counter() - started)
        return replace(trace, phase=Phase.RETRIEVED, steps=(Step(trace.query.text, hits=hits),), timings=(timing,))

    def _judged(self, trace: Trace, settings: Settings) -> Trace:
        started = time.perf_counter()
        (step,) = trace.steps
        shown = show(self.library, [hit.document for hit in step.hits])
        judged = point_wise.judge(self.policy, trace.query, shown)
        seconds = time.perf_counter() - started
        tokens = point_wise.tokens(judged.values())
        return replace(
            trace,
            phase=Phase.JUDGED,
            steps=(replace(step, verdicts=point_wise.keep(judged, settings.threshold, settings.top_k)),),
            checks=point_wise.unreadable(judged),
            fingerprint=self.policy.fingerprint,
            timings=(*trace.timings, Timing("judge", seconds, *tokens)),
        )

    def _answered(self, trace: Trace, kept: Sequence[str], settings: Settings) -> Iterator[Trace]:
        started = time.perf_counter()
        step = replace(trace.steps[-1], shown=tuple(dict.fromkeys(kept)))
        if not step.shown:
            yield _done(trace, list_wise.nothing_kept(step), Timing("answer", 0.0))
            return
        trace = replace(trace, phase=Phase.ANSWERING, steps=(step,), fingerprint=self.policy.fingerprint)
        yield trace
        documents = {hit.document.id: hit.document for hit in step.hits}
        prompt = rank_prompt(trace.query, show(self.library, [documents[one] for one in step.shown]))
        for grown in list_wise.rank(self.policy, prompt, step, settings.max_new_tokens):
            yield (trace := replace(trace, steps=(grown,)))
        seconds = time.perf_counter() - started
        written = self.policy.count(Prompt.of(trace.steps[-1].raw)) - self.policy.count(Prompt.of(""))
        yield _done(trace, trace.steps[-1], Timing("answer", seconds, self.policy.count(prompt), written))


def _done(trace: Trace, step: Step, timing: Timing) -> Trace:
    return replace(trace, phase=Phase.DONE, steps=(step,), answer=step.answer, timings=(*trace.timings, timing))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _new_id() -> str:
    return uuid4().hex[:16]
