"""Keep or drop again without the model: by another threshold or top-k from stored P(keep), or one document by hand."""

from __future__ import annotations

from dataclasses import replace

from mmrag.errors import UnknownId
from mmrag.settings import Settings
from mmrag.systems import judge
from mmrag.types import Step, Trace, Verdict


def rejudge(trace: Trace, threshold: float, top_k: int) -> Trace:
    """The same trace with every verdict taken anew; what was answered stays as it was.

    The rule is the systems' own, `mmrag.systems.judge.keep`.
    """
    steps = tuple(replace(step, verdicts=_verdicts(step, threshold, top_k)) for step in trace.steps)
    return replace(trace, steps=steps, settings={**trace.settings, "threshold": threshold, "top_k": top_k})


def turned(trace: Trace, document_id: str) -> Trace:
    """The same trace with one document of its last step kept where it was dropped, or dropped where it was kept.

    Raises:
        UnknownId: the last step judged no such document.
    """
    step = trace.steps[-1] if trace.steps else Step(trace.query.text)
    if document_id not in {verdict.document_id for verdict in step.verdicts}:
        raise UnknownId(f"the trace judged no document {document_id[:120]!r}: choose one that the page offers")
    verdicts = tuple(
        replace(verdict, keep=verdict.keep != (verdict.document_id == document_id)) for verdict in step.verdicts
    )
    return replace(trace, steps=(*trace.steps[:-1], replace(step, verdicts=verdicts)))


def by_hand(step: Step, threshold: float, top_k: int) -> frozenset[str]:
    """Ids of the documents that were kept or dropped against the rule."""
    ruled = {verdict.document_id: verdict.keep for verdict in _verdicts(step, threshold, top_k)}
    return frozenset(one.document_id for one in step.verdicts if one.keep != ruled[one.document_id])


def kept(step: Step) -> tuple[str, ...]:
    """Ids of the kept documents, highest P(keep) first."""
    return judge.kept(step.verdicts)


def is_stale(step: Step) -> bool:
    """Whether the answer was written over other documents than those now kept."""
    finished = step.answer is not None or step.malformed is not None
    return finished and bool(step.verdicts) and set(kept(step)) != set(step.shown)


def bar(trace: Trace) -> tuple[float, int]:
    """The threshold and top-k that a trace was judged with; the defaults where it does not say."""
    usual = Settings()
    threshold = trace.settings.get("threshold", usual.threshold)
    top_k = trace.settings.get("top_k", usual.top_k)
    return float(threshold), int(top_k)


def _verdicts(step: Step, threshold: float, top_k: int) -> tuple[Verdict, ...]:
    return judge.keep({verdict.document_id: verdict for verdict in step.verdicts}, threshold, top_k)
