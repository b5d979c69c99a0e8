"""The single skills that pre-training exercises on a world: seeing, reading, copying, finding, matching.

Ours. Every function takes a world and a random generator and gives one `Example`. Every token of the output formats is
written here (Yes, No, the parts' marks): an adapter leaves the embeddings alone, so a token that the base never wrote
is one that no adapter can teach it to write. Questions that need two steps are here too (`follow`, `plan`, `chain`), as
they are in what large models read: reinforcement makes likely what a model can do, and what it never does is never
rewarded (docs/benchmarks.md). Later in the run a share of the lessons is asked in the words of use, long as they are,
so that fine-tuning need not spend itself on reading past them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mmrag.policy.grammar import NOT_FOUND
from mmrag.policy.prompts import (
    Prompt,
    Shown,
    as_text,
    asked_of,
    document_parts,
    judge_prompt,
    question_parts,
    rank_prompt,
)
from mmrag.types import Document, Modality, Query, Question
from training.classroom import Classroom, as_png
from training.data import (
    ABSENT,
    Example,
    capitalised,
    judge_target,
    ranking,
    reasoning,
    subject,
    verdict,
    written,
)
from training.world.looks import Look, View, told
from training.world.questions.asked_with import recognised

COMPOSED = 0.3  # of the lessons in judging are of questions that need a second document
MISSING = 0.3  # of the lessons in reading have no answer among their documents
THAT = "that one"  # what the step before has found, where a second step is told
UNANSWERABLE = 0.06  # of the lessons in reading ask what no document of the world says


def describe(room: Classroom) -> Example:
    """Say everything that can be asked of a picture: a dense lesson for the vision tower."""
    document = room.rng.choice(room.pictures)
    look, view = room.world.views[document.id]
    picture = room.shown(document.id).picture
    if room.rng.random() < 0.5:
        picture, view = room.world.fresh_picture(document.id, room.rng, room.drawn)
    return Example(Prompt.of(picture, "\nDescribe the picture."), description(look, view), "describe")


def pick(room: Classroom) -> Example:
    """Describe one of several pictures: whose each is, its caption says, and every word tells which was looked at."""
    first, chosen = room.alike()
    prompt = Prompt.of(*asked_of(Query(f"Describe {subject(first)}."), [room.shown(one.id) for one in chosen]))
    return Example(prompt, description(*room.world.views[first.id]), "pick")


def description(look: Look, view: View) -> str:
    """A picture in words: its kind, each attribute, and what belongs to this view alone."""
    scene = f"{view.weather}, {view.hour}, {view.beside} on the {view.side}"
    return f"{look.kind}; {told(look)}; {scene}"


def read(room: Classroom) -> Example:
    """Find the one document that answers, say what it says, and answer; or say that none does."""
    unanswerable = room.unanswerable and room.rng.random() < UNANSWERABLE
    question = room.rng.choice(room.unanswerable if unanswerable else room.single)
    shown = room.shuffled(question, room.rng.randint(1, room.documents))
    return _reading(room, question, room.query(question), shown, "read")


def seek(room: Classroom) -> Example:
    """Like `read`, of what must be found before it can be named: by a row, by a look, by what is said of it."""
    question = room.rng.choice(room.sought or room.single)
    shown = room.shuffled(question, room.rng.randint(1, room.documents))
    return _reading(room, question, room.query(question), shown, "seek")


def column(room: Classroom) -> Example:
    """Say what a column decides, from its table alone: many for the price of one of `seek`, which has them rarely."""
    question = room.world.over_column(room.rng)
    if question is None:
        return cells(room)
    shown = [room.shown(one) for one in question.evidence]
    return _reading(room, question, Query(question.question), shown, "column")


def survey(room: Classroom) -> Example:
    """Answer several questions from the same documents, a sentence each: `read` has one for as much to read."""
    rng = room.rng
    first = rng.choice(room.told)
    others = rng.sample(room.told, min(len(room.told), 40))
    others.sort(key=lambda one: not set(one.evidence) & {*first.negatives, *first.evidence})
    asked = list({one.hops[0].statement: one for one in (first, *others)}.values())[: rng.randint(2, 4)]
    gold = list(dict.fromkeys(one.evidence[0] for one in asked))
    near = [one for one in first.negatives if one not in gold]
    ids = [*gold, *rng.sample(near, min(len(near), max(0, room.documents - len(gold))))]
    if rng.random() < 2 * MISSING:
        ids.remove(rng.choice(gold))
    rng.shuffle(ids)
    rng.shuffle(asked)
    number = {one: index for index, one in enumerate(ids, start=1)}
    said = [reasoning(one.hops[0], number) if one.evidence[0] in number else ABSENT for one in asked]
    query = Query(" ".join(one.question for one in asked))
    prompt = Prompt.of(*asked_of(query, [room.shown(one) for one in ids]))
    return Example(prompt, f"<think>{' '.join(said)}</think>", "survey")


def follow(room: Classroom) -> Example:
    """Take two steps that are told, the second from what the first finds; then answer it, or what both decide."""
    if not room.chains:  # in the curriculum's first worlds
        return read(room)
    question = room.rng.choice(room.chains)
    told = steps(question)
    decided = ", ".join(question.answers) != question.hops[1].answer
    return _in_two_steps(room, question, f"{told} {question.question}" if decided else told, "follow")


def chain(room: Classroom) -> Example:
    """Take two steps that are not told, of a question as it is asked in use: what `plan` says, as `follow` does it."""
    if not room.chains:
        return read(room)
    question = room.rng.choice(room.chains)
    return _in_two_steps(room, question, question.question, "chain")


def plan(room: Classroom) -> Example:
    """Say the steps of a question that needs two, without taking them."""
    if not room.chains:
        return echo(room)
    question = room.rng.choice(room.chains)
    parts = ["Question: ", *question_parts(room.query(question)), "\nIn which steps?"]
    return Example(Prompt.of(*parts), steps(question), f"plan {question.type}")


def steps(question: Question) -> str:
    """The questions of two hops, the second without what the first finds."""
    first, second = question.hops
    return f"{first.question} {second.question.replace(f'the {first.answer}', THAT).replace(first.answer, THAT)}"


def look(room: Classroom) -> Example:
    """Answer from one picture, or from one of two: what `read` asks, with little to find and all to see."""
    question = room.rng.choice(room.seen)
    shown = room.shuffled(question, room.rng.randint(1, 2))
    return _reading(room, question, room.query(question), shown, "look")


def conclude(room: Classroom) -> Example:
    """Answer from sentences that say all there is to know: mostly yes or no."""
    question = room.world.yes_or_no(room.rng) if room.rng.random() < 0.75 else room.rng.choice(room.reasoned)
    said = " ".join(f"{capitalised(hop.statement)}." for hop in question.hops)
    target = f"<answer> {', '.join(question.answers)}</answer>"
    return Example(Prompt.of(f"{said}\nQuestion: {question.question}"), target, f"conclude {question.category}")


def quote(room: Classroom) -> Example:
    """Like `read`, of documents of one sentence: several lessons in telling things apart for the price of one."""
    category = room.rng.choice(sorted({question.category for question in room.told}))
    question = room.rng.choice([question for question in room.told if question.category == category])
    shown = room.sentences(question, room.rng.randint(2, 2 + room.documents))
    return _reading(room, question, Query(question.question), shown, "quote")


def cite(room: Classroom) -> Example:
    """Say of several sentences which document each is: four numbers to learn from, where an answer has one."""
    shown = room.sentences(room.rng.choice(room.told), room.rng.randint(2, 2 + room.documents))
    number = {one.document.text: index for index, one in enumerate(shown, start=1)}
    asked = room.rng.sample(list(number), min(len(number), 4))
    cited = " ".join(f"{sentence[:-1]} [{number[sentence]}]." for sentence in asked)
    prompt = Prompt.of(*asked_of(Query(f"Where is it said? {' '.join(asked)}"), shown))
    return Example(prompt, f"<think>{cited}</think>", "cite")


def agree(room: Classroom) -> Example:
    """Say for several questions what is so, where it is said, and whether that agrees: one would be one bit."""
    asked = [room.world.yes_or_no(room.rng) for _ in range(room.rng.randint(2, 4))]
    said = {f"{capitalised(one.hops[0].statement)}.": one for one in asked}  # what is asked twice is said once
    shown = [Shown(Document(str(n), Modality.PASSAGE, "", text)) for n, text in enumerate(said)]
    room.rng.shuffle(shown)
    number = {one.document.text: index for index, one in enumerate(shown, start=1)}
    found = " ".join(f"{text[:-1]} [{number[text]}]: {one.answers[0]}." for text, one in said.items())
    questions = " ".join(one.question for one in said.values())
    return Example(Prompt.of(*asked_of(Query(questions), shown)), f"<think>{found}</think>", "agree")


def find(room: Classroom) -> Example:
    """Say which documents are about a named thing, among things of similar names."""
    question = room.rng.choice(room.single)
    shown = room.shuffled(question, max(2, room.documents))
    about = subject(room.rng.choice(shown).document)
    found = [f"[{index}]" for index, one in enumerate(shown, start=1) if subject(one.document) == about]
    prompt = Prompt.of(*asked_of(Query(f"Which are about {about}?"), shown))
    return Example(prompt, f"<rank>{' > '.join(found)}</rank>", "find")


def weigh(room: Classroom) -> Example:
    """Say whether one document is of use for a question, and what it is about.

    Some questions need two: of the second no more is known than what it must be about, and that is of use.
    """
    pool = room.chains if room.chains and room.rng.random() < COMPOSED else room.single
    question = room.rng.choice(pool)
    wanted = room.rng.random() < 0.5
    rivals = room.rivals(question)
    other = room.rng.choice(rivals) if rivals else room.world.lookalikes(question, 1, room.rng)[0]
    shown = room.shown(room.rng.choice(question.evidence) if wanted else other)
    return _judged(room, room.query(question), shown, judge_target(question, shown.document), "weigh")


def match(room: Classroom) -> Example:
    """Say whether a document shows the thing on the question's picture: `same`, as it is met in use."""
    first, chosen = room.alike()
    picture, _ = room.world.fresh_picture(first.id, room.rng, room.drawn)
    document = first if room.rng.random() < 0.5 else next(one for one in chosen if one != first)
    look, _ = room.world.views[first.id]
    town = first.text.rpartition(", ")[2]
    target = verdict(document, recognised(look, subject(first), town) if document == first else None)
    return _judged(room, Query("What is this?", as_png(picture)), room.shown(document.id), target, "match")


