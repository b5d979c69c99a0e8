"""A policy of random weights: loading, adapters, judging, writing, scoring; by the same lines as any other."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from peft import LoraConfig, get_peft_model
from PIL import Image
from torch import nn
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from mmrag.errors import BadSetting, CheckpointError, UnknownId
from mmrag.policy import load
from mmrag.policy.adapters import Adapters
from mmrag.policy.judging import SharedRunner, batches
from mmrag.policy.load import load_policy
from mmrag.policy.local import LocalPolicy
from mmrag.policy.prompts import JUDGE, RANK, Prompt, Shown, judge_prompt, rank_prompt
from mmrag.policy.whole import WholeRunner, encode_whole, logprobs
from mmrag.types import Document, Modality, Query, Table
from training.architecture import make_model, make_processor, make_tokenizer

TEXTS = [
    JUDGE,
    RANK,
    *(f"Yes. No. The Velmar lighthouse of 18{n} has a red roof, says Ada Brenn." for n in range(70, 99)),
]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer(TEXTS)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """`base` and the adapters `sft` and `stage1`, with weights large enough that every position and picture matters."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    model = make_model(tokenizer)
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "embed" not in name:
            weight.data.mul_(2.5)
    model.save_pretrained(folder / "base")
    make_processor(tokenizer).save_pretrained(folder / "base")
    for stage in ("sft", "stage1"):
        save_adapter(folder / "base", folder / stage)
    return folder


@pytest.fixture(scope="session")
def policy(models: Path) -> LocalPolicy:
    return load_policy(models / "base", {stage: models / stage for stage in ("sft", "stage1")})


