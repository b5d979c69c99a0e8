"""What a picture shows, whose of several it is, and which two show the same thing."""

from __future__ import annotations

from collections.abc import Sequence

from mmrag.policy.prompts import Prompt, Shown, asked_of
from mmrag.types import Query
from training.classroom import Classroom, as_png
from training.data import Example, sentence, subject
from training.skills.answering import answered_from, told_apart
from training.world.looks import Look, View, told


def describe(room: Classroom) -> Example:
    """Say everything that can be asked of a picture: a dense lesson for the vision tower."""
    document = room.rng.choice(room.pictures)
    look, view = room.world.views[document.id]
    picture = room.shown(document.id).picture
    if room.rng.random() < 0.5:
        picture, view = room.world.fresh_picture(document.id, room.rng, room.drawn)
    return Example(Prompt.of(picture, "\nDescribe the picture."), description(look, view), "describe")


def description(look: Look, view: View) -> str:
    """A picture in words: its kind, each attribute, and what belongs to this view alone."""
    scene = f"{view.weather}, {view.hour}, {view.beside} on the {view.side}"
    return f"{look.kind}; {told(look)}; {scene}"


def pick(room: Classroom) -> Example:
    """Describe one of several pictures: whose each is, its caption says, and every word tells which was looked at."""
    first, chosen = room.alike()
    shown = [room.shown(one.id) for one in chosen]
    prompt = Prompt.of(*asked_of(Query(f"Describe {subject(first)}."), shown))
    return Example(prompt, description(*room.world.views[first.id]), "pick", told_apart(shown, (first.id,)))


def look(room: Classroom) -> Example:
    """Answer from one picture, or from one of two: what `read` asks, with little to find and all to see."""
    question = room.rng.choice(room.seen)
    shown = room.shuffled(question, room.rng.randint(1, 2))
    return answered_from(room, question, room.query(question), shown, "look")


def identify(room: Classroom) -> Example:
    """Say what the question's picture shows, and which of several shows the same, taken from elsewhere."""
    first, chosen = room.alike()
    picture, _ = room.world.fresh_picture(first.id, room.rng, room.drawn)
    shown = [room.shown(one.id) for one in chosen]
    prompt = Prompt.of(*asked_of(Query("What is this?", as_png(picture)), shown))
    said = sentence(room.recognised(first), (first.id,), numbers(shown))
    return Example(prompt, f"<think>{said}</think>", "identify", told_apart(shown, (first.id,)))


def caption(room: Classroom) -> Example:
    """Say whose the pictures of some numbers are, as their captions do: how `identify` ends.

    A model that had said what it saw and where then named another picture in three of five.
    """
    _, chosen = room.alike()
    shown = [room.shown(one.id) for one in chosen]
    asked = room.rng.sample(chosen, room.rng.randint(1, min(4, len(chosen))))
    number = numbers(shown)
    said = [f"[{number[one.id]}] is {room.whose(one)} [{number[one.id]}]." for one in asked]
    query = Query(f"What are these? {'; '.join(str(number[one.id]) for one in asked)}")
    helps = told_apart(shown, {one.id for one in asked})
    return Example(Prompt.of(*asked_of(query, shown)), f"<think>{' '.join(said)}</think>", "caption", helps)


def spot(room: Classroom) -> Example:
    """Say whose each of several descriptions is: the half of `identify` that comes after seeing, told several times.

    A model that wrote down what the question's picture shows without a slip then named another thing in two of five.
    """
    _, chosen = room.alike()
    asked = room.rng.sample(chosen, room.rng.randint(1, min(4, len(chosen))))
    described = [f"{look.kind} ({told(look)})" for look, _ in (room.world.views[one.id] for one in asked)]
    shown = [room.shown(one.id) for one in chosen]
    number = numbers(shown)
    said = [sentence(room.recognised(one), (one.id,), number) for one in asked]
    query = Query(f"Which are these? {'; '.join(described)}")
    helps = told_apart(shown, {one.id for one in asked})
    return Example(Prompt.of(*asked_of(query, shown)), f"<think>{' '.join(said)}</think>", "spot", helps)


def numbers(shown: Sequence[Shown]) -> dict[str, int]:
    """The number of each document shown, by id."""
    return {one.document.id: index for index, one in enumerate(shown, start=1)}


def same(room: Classroom) -> Example:
    """Say whether two pictures show the same thing, however each was taken."""
    first = room.rng.choice(room.pictures)
    alike = room.rng.random() < 0.5
    chosen = first if alike else room.another(first)
    other, _ = room.world.fresh_picture(chosen.id, room.rng, room.drawn)
    return Example(
        Prompt.of(room.shown(first.id).picture, " ", other, "\nIs it the same one?"), "yes" if alike else "no", "same"
    )
