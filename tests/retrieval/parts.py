"""A few documents with their pictures, and a random open_clip checkpoint."""

from __future__ import annotations

import io
import json
from pathlib import Path

import open_clip
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from mmrag.retrieval import Index
from mmrag.retrieval.words import full_text, tokens
from mmrag.types import Document, Modality, Query, Table

TITLES = ("Velmar lighthouse", "Ossa chapel", "Tarn ferry", "Quill windmill")


COLOURS = ("red", "green", "blue", "orange")


def draw(colour: str) -> Image.Image:
    image = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(image).rectangle((20, 20, 76, 76), fill=colour)
    return image


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


DOCUMENTS = (
    *(
        Document(f"image-{i}", Modality.IMAGE, title, f"A view of the {title}.", image=f"{i}.png")
        for i, title in enumerate(TITLES)
    ),
    Document("ada", Modality.PASSAGE, "Ada Brenn", "Ada Brenn of Corl designed the Velmar lighthouse."),
    Document("opening", Modality.PASSAGE, "Opening day", "The Tarn ferry was first sailed in 1931 by Ivo Marr."),
    Document("towns", Modality.TABLE, "Towns", table=Table(("Town", "People"), (("Corl", "812"), ("Ossa", "97")))),
    Document("strange", Modality.PASSAGE, "<script>", "東京の塔 ${x} {{y}} \u0000 \\( \u202e"),
)


PICTURES = {f"image-{i}": draw(colour) for i, colour in enumerate(COLOURS)}


def write_checkpoint(folder: Path, seed: int = 0) -> Path:
    """A random open_clip model in the `local-dir:` form in which the embedded one is stored."""
    words = sorted({word for document in DOCUMENTS for word in tokens(full_text(document))})
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[BOS]", "[EOS]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    model = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {
            "context_length": 24, "vocab_size": len(vocabulary), "hf_tokenizer_name": "local", "width": 32, "heads": 2,
            "layers": 1, "pool_type": "eos", "eos_id": 3, "pad_id": 0,
        },
    }  # fmt: skip
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
    torch.manual_seed(seed)
    made = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    save_file(
        {name: part.contiguous() for name, part in made.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return folder


QUERIES = (
    Query("What colour is the roof of the Velmar lighthouse?"),
    Query("How many people live in Corl?"),
    Query("東京"),
    Query("When did it open?", png(draw("blue"))),
)


def results(index: Index) -> list[list[tuple[str, float]]]:
    hits = [index.search(query, 6) for query in QUERIES]
    return [[(hit.document.id, round(hit.score, 6)) for hit in found] for found in hits]
