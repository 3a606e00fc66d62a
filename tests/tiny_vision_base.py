"""A random Qwen2.5-VL of 600,000 weights: the image path of every library, in seconds.

It reads nothing. So that what it makes up under a grammar comes to an end, and can be looked at,
its last layer says always the same of the marks of JSON, and only of letters and digits what comes.
"""

import json
import re
from pathlib import Path
from typing import Any

from medley_training.tiny_base import save_byte_tokenizer

IMAGE_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ':' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% else %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)
# What `Qwen/Qwen2.5-VL-7B-Instruct` has in its own.
PREPROCESSOR = {
    "min_pixels": 3136,
    "max_pixels": 12_845_056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
}
LOGITS = {'"': 8.0, "]": 7.0, ",": 6.0, "}": 5.0, "<end>": 8.0}
DIGITS, OTHERS = 1.5, -99.0
OPENS, AFTER, OPENED = "{", (":", "["), 150.0
"""A row and a value with its box are opened where they may be, and no text has that mark."""

_HIDDEN = 128
_STEADY = 100.0
"""The first number of every embedding, and the second of some: no layer sees or changes these two,
so they are biases of the last layer."""

_SHARPER = 8.0
"""Attention that looks at few tokens, and at others in each place, repeats itself less."""


def save_tiny_vision_base(folder: Path) -> None:
    """Writes the model, its tokenizer and its processor as a Hugging Face model folder."""
    from medley_training.local.base import no_progress_bar

    tokens = _save_tokenizer(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    with no_progress_bar():
        _model(tokens).save_pretrained(folder)


def _save_tokenizer(folder: Path) -> dict[str, int]:
    """The tokenizer of bytes of the tiny base, and the marks of pictures; every token's number."""
    from transformers import PreTrainedTokenizerFast

    save_byte_tokenizer(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": list(IMAGE_TOKENS)})
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return vocabulary


def _model(tokens: dict[str, int], seed: int = 12) -> Any:
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    config = Qwen2_5_VLConfig(
        text_config=_text_config(tokens),
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "num_heads": 2,
            "intermediate_size": 96,
            "out_hidden_size": _HIDDEN,
            "fullatt_block_indexes": [1],
            "initializer_range": 0.15,
        },
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(config)
        _lean(model, tokens)
    return model.to(torch.bfloat16)


def _text_config(tokens: dict[str, int]) -> dict[str, Any]:
    end = tokens["<end>"]
    return {
        "vocab_size": len(tokens),
        "hidden_size": _HIDDEN,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 8192,
        "initializer_range": 0.15,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 100.0,
            "mrope_section": [4, 6, 6],
        },
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
    }


def _logit(token: str) -> float:
    if token.isascii() and token.isalnum():
        return DIGITS if token.isdigit() else 0.0
    return LOGITS.get(token, OTHERS)


def _lean(model: Any, tokens: dict[str, int]) -> None:
    """Gives the last layer its biases."""
    language = model.model.language_model
    embedded, last = language.embed_tokens.weight, model.lm_head.weight
    embedded.normal_()
    last.normal_()
    embedded[:, 0], embedded[:, 1] = _STEADY, 0.0
    for token in AFTER:
        embedded[tokens[token], 1] = _STEADY
    for token, number in tokens.items():
        last[number] *= token.isascii() and token.isalnum()
        last[number, 0] = _logit(token) / _HIDDEN**0.5
    last[:, 1] = 0.0
    last[tokens[OPENS], 1] = OPENED / _HIDDEN**0.5
    for layer in language.layers:
        layer.input_layernorm.weight[:2] = 0.0
        layer.post_attention_layernorm.weight[:2] = 0.0
        layer.self_attn.q_proj.weight *= _SHARPER
        layer.self_attn.o_proj.weight[:2] = 0.0
        layer.mlp.down_proj.weight[:2] = 0.0


def write_part_adapter(folder: Path, base: Path, part: str, *, rank: int = 4) -> Path:
    """A random adapter of every layer of one part of the base: `visual` or `language_model`."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(base / "model.safetensors", "pt") as weights:
        names = [name for name in weights.keys() if f"{part}." in _module(name)]  # noqa: SIM118
        shapes = {_module(name): weights.get_slice(name).get_shape() for name in names}
    layered = re.compile(r"\.(blocks|layers)\.\d+\.(attn|self_attn|mlp)\.\w+$")
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for module, shape in shapes.items():
        if layered.search(module) and len(shape) == 2:
            a, b = torch.zeros(rank, shape[1]), torch.zeros(shape[0], rank)
            tensors[f"base_model.model.{module}.lora_A.weight"] = a.normal_(generator=generator)
            tensors[f"base_model.model.{module}.lora_B.weight"] = b.normal_(generator=generator)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    targets = {name.split(".lora_")[0].rpartition(".")[2] for name in tensors}
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": sorted(targets)}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def _module(name: str) -> str:
    """A weight's module as PEFT names it; a checkpoint keeps the names of its first publication."""
    module = name.removesuffix(".weight")
    if module.startswith("visual."):
        return f"model.{module}"
    if module.startswith("model.") and not module.startswith(("model.visual", "model.language")):
        return module.replace("model.", "model.language_model.", 1)
    return module