def cells(room: Classroom) -> Example:
    """Read one row of a table aloud, with the names of its columns."""
    document = room.rng.choice(room.tables)
    assert document.table is not None
    row = room.rng.choice(document.table.rows)
    spoken = ", ".join(f"{name} {cell}" for name, cell in zip(document.table.header[1:], row[1:], strict=True))
    return Example(Prompt.of(f"{as_text(document)}\nRead the row of {row[0]}."), spoken, "cells")


def echo(room: Classroom) -> Example:
    """Write a document out again: a lesson in copying with every word, where an answer has it in two or three."""
    text = as_text(room.rng.choice(room.written))
    return Example(Prompt.of(f"{text}\nRepeat it."), text, "echo")


def identify(room: Classroom) -> Example:
    """Say what the question's picture shows, and which of several shows the same, taken from elsewhere."""
    first, chosen = room.alike()
    picture, _ = room.world.fresh_picture(first.id, room.rng, room.drawn)
    town = first.text.rpartition(", ")[2]
    prompt = Prompt.of(*asked_of(Query("What is this?", as_png(picture)), [room.shown(one.id) for one in chosen]))
    look, _ = room.world.views[first.id]
    said = f"{capitalised(recognised(look, subject(first), town))} [{chosen.index(first) + 1}]."
    return Example(prompt, f"<think>{said}</think>", "identify")