@pytest.fixture(autouse=True)
def _base(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "policy" in request.fixturenames:
        request.getfixturevalue("policy").use(None)


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


# Judging


@pytest.mark.parametrize("asked_with", [None, picture(7)], ids=["words", "picture"])
@pytest.mark.parametrize("shown", [MIX, MIX[:1], MIX[1:3], [photo(1)] * 3, [photo(1), photo(2)], [passage(1)] * 2])
def test_judging_together_gives_what_judging_one_by_one_gives(
    policy: LocalPolicy, shown: Sequence[Shown], asked_with: Image.Image | None
) -> None:
    query = Query(QUERY.text, asked_with and png(asked_with))
    judged = [one.p_keep for one in policy.judge(query, shown)]
    alone = [plain(policy, query, one) for one in shown]
    assert judged == pytest.approx(alone, abs=1e-4)


def test_the_random_judge_tells_documents_apart(policy: LocalPolicy) -> None:
    judged = [one.p_keep for one in policy.judge(QUERY, MIX)]
    assert max(judged) - min(judged) > 0.05, "or the equality above would prove nothing"


def test_the_order_of_documents_does_not_change_their_judgement(policy: LocalPolicy) -> None:
    forth, back = policy.judge(QUERY, MIX), policy.judge(QUERY, MIX[::-1])
    assert [one.p_keep for one in forth] == pytest.approx([one.p_keep for one in back[::-1]], abs=1e-5)


def test_nothing_shown_is_nothing_judged(policy: LocalPolicy) -> None:
    assert policy.judge(QUERY, []) == ()


def test_reasons_are_what_the_model_writes_for_each_document_alone(policy: LocalPolicy) -> None:
    runner: SharedRunner = policy._runner  # type: ignore[assignment]
    prompts = [judge_prompt(QUERY, one) for one in MIX]
    together = runner.open(prompts, (0, 1), 6)
    decode = policy._processor.tokenizer.decode
    written = [decode(list(one.tokens), skip_special_tokens=True) for one in together]
    assert written == [whole(policy, prompt, 6) for prompt in prompts]
    assert len(set(written)) > 1


def test_a_reason_that_does_not_begin_with_a_verdict_is_recorded_as_malformed(policy: LocalPolicy) -> None:
    judged = policy.judge(QUERY, MIX, reasons=3)
    assert {one.malformed.reason for one in judged if one.malformed} == {"no_verdict"}
    assert [one.p_keep for one in judged] == pytest.approx([one.p_keep for one in policy.judge(QUERY, MIX)])


def test_each_distinct_picture_passes_the_vision_tower_once(policy: LocalPolicy) -> None:
    seen: list[int] = []
    hook = policy._model.model.visual.register_forward_hook(
        lambda _module, _args, kwargs, _out: seen.append(len(kwargs["grid_thw"])), with_kwargs=True
    )
    same = photo(1)
    policy.judge(Query(QUERY.text, png(picture(7))), [same, same, photo(2), passage(3)])
    hook.remove()
    assert seen == [3]


def test_a_model_of_another_family_is_judged_in_whole_batches_with_the_same_result(policy: LocalPolicy) -> None:
    runner = WholeRunner(policy._model, policy._processor, policy._runner._ends)  # type: ignore[attr-defined]
    prompts = [judge_prompt(QUERY, one) for one in MIX]
    here, there = policy._runner.open(prompts, (300, 301), 4), runner.open(prompts, (300, 301), 4)
    assert [one.tokens for one in here] == [one.tokens for one in there]
    assert [one.yes for one in here] == pytest.approx([one.yes for one in there], abs=1e-3)
    assert list(runner.write(PROMPT, 9, lambda: policy._turn(None))) == list(
        policy._runner.write(PROMPT, 9, lambda: policy._turn(None))
    )


def test_batches_hold_every_row_once_and_little_padding() -> None:
    lengths = [5, 90, 88, 7, 60, 61, 5, 4000, 3000]
    cut = batches(lengths, "cpu")
    assert sorted(index for batch in cut for index in batch) == list(range(len(lengths)))
    for batch in cut:
        held = [lengths[index] for index in batch]
        assert len(held) * max(held) - sum(held) <= 96
        assert len(held) == 1 or len(held) * max(held) <= 4096


# Adapters


def test_switching_the_adapter_changes_the_judgement_and_back(policy: LocalPolicy) -> None:
    def judged(stage: str | None) -> list[float]:
        policy.use(stage)
        return [one.p_keep for one in policy.judge(QUERY, MIX)]

    first = {stage: judged(stage) for stage in (None, *policy.stages)}
    assert policy.stages == ("sft", "stage1")
    assert len({tuple(one) for one in first.values()}) == 3
    for stage in ("stage1", None, "sft", None):
        assert judged(stage) == first[stage], "switching must not leave a trace"


def test_an_adapter_folded_in_gives_what_peft_gives_beside_the_weights(
    policy: LocalPolicy, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmrag.policy.adapters.FOLD_LIMIT", 0)
    beside = load_policy(models / "base", {"sft": models / "sft"})
    beside.use("sft")
    policy.use("sft")
    expected = [one.p_keep for one in beside.judge(QUERY, MIX)]
    assert [one.p_keep for one in policy.judge(QUERY, MIX)] == pytest.approx(expected, abs=1e-4)


def test_an_unknown_stage_is_refused_by_name(policy: LocalPolicy) -> None:
    with pytest.raises(UnknownId, match=r"stage9.*sft, stage1"):
        policy.use("stage9")
    assert policy.stage is None


def test_what_is_being_written_goes_on_with_its_adapter(policy: LocalPolicy) -> None:
    expected = "".join(policy.generate(PROMPT, 12))
    pieces = policy.generate(PROMPT, 12)
    start = next(pieces)
    policy.use("sft")
    policy.judge(QUERY, MIX[:1])
    assert start + "".join(pieces) == expected


# Writing and scoring


@pytest.mark.parametrize("prompt", [PROMPT, rank_prompt(QUERY, [passage(2)])], ids=["pictures", "words"])
def test_the_pieces_of_a_stream_are_the_whole_text(policy: LocalPolicy, prompt: Prompt) -> None:
    pieces = list(policy.generate(prompt, 20))
    assert len(pieces) > 1
    assert "".join(pieces) == whole(policy, prompt, 20)


def test_closing_a_stream_stops_the_model(policy: LocalPolicy) -> None:
    steps: list[int] = []
    hook = policy._model.model.register_forward_hook(lambda *_: steps.append(1))
    pieces = policy.generate(PROMPT, 200)
    next(pieces)
    after_one = len(steps)
    pieces.close()  # type: ignore[attr-defined]
    hook.remove()
    assert len(steps) == after_one
    assert after_one < 10
    assert policy.judge(QUERY, MIX[:1]), "and the model is free again"


def test_a_stream_left_lying_about_blocks_nobody(policy: LocalPolicy) -> None:
    pieces = policy.generate(PROMPT, 50)
    next(pieces)
    assert policy.judge(QUERY, MIX[:1])


def test_writing_ends_before_an_end_token(policy: LocalPolicy) -> None:
    written = list(policy._runner.write(PROMPT, 3, lambda: policy._turn(None)))
    runner = SharedRunner(policy._model, policy._processor, frozenset(written[1:2]))
    assert list(runner.write(PROMPT, 3, lambda: policy._turn(None))) == written[: written.index(written[1])]


@pytest.mark.parametrize("prompt", [PROMPT, rank_prompt(QUERY, [passage(2)])], ids=["pictures", "words"])
def test_logprob_is_that_of_each_token_after_those_before_it(policy: LocalPolicy, prompt: Prompt) -> None:
    completion = "Yes. The roof is red."
    tokens = policy._processor.tokenizer(completion, add_special_tokens=False)["input_ids"]
    text = policy._processor.apply_chat_template(prompt.messages, add_generation_prompt=True) + completion
    inputs = policy._processor(text=[text], images=list(prompt.pictures) or None, return_tensors="pt")
    with torch.inference_mode():
        logs = policy._model(**inputs).logits[0].log_softmax(-1)
    start = inputs["input_ids"].shape[1] - len(tokens)
    direct = sum(float(logs[start + n - 1, token]) for n, token in enumerate(tokens))
    scored = policy.logprob(prompt, completion)
    assert len(scored) == len(tokens)
    assert sum(scored) == pytest.approx(direct, abs=1e-3)
    assert start == policy.count(prompt)


def test_no_token_is_likelier_than_the_one_that_is_written(policy: LocalPolicy) -> None:
    written = list(policy._runner.write(PROMPT, 4, lambda: policy._turn(None)))
    best = logprobs(policy._model, policy._processor, PROMPT, written)
    for place, log in enumerate(best):
        for other in range(7, len(policy._processor.tokenizer), 29):
            rival = logprobs(policy._model, policy._processor, PROMPT, [*written[:place], other])
            assert rival[-1] <= log + 1e-5
    assert policy.logprob(PROMPT, "") == ()


# Loading


def test_the_fingerprint_tells_models_and_stages_apart(policy: LocalPolicy, models: Path) -> None:
    base = policy.fingerprint
    policy.use("sft")
    tuned = policy.fingerprint
    assert (base.adapter, tuned.adapter) == (None, "sft")
    assert base.digest != tuned.digest
    assert len(base.digest) == 16
    assert base.parameters == sum(p.numel() for p in make_model(policy._processor.tokenizer).parameters())
    assert base.memory_bytes >= 4 * base.parameters
    assert (base.dtype, base.device, base.quantization) == (str(policy._model.dtype)[6:], "cpu", "none")


@pytest.mark.parametrize(("quantize", "layer"), [("nf4", Linear4bit), ("int8", Linear8bitLt)])
def test_quantised_loading_packs_the_language_layers_alone(
    policy: LocalPolicy, models: Path, quantize: str, layer: type[nn.Module]
) -> None:
    packed = load_policy(models / "base", {"sft": models / "sft"}, quantize=quantize, device="cpu", dtype="float32")
    names = [name for name, module in packed._model.named_modules() if isinstance(module, layer)]
    assert len(names) == 7 * 6
    assert all("language_model" in name for name in names)
    assert packed._model.lm_head.weight.is_floating_point()
    assert packed.fingerprint.parameters == policy.fingerprint.parameters
    assert packed.fingerprint.memory_bytes < policy.fingerprint.memory_bytes
    for stage in (None, "sft", None):
        packed.use(stage)
        policy.use(stage)
        pairs = zip(packed.judge(QUERY, MIX), policy.judge(QUERY, MIX), strict=True)
        assert sum(abs(a.p_keep - b.p_keep) for a, b in pairs) / len(MIX) < 0.25
    assert "".join(packed.generate(PROMPT, 3))


def test_a_skip_list_that_skips_nothing_is_caught(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "KEPT_WHOLE", ["visual"])
    with pytest.raises(CheckpointError, match="visual"):
        load_policy(models / "base", quantize="nf4", device="cpu")


@pytest.fixture
def copy(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models / "base", tmp_path / "copy"))


def _cut_off(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1)}, folder / "pytorch_model.bin")


