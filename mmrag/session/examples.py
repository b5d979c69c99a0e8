"""Questions of a collection worth trying, under labels that a person reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from mmrag.types import Question

EACH = 6  # examples of a label
_LABELS = {
    "color": "colour",
    "shape": "shape",
    "number": "how many",
    "YesNo": "yes or no",
    "choose": "which of two",
    "Others": "more in pictures",
    "text": "in words",
}


def by_label(questions: Sequence[Question]) -> Mapping[str, tuple[Question, ...]]:
    """Up to `EACH` questions of each label, those of the dev split where there are any."""
    found: defaultdict[str, list[Question]] = defaultdict(list)
    for question in [one for one in questions if one.split == "dev"] or questions:
        if len(found[label(question)]) < EACH:
            found[label(question)].append(question)
    order = [*_LABELS.values(), *sorted(set(found) - set(_LABELS.values()))]
    return {name: tuple(found[name]) for name in order if name in found}


def label(question: Question) -> str:
    """What makes this question what it is, said in a word or two."""
    if not question.evidence:
        return "not in the collection"
    if question.image is not None:
        return "with a picture"
    if len(question.hops) > 1:
        return "over several documents"
    if question.type == "TableQ":
        return "in a table"
    return _LABELS.get(question.category, question.category)