def sift(room: Classroom) -> Example:
    """Say of each of several documents whether it shows the thing on the question's picture: `match`, many at once."""
    first, chosen = room.alike()
    if len(chosen) > 2 and room.rng.random() < MISSING:
        chosen.remove(first)
    picture, _ = room.world.fresh_picture(first.id, room.rng, room.drawn)
    prompt = Prompt.of(
        *asked_of(Query("Which of them is this?", as_png(picture)), [room.shown(one.id) for one in chosen])
    )
    told = " ".join(f"[{index}]: {'yes' if one == first else 'no'}." for index, one in enumerate(chosen, start=1))
    return Example(prompt, f"<think>{told}</think>", "sift")


def same(room: Classroom) -> Example:
    """Say whether two pictures show the same thing, however each was taken."""
    first = room.rng.choice(room.pictures)
    kind = room.world.views[first.id][0].kind
    rivals = [d for d in room.pictures if d.id != first.id and room.world.views[d.id][0].kind == kind]
    alike = room.rng.random() < 0.5 or not rivals
    chosen = first if alike else room.rng.choice(rivals)
    other, _ = room.world.fresh_picture(chosen.id, room.rng, room.drawn)
    return Example(
        Prompt.of(room.shown(first.id).picture, " ", other, "\nIs it the same one?"), "yes" if alike else "no", "same"
    )


