"""Documents, a question and a prompt to put to a policy, and the plain way to do what it does."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import AutoModelForImageTextToText

from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import JUDGE, RANK, Prompt, Shown, judge_prompt, rank_prompt
from mmrag.policy.whole import encode_whole
from mmrag.types import Document, Modality, Query, Table

TEXTS = [
    JUDGE,
    RANK,
    *(f"Yes. No. The Velmar lighthouse of 18{n} has a red roof, says Ada Brenn." for n in range(70, 99)),
]


def save_adapter(base: Path, folder: Path, **settings: Any) -> None:
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    settings = {"r": 4, "target_modules": "all-linear", "exclude_modules": ".*visual.*", **settings}
    get_peft_model(model, LoraConfig(init_lora_weights=False, **settings)).save_pretrained(folder)


def picture(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    noise = torch.randint(0, 256, (*size, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return Image.fromarray(noise.numpy())


def passage(words: int) -> Shown:
    return Shown(Document(f"p{words}", Modality.PASSAGE, "Velmar", " ".join(["The red roof."] * words)))


def photo(seed: int, caption: str = "The Velmar lighthouse.") -> Shown:
    return Shown(Document(f"i{seed}", Modality.IMAGE, "Velmar", caption, image="x.png"), picture(seed, (64, 48 + seed)))


def table(rows: int) -> Shown:
    cells = tuple((f"Velmar {n}", f"18{n}") for n in range(rows))
    return Shown(Document(f"t{rows}", Modality.TABLE, "Lighthouses", table=Table(("name", "year"), cells)))


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


MIX = [photo(1), passage(1), table(4), photo(2), passage(9), photo(1), table(1), passage(2)]
QUERY = Query("What colour is the roof of the Velmar lighthouse?")
PROMPT = rank_prompt(QUERY, MIX[:3])


def plain(policy: LocalPolicy, query: Query, one: Shown) -> float:
    """P(keep) as published: one document, one forward, two logits."""
    tokenizer, inputs = policy._processor.tokenizer, encode_whole(policy._processor, [judge_prompt(query, one)])
    with torch.inference_mode():
        logits = policy._model(**inputs).logits[0, -1]
    yes, no = (tokenizer.convert_tokens_to_ids(word) for word in ("Yes", "No"))
    return float(logits[[yes, no]].softmax(-1)[0])


def whole(policy: LocalPolicy, prompt: Prompt, new_tokens: int) -> str:
    inputs = encode_whole(policy._processor, [prompt])
    written = policy._model.generate(**inputs, max_new_tokens=new_tokens, do_sample=False)
    return str(policy._processor.tokenizer.decode(written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
