"""Keep or drop again from stored P(keep), without the model: what would another threshold or top-k have kept?"""

from __future__ import annotations

from dataclasses import replace

from mmrag.settings import Settings
from mmrag.systems import judge
from mmrag.types import Step, Trace, Verdict


def rejudge(trace: Trace, threshold: float, top_k: int) -> Trace:
    """The same trace with every verdict taken anew; what was answered stays as it was.

    The rule is the systems' own, `mmrag.systems.judge.keep`.
    """
    steps = tuple(replace(step, verdicts=_verdicts(step, threshold, top_k)) for step in trace.steps)
    return replace(trace, steps=steps, settings={**trace.settings, "threshold": threshold, "top_k": top_k})


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