SKILLS: Mapping[Callable[[Classroom], Example], float] = {  # of all lessons; short ones cost little
    describe: 0.07,
    pick: 0.06,
    look: 0.04,
    read: 0.13,
    seek: 0.09,
    column: 0.04,
    follow: 0.08,
    plan: 0.02,
    chain: 0.09,
    survey: 0.04,
    quote: 0.02,
    cite: 0.02,
    conclude: 0.02,
    agree: 0.02,
    find: 0.01,
    weigh: 0.1,
    match: 0.08,
    sift: 0.03,
    cells: 0.01,
    echo: 0.01,
    identify: 0.01,
    same: 0.02,
}


def lesson(room: Classroom) -> Example:
    """One example of a skill drawn by its share; those under stress have their own, the others share what is left."""
    usual = sum(share for skill, share in SKILLS.items() if skill.__name__ not in room.stress)
    left = 1.0 - sum(room.stress.values())
    weights = [room.stress.get(skill.__name__, share / usual * left) for skill, share in SKILLS.items()]
    return room.rng.choices(list(SKILLS), weights)[0](room)


def _reading(room: Classroom, question: Question, query: Query, shown: Sequence[Shown], skill: str) -> Example:
    """Reasoning and answer over the shown documents; in some lessons without the one that answers."""
    missing = not question.hops or (len(shown) > 1 and room.rng.random() < MISSING)
    if missing:
        shown = [one for one in shown if one.document.id not in question.evidence]
        return _answered(room, query, shown, (ABSENT, (), NOT_FOUND), f"{skill} absent")
    number = {one.document.id: index for index, one in enumerate(shown, start=1)}
    said = reasoning(question.hops[0], number), ranking(question.hops, number), ", ".join(question.answers)
    return _answered(room, query, shown, said, f"{skill} {question.category}")


def _in_two_steps(room: Classroom, question: Question, asked: str, skill: str) -> Example:
    """Both steps and the answer over the shown documents; in some lessons one is lacking, which ends it."""
    query = replace(room.query(question), text=asked)
    shown = room.shuffled(question, room.rng.randint(len(question.evidence), max(2, room.documents)))
    if len(shown) > 1 and room.rng.random() < MISSING / 2:
        lost = room.rng.choice(question.evidence)
        shown = [one for one in shown if one.document.id != lost]
        return _answered(room, query, shown, (ABSENT, (), NOT_FOUND), f"{skill} absent")
    number = {one.document.id: index for index, one in enumerate(shown, start=1)}
    think = " ".join(reasoning(hop, number) for hop in question.hops)
    said = think, ranking(question.hops, number), ", ".join(question.answers)
    return _answered(room, query, shown, said, f"{skill} {question.type}")


def _answered(
    room: Classroom, query: Query, shown: Sequence[Shown], said: tuple[str, tuple[int, ...], str], skill: str
) -> Example:
    """A lesson whose end is an answer: in the words of use, with the ranking, or in few words and without."""
    if room.rng.random() < room.instructed:
        return Example(rank_prompt(query, shown), written(*said), skill)
    think, _, answer = said
    target = f"<think>{think}</think><answer> {answer}</answer>"
    return Example(Prompt.of(*asked_of(query, shown)), target, skill)


def _judged(room: Classroom, query: Query, shown: Shown, target: str, skill: str) -> Example:
    """A lesson whose answer is a verdict: in the words of use, or in few."""
    if room.rng.random() < room.instructed:
        return Example(judge_prompt(query, shown), target, skill)
    parts = ["Question: ", *question_parts(query), "\n", *document_parts(shown), "\nIs it of use?"]
    return Example(Prompt.of(*parts), target, skill)
