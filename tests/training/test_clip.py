"""What retrieval's model learns from."""

from __future__ import annotations

from training.clip import SCENES, ClipConfig, Gallery


def test_what_retrieval_learns_of_a_picture_seldom_tells_the_scene() -> None:
    gallery = Gallery(ClipConfig(looks=6), None)
    said = [gallery.words(index % 6, 0) for index in range(600)]
    scenes = sum(one.endswith((" on the left", " on the right")) and one.count(";") == 2 for one in said) / 600
    assert SCENES / 2 < scenes < 2 * SCENES
    whole = sum(";" in one for one in said) / 600
    assert 0.4 < whole < 0.6, "the other half tells some attributes, as questions do"
