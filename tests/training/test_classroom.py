"""What is shown beside the evidence: rivals, other pictures, and what is left out."""

from __future__ import annotations

import random
import re
from collections import Counter

from training.classroom import OF_A_KIND, Classroom
from training.skills.steps import chain
from training.world import World


def test_some_questions_of_two_steps_rest_on_one_table(room: Classroom) -> None:
    told = [chain(room).target for _ in range(150)]
    assert 4 < sum(bool(re.search(r"(\[\d\])\. .*\1\.</think>", one)) for one in told) < 40


def test_a_picture_is_told_apart_from_those_of_its_kind_and_from_any(room: Classroom) -> None:
    kinds = {one.id: room.world.views[one.id][0].kind for one in room.pictures}
    pairs = [
        (one, room.another(one))
        for one in room.pictures
        for _ in range(60)
        if list(kinds.values()).count(kinds[one.id]) > 1
    ]
    assert all(one != other for one, other in pairs)
    alike = sum(kinds[one.id] == kinds[other.id] for one, other in pairs) / len(pairs)
    assert abs(alike - OF_A_KIND) < 0.1


def test_among_rivals_what_is_sought_is_told_of_no_more_than_its_kin() -> None:
    """A model that learned where the answer was named most often named what was told of most, and failed in use."""
    told: Counter[str] = Counter()
    for seed in range(40, 44):
        world = World(seed, 40)
        room = Classroom(world, tuple(world.questions(120, "train")), random.Random(seed), 3)
        mentions = world.library.mentions
        for question in room.sought:
            found = next((one for one in world.facts.entities if one.name == question.answers[0]), None)
            kin = [one for one in world.facts.entities if found and one.kind == found.kind and one is not found]
            if not found or not kin:
                continue
            for name, documents in (("rivals", room.rivals(question)), ("negatives", question.negatives)):
                told[f"{name} found"] += len(set(documents) & set(mentions[found.name]))
                told[f"{name} kin"] += sum(len(set(documents) & set(mentions[one.name])) for one in kin) / len(kin)
    assert told["negatives found"] > 2 * told["negatives kin"], "so these give the answer away"
    assert told["rivals found"] < told["rivals kin"], "and these do not: one document is told already, the evidence"


def test_rivals_are_of_the_evidence_s_sort_and_never_evidence(room: Classroom) -> None:
    role = room.world.library.role
    for question in room.questions:
        rivals = room.rivals(question)
        assert len(set(rivals)) == len(rivals)
        assert not set(rivals) & set(question.evidence)
    for question in room.sought:
        wanted = {role[one] for one in question.evidence}
        there = {one for one, name in role.items() if name in wanted and one not in question.evidence}
        assert there <= set(room.rivals(question))


def test_of_two_steps_the_last_is_lacking_oftener_than_the_first(room: Classroom) -> None:
    two = [one for one in room.chains if len(one.evidence) == 2] * 40
    last = sum(one.evidence[-1] not in {shown.document.id for shown in room.lacking(one, 5)} for one in two)
    assert 0.55 < last / len(two) < 0.8
