"""Bases of a real model's shape with random weights: right for memory and time, and nothing else.

Nothing of the size of a model is ever in memory: tensors are written shard by shard.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SHARD_BYTES = 2 << 30
_POOL = 1 << 22
"""Random values that tensors are filled with, over and over."""
_GROUP = {"tiny": 32}
_AWQ_GROUP = 128

_MISTRAL_7B = {
    "model_type": "mistral",
    "architectures": ["MistralForCausalLM"],
    "vocab_size": 32768,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 32768,
    "sliding_window": None,
    "tie_word_embeddings": False,
}
_QWEN_25_VL_7B = {
    "model_type": "qwen2_5_vl",
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "tie_word_embeddings": False,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "image_token_id": 151655,
    "video_token_id": 151656,
    "text_config": {
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "max_position_embeddings": 32768,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1_000_000.0,
            "mrope_section": [16, 24, 24],
        },
    },
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
}
_TINY = _MISTRAL_7B | {
    "vocab_size": 512,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 1024,
}
SHAPES: dict[str, dict[str, Any]] = {
    "mistral-7b": _MISTRAL_7B,
    "qwen2.5-vl-7b": _QWEN_25_VL_7B,
    "tiny": _TINY,
}
# What the processor of Qwen2.5-VL looks for, at the ids that its configuration names.
_VISION_TOKENS = {
    151652: "<|vision_start|>",
    151653: "<|vision_end|>",
    151655: "<|image_pad|>",
    151656: "<|video_pad|>",
}


def write_random_base(shape: str, folder: Path, *, is_awq: bool = False) -> Path:
    """Writes a model folder; as AWQ the language model's linear layers are packed words."""
    folder.mkdir(parents=True)
    group = _GROUP.get(shape, _AWQ_GROUP)
    tensors = _tensors(SHAPES[shape])
    _write_shards(folder, _packed(tensors, group) if is_awq else tensors)
    config = SHAPES[shape] | {"dtype": "bfloat16"}
    if is_awq:
        config["quantization_config"] = {
            "quant_method": "awq",
            "version": "gemm",
            "bits": 4,
            "group_size": group,
            "zero_point": True,
            "modules_to_not_convert": ["visual"],
        }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    _write_tokenizer(folder, SHAPES[shape])
    return folder


def _tensors(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every weight of such a model, random, in bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    whole = {name: value for name, value in config.items() if name != "model_type"}
    made = AutoConfig.for_model(config["model_type"], **whole)
    kind = AutoModelForImageTextToText if "vision_config" in config else AutoModelForCausalLM
    with torch.device("meta"):
        model = kind.from_config(made)
    pool = torch.randn(_POOL, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16) * 0.02
    for name, meta in model.state_dict().items():
        if name.endswith(("norm.weight", "ln_q.weight")):
            yield name, torch.ones(meta.shape, dtype=torch.bfloat16)
            continue
        repeats = -(-meta.numel() // _POOL)
        yield name, pool.repeat(repeats)[: meta.numel()].reshape(meta.shape).contiguous()


def _packed(tensors: Iterator[tuple[str, Any]], group: int) -> Iterator[tuple[str, Any]]:
    """In AutoAWQ's layout: words of eight weights, packed along the output."""
    import torch

    pick = torch.Generator().manual_seed(1)
    for name, tensor in tensors:
        if not name.endswith("_proj.weight") or "visual" in name or tensor.dim() != 2:
            yield name, tensor
            continue
        out, into = tensor.shape
        module = name.removesuffix(".weight")
        for part, rows in (("qweight", into), ("qzeros", into // group)):
            words = torch.randint(
                -(2**31), 2**31 - 1, (rows, out // 8), generator=pick, dtype=torch.int64
            )
            yield f"{module}.{part}", words.to(torch.int32)
        yield f"{module}.scales", torch.full((into // group, out), 0.002, dtype=torch.bfloat16)


def _write_shards(folder: Path, tensors: Iterator[tuple[str, Any]]) -> None:
    from safetensors.torch import save_file

    places: dict[str, str] = {}
    shard: dict[str, Any] = {}
    sizes = [0]

    def close() -> None:
        name = f"model-{len(sizes):05d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        places.update(dict.fromkeys(shard, name))
        shard.clear()
        sizes.append(0)

    for name, tensor in tensors:
        shard[name] = tensor
        sizes[-1] += tensor.numel() * tensor.element_size()
        if sizes[-1] >= _SHARD_BYTES:
            close()
    if shard:
        close()
    index = {"metadata": {"total_size": sum(sizes)}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _write_tokenizer(folder: Path, config: dict[str, Any]) -> None:
    """A word for each id, so that every token can be told."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    size = config.get("text_config", config)["vocab_size"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<end>", *alphabet, *(f"<{number}>" for number in range(len(alphabet) + 1, size))]
    if "vision_config" in config:
        for number, word in _VISION_TOKENS.items():
            words[number] = word
    backend = Tokenizer(models.BPE(vocab={word: n for n, word in enumerate(words)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<end>", pad_token="<end>"
    )
    tokenizer.save_pretrained(folder)