def _disguised(folder: Path) -> None:
    torch.save({"x": torch.zeros(1)}, folder / "model.safetensors")


def _garbled(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 5000)


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _bad_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _foreign_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["hidden_size"] = 128
    (folder / "config.json").write_text(json.dumps(config))


def _more_layers(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 8
    config["text_config"].pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))


def _own_code(folder: Path) -> None:
    (folder / "evil.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nclass C: pass\n"
    )
    config = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForImageTextToText": "evil.C"}}
    (folder / "config.json").write_text(json.dumps(config))


def _no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut_off, "damaged or cut short"),
        (_pickled, "pickle.*convert"),
        (_disguised, "pickle under another name"),
        (_garbled, "damaged"),
        (_no_config, "config.json"),
        (_bad_config, "copy"),
        (_foreign_config, "copy"),
        (_more_layers, "missing"),
        (_own_code, "copy"),
        (_no_tokenizer, "tokenizer"),
        (shutil.rmtree, "no checkpoint folder"),
    ],
)
def test_a_damaged_or_unsafe_checkpoint_is_one_error_with_its_path(
    copy: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(copy)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_policy(copy)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (copy / "ran").exists()


def test_a_vocabulary_that_splits_the_verdicts_cannot_judge(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(["nothing to learn from"])
    make_model(tokenizer).save_pretrained(tmp_path)
    make_processor(tokenizer).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="'Yes' as 3 tokens"):
        load_policy(tmp_path)


def _half(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "adapter_model.safetensors")
    save_file(dict(list(state.items())[1:]), folder / "adapter_model.safetensors")


def _surplus(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "adapter_model.safetensors")
    save_file(
        {**state, "base_model.model.strange.lora_A.weight": torch.zeros(4, 4)}, folder / "adapter_model.safetensors"
    )


def _wider(folder: Path) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "r": 8}))


