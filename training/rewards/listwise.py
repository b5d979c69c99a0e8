"""Stage II: what reasoning, ranking and answer over the shown documents are worth, jointly.

MMRAG-RFT publishes no formula (papers.md, section 1); deviations cannot be told from it, so these are the choices:
1. The form is a gate: what cannot be read is worth nothing.
2. Ranking: half nDCG of the order, half F1 of the set, against the gold evidence.
3. Answer: half MultimodalQA's exact match, half a partial score: WebQA's F1 for colours, shapes, numbers and yes/no,
   MultimodalQA's list F1 for the rest. WebQA's recall is not used: naming every candidate would be right.
4. Reasoning: every sentence cites, what is cited is what is ranked, nothing is said twice, and no more is said than
   the ranked documents give reason for; times F1 of the ranked set. Neat reasons for the wrong documents are not half
   right, and a first hop that is told well is not the whole way.
5. Where a hop's evidence is not among the shown documents, the right ranking is `none`, the right answer says so, and
   the right reasoning tells the hops before it and then that the answer is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmrag import metrics
from mmrag.errors import MalformedOutput
from mmrag.metrics.answers import F1_CATEGORIES
from mmrag.policy.grammar import NOT_FOUND, RankedAnswer, read_ranked_answer, uncited
from mmrag.types import Question
from training.data import taken
from training.rewards.score import Score

WEIGHTS: Mapping[str, float] = {"ranking": 0.35, "answer": 0.45, "reasoning": 0.2}
NOTHING = {"format": 0.0, "ranking": 0.0, "answer": 0.0, "reasoning": 0.0}


def ranked(completion: str, question: Question, shown: Sequence[str], weights: Mapping[str, float] = WEIGHTS) -> Score:
    """The worth of a finished list-wise output.

    Args:
        completion: what the model wrote.
        question: with its gold answers and evidence.
        shown: the ids of the documents it saw, in order.
        weights: of `ranking`, `answer` and `reasoning`; the form is a gate and has none.

    >>> question = Question("q", "Which roof?", ("red",), evidence=("a",), category="color")
    >>> good = "<think>The roof is red [1].</think><rank>[1]</rank><answer>red</answer>"
    >>> ranked(good, question, ["a", "b"]).total
    1.0
    >>> ranked(good.replace("<rank>[1]", "<rank>[2] > [1]"), question, ["a", "b"]).components["ranking"]
    0.648798
    >>> ranked("<think>The roof is red [1].</think>", question, ["a", "b"]).total
    0.0
    """
    try:
        read = read_ranked_answer(completion, shown)
    except MalformedOutput:
        return Score(dict(NOTHING), 0.0)
    answerable = bool(question.evidence) and set(question.evidence) <= set(shown)
    gold = question.evidence if answerable else ()
    found = metrics.evidence_f1(read.ranking.order, gold)
    on_the_way = [one for hop in taken(question, shown) for one in hop.evidence]
    components = {
        "ranking": round((metrics.ndcg(read.ranking.order, gold) + found) / 2, 6),
        "answer": answer(read.answer, question.answers if answerable else (NOT_FOUND,), question.category),
        "reasoning": round(reasoning(read, on_the_way) * found, 6),
    }
    return Score({"format": 1.0, **components}, Score.of(components, weights).total)


def answer(written: str, gold: Sequence[str], category: str) -> float:
    """How right an answer is: half for being exactly right, half for being partly so.

    >>> answer("red", ("red",), "color"), answer("red, blue", ("red",), "color")
    (1.0, 0.333331)
    >>> answer("oak, elm", ("elm", "oak"), "Others"), answer("oak", ("elm", "oak"), "Others")
    (1.0, 0.25)
    """
    ours, theirs = metrics.as_list(written), metrics.as_list(", ".join(gold))
    exact = metrics.list_em(ours, theirs)
    if exact:
        return 1.0
    if category in F1_CATEGORIES:
        return round(metrics.keyword_accuracy(written, " ".join(gold), category) / 2, 6)
    return round(metrics.list_f1(ours, theirs) / 2, 6)


def reasoning(read: RankedAnswer, on_the_way: Sequence[str]) -> float:
    """How well the reasoning is tied to the ranking: cited, agreeing, and without padding.

    The product of three shares: of sentences that cite; agreement (F1) of the cited and the ranked documents; and of
    sentences that are neither said before nor more than one for each ranked document (or as many as there are steps
    `on_the_way` that it is the evidence of) and one to conclude. Where nothing is ranked, the evidence `on_the_way` to
    what is lost stands for it, the last sentence cites nothing, as it says that the answer is not there, and an answer
    beside it rests on nothing.
    """
    order, sentences = read.ranking.order, read.sentences
    if not sentences or not (order or metrics.exact_match(read.answer, (NOT_FOUND,))):
        return 0.0
    rests_on = order or tuple(dict.fromkeys(on_the_way))
    citing = [bool(sentence.cites) for sentence in sentences]
    if not order:
        citing[-1] = not citing[-1]
    cited = {one for sentence in sentences for one in sentence.cites}
    said = {metrics.normalise(uncited(sentence.text)) for sentence in sentences} - {""}
    steps = sum(one in rests_on for one in on_the_way)
    fresh = min(len(said), max(len(rests_on), steps) + 1)
    return sum(citing) * fresh * metrics.evidence_f1(cited, rests_on) / len(sentences) ** 2
