"""How right an answer is: MultimodalQA's exact match and list F1, SQuAD's, and WebQA's keyword accuracy.

The MultimodalQA pair follows its `baselines/evaluate.py` to the digit (golden vectors in the tests), with the number
words that can stand in one token written out here in place of the word2number package.
WebQA's keyword accuracy follows `eval_1022.py` with one deviation:
1. Words are not lemmatised (spaCy's English model is not a dependency): "lions" does not match "lion".
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np
from scipy.optimize import linear_sum_assignment

EPSILON = 1e-5  # WebQA's, in its F1
F1_CATEGORIES = ("color", "shape", "number", "YesNo")  # WebQA scores these by F1, all others by recall
_ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {word: number for number, word in enumerate(_ONES.split())}
_NUMBERS |= {word: 10 * number for number, word in enumerate(_TENS.split(), start=2)}
_NUMBERS |= {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_MMQA_NUMBERS = _NUMBERS | {"point": 0}  # word2number's own reading of a lone "point"
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def as_list(answer: str) -> tuple[str, ...]:
    """The items of an answer that lists several, as the model is taught to write them: "oak, elm"."""
    return tuple(item for item in answer.split(", ") if item)


def normalise(text: str) -> str:
    """SQuAD's: lower case, without punctuation and articles, single blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(predicted: str, gold: Sequence[str]) -> float:
    """SQuAD's: 1 if the prediction equals any of the `gold` alternatives after `normalise`, else 0."""
    return float(normalise(predicted) in {normalise(one) for one in gold})


def token_f1(predicted: str, gold: Sequence[str]) -> float:
    """SQuAD's: the best F1 of the bags of words over the `gold` alternatives; two empty bags agree."""
    return max((_bag_f1(normalise(predicted).split(), normalise(one).split()) for one in gold), default=0.0)


def list_em(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """MultimodalQA's: 1 if both lists are equally long and hold the same items in any order, else 0.

    `gold` is one reference that has several items, not several references.
    """
    ours, theirs = _mmqa_items(predicted), _mmqa_items(gold)
    return float(len(ours) == len(theirs) and set(ours) == set(theirs))


def list_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """MultimodalQA's: F1 of the items' word sets under the best pairing, over the longer list, to two decimals."""
    ours, theirs = ([set(item.split()) for item in _mmqa_items(items)] for items in (predicted, gold))
    if not ours or not theirs:
        return float(not ours and not theirs)
    scores = np.array([[_mmqa_pair(one, other) for other in ours] for one in theirs])  # (gold, predicted)
    rows, columns = linear_sum_assignment(-scores)
    matched: float = scores[rows, columns].sum() / max(scores.shape)
    return round(float(matched), 2)


def keyword_accuracy(answer: str, keywords: str, category: str) -> float:
    """WebQA's QA-Acc of one question in [0, 1].

    Args:
        answer: what was answered, a word or a sentence.
        keywords: the gold keywords in one string.
        category: WebQA's: color, shape, number, YesNo, choose, Others or text.
    """
    kept = _domain(category)
    ours, theirs = (kept(_webqa_words(text)) for text in (answer, keywords))
    common = (Counter(ours) & Counter(theirs)).total()
    if not common:
        return 0.0
    precision, recall = common / len(ours), common / len(theirs)
    if category in F1_CATEGORIES:
        return 2 * precision * recall / (precision + recall + EPSILON)
    return recall


def _bag_f1(ours: Sequence[str], theirs: Sequence[str]) -> float:
    if not ours or not theirs:
        return float(ours == theirs)
    common = (Counter(ours) & Counter(theirs)).total()
    return 2 * common / (len(ours) + len(theirs))


def _mmqa_items(items: Sequence[str]) -> list[str]:
    return [" ".join(filter(None, map(_mmqa_token, re.split(r"[ -]", item)))) for item in items]


def _mmqa_token(token: str) -> str:
    """One token: lower case, punctuation off unless it is a number, numbers as floats, no articles."""
    token = token.lower()
    if not _is_number(token):
        token = token.translate(_PUNCTUATION)
    if _is_number(token):
        token = str(float(token))
    elif token.strip() in _MMQA_NUMBERS:
        token = str(float(_MMQA_NUMBERS[token.strip()]))
    return " ".join(_ARTICLES.sub(" ", token).split())


def _mmqa_pair(gold: set[str], predicted: set[str]) -> float:
    """F1 of two word sets; 0 if the gold has numbers and none of them was predicted."""
    numbers = {word for word in gold if _is_number(word)}
    if numbers and not numbers & predicted:
        return 0.0
    common = len(gold & predicted)
    precision = common / len(predicted) if predicted else 1.0
    recall = common / len(gold) if gold else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _webqa_words(text: str) -> list[str]:
    """Lower case, without articles and punctuation but for a point before a digit, numbers as plain digits."""
    text = text.strip().strip('"').lower()
    text = re.sub(r"\.(?!\d)", "", text.translate(str.maketrans("", "", string.punctuation.replace(".", ""))))
    words = text.split()
    if len(words) > 1:
        words = _ARTICLES.sub(" ", text).split()
    return [str(int(word)) if word.isdecimal() else str(_NUMBERS.get(word, word)) for word in words]


def _domain(category: str) -> Callable[[list[str]], list[str]]:
    """Which of the words count in a category; a closed domain counts each once."""
    if category == "number":
        return lambda words: [word for word in words if re.fullmatch(r"[+-]?\d+", word)]
    closed = _closed_domains().get(category.lower())
    if closed is not None:
        return lambda words: sorted(closed.intersection(words))
    return lambda words: words


@cache
def _closed_domains() -> Mapping[str, frozenset[str]]:
    text = resources.files("mmrag.metrics").joinpath("webqa_words.json").read_text("utf-8")
    return {name: frozenset(words) for name, words in json.loads(text).items()}
