"""The model families that users train, built without a hub: the real classes, with random weights.

At full size they have the published widths and depths of the checkpoint of that name; shrunk, a few thousandths of
them, with the same classes, processors and chat forms. The tokenizer is the embedded model's, made larger by nothing:
what a prompt costs in text tokens is therefore ours, what a picture costs is the family's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessor,
    Gemma3Processor,
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

from mmrag.errors import BadSetting
from training.architecture import CHAT_TEMPLATE, make_tokenizer
from training.vocabulary import texts

GEMMA_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' }}"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for block in message.content -%}"
    "{%- if block.type == 'image' -%}{{ '<start_of_image>' }}"
    "{%- elif block.type == 'text' -%}{{ block.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<end_of_turn>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}"
)


@dataclass(frozen=True)
class Family:
    """How one checkpoint of the hub is built here."""

    model: Any  # the class
    config: Callable[[Any, bool], Any]  # of (tokenizer, shrunk)
    processor: Callable[[Any, bool], Any]
    tokenizer: Callable[[PreTrainedTokenizerFast], Any] = lambda tokenizer: tokenizer  # with the family's own marks

    def build(self, shrunk: bool) -> tuple[Any, Callable[[], Any]]:
        """The processor with its tokenizer, and a function that makes the network."""
        tokenizer = self.tokenizer(make_tokenizer(texts(worlds=4)))
        processor, config = self.processor(tokenizer, shrunk), self.config(tokenizer, shrunk)

        def network() -> Any:
            model = self.model(config)
            model.generation_config = GenerationConfig(
                do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
            )
            return model

        return processor, network


def family(hub: str) -> Family:
    """The family of a checkpoint of the hub.

    Raises:
        BadSetting: it is not built here.
    """
    if hub not in FAMILIES:
        raise BadSetting(f"base is {hub!r}; what can be built without a hub is {', '.join(FAMILIES)}")
    return FAMILIES[hub]


def _qwen_tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    token = tokenizer.convert_tokens_to_ids
    return {
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
    }


def _text(tokenizer: PreTrainedTokenizerFast, shrunk: bool, full: Mapping[str, Any], small: Mapping[str, Any]) -> Any:
    """The language model's part: `full`, or `full` with the widths of `small` and our vocabulary."""
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    return {**full, **ids, **({**small, "vocab_size": len(tokenizer)} if shrunk else {})}


def _qwen3_vl(tokenizer: PreTrainedTokenizerFast, shrunk: bool) -> Qwen3VLConfig:
    rope = {"rope_type": "default", "rope_theta": 5_000_000.0, "mrope_interleaved": True}
    text = _text(
        tokenizer,
        shrunk,
        {
            "vocab_size": 151_936,
            "hidden_size": 2560,
            "intermediate_size": 9728,
            "num_hidden_layers": 36,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "max_position_embeddings": 262_144,
            "rope_parameters": {**rope, "mrope_section": [24, 20, 20]},
            "tie_word_embeddings": True,
        },
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "rope_parameters": {**rope, "mrope_section": [4, 2, 2]},
        },
    )
    vision = {
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": 2560,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": [5, 11, 17],
    }
    small = {"depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64}
    if shrunk:
        vision |= {**small, "deepstack_visual_indexes": [0, 1], "num_position_embeddings": 64}
    return Qwen3VLConfig(text_config=text, vision_config=vision, **_qwen_tokens(tokenizer), tie_word_embeddings=True)


def _qwen2_5_vl(tokenizer: PreTrainedTokenizerFast, shrunk: bool) -> Qwen2_5_VLConfig:
    rope = {"rope_type": "default", "rope_theta": 1_000_000.0}
    text = _text(
        tokenizer,
        shrunk,
        {
            "vocab_size": 152_064,
            "hidden_size": 3584,
            "intermediate_size": 18_944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "max_position_embeddings": 128_000,
            "rope_parameters": {**rope, "mrope_section": [16, 24, 24]},
            "tie_word_embeddings": False,
        },
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_parameters": {**rope, "mrope_section": [2, 3, 3]},
        },
    )
    vision = {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "out_hidden_size": 3584,
        "fullatt_block_indexes": [7, 15, 23, 31],
    }
    small = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64}
    if shrunk:
        vision |= {**small, "fullatt_block_indexes": [1]}
    return Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, **_qwen_tokens(tokenizer), tie_word_embeddings=False
    )


def _gemma3(tokenizer: PreTrainedTokenizerFast, shrunk: bool) -> Gemma3Config:
    text = _text(
        tokenizer,
        shrunk,
        {
            "vocab_size": 262_208,
            "hidden_size": 2560,
            "intermediate_size": 10_240,
            "num_hidden_layers": 34,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "sliding_window": 1024,
        },
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
        },
    )
    vision = {
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 896,
        "patch_size": 14,
        "vision_use_head": False,
    }
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    if shrunk:
        vision |= {**small, "image_size": 56}
    token = tokenizer.convert_tokens_to_ids
    return Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=_gemma_tokens(shrunk),
        boi_token_index=token("<start_of_image>"),
        eoi_token_index=token("<end_of_image>"),
        image_token_index=token("<image_soft_token>"),
    )


def _gemma3_tokenizer(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    marks = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    named = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        eos_token="<end_of_turn>",  # noqa: S106 (not a password)
        pad_token=tokenizer.pad_token,
        padding_side="left",
        extra_special_tokens=marks,
    )
    named.add_special_tokens({"additional_special_tokens": ["<start_of_turn>"]}, replace_extra_special_tokens=False)
    return named


def _gemma_tokens(shrunk: bool) -> int:
    """How many tokens a picture is."""
    return 4 if shrunk else 256


def _qwen_pixels(patch: int, shrunk: bool) -> dict[str, Any]:
    side = 2 * patch
    most = 2 * side if shrunk else 28 * side  # a side's pixels at most: 4 or 784 tokens a picture
    return {
        "patch_size": patch,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": side * side, "longest_edge": most * most},
    }


def _qwen3_vl_processor(tokenizer: PreTrainedTokenizerFast, shrunk: bool) -> Qwen3VLProcessor:
    limits = _qwen_pixels(16, shrunk)
    return Qwen3VLProcessor(
        Qwen2VLImageProcessor(**limits), tokenizer, Qwen3VLVideoProcessor(**limits), chat_template=CHAT_TEMPLATE
    )


def _qwen2_5_vl_processor(tokenizer: PreTrainedTokenizerFast, shrunk: bool) -> Qwen2_5_VLProcessor:
    limits = _qwen_pixels(14, shrunk)
    return Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(**limits), tokenizer, Qwen2VLVideoProcessor(**limits), chat_template=CHAT_TEMPLATE
    )


def _gemma3_processor(tokenizer: PreTrainedTokenizerFast, shrunk: bool) -> Gemma3Processor:
    side = 56 if shrunk else 896
    return Gemma3Processor(
        Gemma3ImageProcessor(size={"height": side, "width": side}),
        tokenizer,
        chat_template=GEMMA_TEMPLATE,
        image_seq_length=_gemma_tokens(shrunk),
    )


FAMILIES: Mapping[str, Family] = {
    "Qwen/Qwen3-VL-4B-Instruct": Family(Qwen3VLForConditionalGeneration, _qwen3_vl, _qwen3_vl_processor),
    "Qwen/Qwen2.5-VL-7B-Instruct": Family(Qwen2_5_VLForConditionalGeneration, _qwen2_5_vl, _qwen2_5_vl_processor),
    "google/gemma-3-4b-it": Family(Gemma3ForConditionalGeneration, _gemma3, _gemma3_processor, _gemma3_tokenizer),
}
