"""What several subjects are tested on: a small drawn collection, and random checkpoints of the real classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from peft import LoraConfig, get_peft_model
from PIL import Image, ImageDraw

from mmrag.policy.prompts import JUDGE, RANK
from mmrag.session import OpenCollection, Session, open_collection, open_session
from tests.retrieval.parts import write_checkpoint
from training.architecture import make_model, make_processor, make_tokenizer

# The same examples each time; others: pytest --hypothesis-profile=default.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")

TEXTS = {
    "lights": ("The lights of Orsk", "The Velmar lighthouse was designed by Ada Brenn and opened in 1874."),
    "harbour": ("Harbour of Orsk", "The harbour of Orsk has two moles and a ferry to Velm."),
    "ada": ("Ada Brenn", "Ada Brenn was born in Tolm and learned to draw from her aunt."),
}
PICTURES = {
    "velmar": ("Velmar lighthouse", "#c8372d"),
    "gegim": ("Gegim chapel", "#3f6fb0"),
    "petrel": ("Ferry Petrel", "#3d8a5f"),
}
RED = {
    "question": "What colour is its roof?",
    "kb": "image",
    "answer": "red",
    "evidence": ["velmar"],
    "statement": "the roof of the Velmar lighthouse is red",
}
QUESTIONS = (
    {
        "id": "q1", "question": "What colour is the roof of the Velmar lighthouse?", "answers": ["red"],
        "keywords": ["red"], "evidence": ["velmar"], "negatives": ["gegim", "petrel", "ada", "harbour", "towers"],
        "category": "color", "type": "ImageQ", "split": "dev", "hops": [RED],
    },
    {
        "id": "q2", "question": "When was this opened?", "image": "asked.png", "answers": ["1874"],
        "keywords": ["1874"], "evidence": ["lights"], "negatives": ["ada", "harbour", "gegim", "petrel", "towers"],
    },
    {
        "id": "q3", "question": "Who painted the town hall of Orsk?", "answers": ["not in the collection"],
        "negatives": ["ada", "harbour", "lights", "petrel", "towers"], "split": "dev",
    },
    {
        "id": "q4", "question": "How high is Gegim chapel?", "answers": ["18"], "keywords": ["18"],
        "evidence": ["towers"], "negatives": ["gegim", "velmar", "lights"], "type": "TableQ", "split": "dev",
    },
)  # fmt: skip


def draw(roof: str) -> Image.Image:
    image = Image.new("RGB", (160, 120), "#cfe3f2")
    pen = ImageDraw.Draw(image)
    pen.rectangle((60, 50, 100, 110), fill="#efe9dc")
    pen.polygon(((52, 50), (108, 50), (80, 15)), fill=roof)
    return image


@pytest.fixture(scope="session")
def tiny_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, three passages, a table and four questions, one of each sort."""
    folder = tmp_path_factory.mktemp("collections") / "orsk"
    folder.mkdir()
    lines: list[dict[str, str]] = []
    for name, (title, roof) in PICTURES.items():
        draw(roof).save(folder / f"{name}.png")
        lines.append(
            {"id": name, "kind": "image", "title": title, "text": f"A view of {title}.", "image": f"{name}.png"}
        )
    lines += [{"id": name, "kind": "passage", "title": title, "text": text} for name, (title, text) in TEXTS.items()]
    (folder / "towers.csv").write_text("name,height\nVelmar lighthouse,41\nGegim chapel,18\n", "utf-8")
    lines.append({"id": "towers", "kind": "table", "title": "Towers of Orsk", "table": "towers.csv"})
    draw("#c8372d").rotate(3, fillcolor="#cfe3f2").save(folder / "asked.png")
    for name, rows in (("corpus.jsonl", lines), ("questions.jsonl", QUESTIONS)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model's own shape with random weights, and a random `sft` adapter beside it."""
    folder = tmp_path_factory.mktemp("models") / "policy"
    texts = [text for _, text in TEXTS.values()] + [f"user\n{JUDGE}\n{RANK}\nassistant\nYes. No. Yes No"] * 20
    torch.manual_seed(7)
    tokenizer = make_tokenizer(texts)
    model = make_model(tokenizer)
    model.save_pretrained(folder)
    make_processor(tokenizer).save_pretrained(folder)
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.save_pretrained(folder.parent / "sft")
    return folder


@pytest.fixture(scope="session")
def random_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random open_clip model."""
    return write_checkpoint(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexes and traces of tests never reach the user's own folder."""
    folder = tmp_path_factory.mktemp("data")
    patch = pytest.MonkeyPatch()
    patch.setenv("MMRAG_DATA", str(folder))
    return folder


@pytest.fixture(scope="session")
def opened(tiny_collection: Path, random_encoder: Path) -> OpenCollection:
    """The small collection with its index."""
    return open_collection(tiny_collection, encoder=random_encoder)


@pytest.fixture(scope="session")
def session(opened: OpenCollection, random_checkpoint: Path) -> Session:
    """The small collection and the random model."""
    return open_session(opened, checkpoint=random_checkpoint)