def _elsewhere(folder: Path) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["query_key_value"]}))


def _no_lora(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}')


def _pickled_adapter(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()
    torch.save({}, folder / "adapter_model.bin")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_half, "1 tensors are missing"),
        (_surplus, "1 tensors are unknown"),
        (_wider, "not made for this base"),
        (_elsewhere, "not made for this base"),
        (_no_lora, "no LoRA"),
        (_pickled_adapter, "pickle"),
        (shutil.rmtree, "no folder"),
    ],
)
def test_an_adapter_that_does_not_fit_is_one_error_with_its_path(
    models: Path, policy: LocalPolicy, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, damage: Any, message: str
) -> None:
    folder = Path(shutil.copytree(models / "sft", tmp_path / "other"))
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        Adapters(make_model(tokenizer), {"sft": folder})
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"quantize": "int3"}, {"dtype": "float8"}, {"device": "abacus"}])
def test_a_setting_without_such_a_value_is_refused(models: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=next(iter(wrong.values()))):
        load_policy(models / "base", **wrong)  # type: ignore[arg-type]


def test_probabilities_are_probabilities(policy: LocalPolicy) -> None:
    assert all(0.0 <= one.p_keep <= 1.0 and math.isfinite(one.p_keep) for one in policy.judge(QUERY, MIX))
