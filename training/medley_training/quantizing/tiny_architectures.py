"""Tiny random models of the architectures that people serve, for probing what works on them.

They prove that a path runs, and say nothing of quality or speed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_training.local.base import no_progress_bar
from medley_training.tiny_base import save_byte_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
_QWEN_VISION: dict[str, Any] = {
    "depth": 2,
    "hidden_size": 64,
    "num_heads": 2,
    "intermediate_size": 128,
    "out_hidden_size": 128,
    "fullatt_block_indexes": [1],
}
_SIGLIP: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}
_MROPE = {"rope_type": "default", "mrope_section": [4, 6, 6]}
_ROUNDED = 64
"""A vocabulary that 4-bit and LoRA kernels find even."""


def save_tiny(architecture: str, folder: Path) -> None:
    """Write a model of one of `ARCHITECTURES` with a tokenizer of bytes; always the same one."""
    import torch

    size = save_byte_tokenizer(folder)
    vocabulary = -(-size // _ROUNDED) * _ROUNDED
    with torch.random.fork_rng(), no_progress_bar():
        torch.manual_seed(0)
        model = _MAKERS[architecture](vocabulary)
        model.to(torch.bfloat16).save_pretrained(folder)


def _text(kind: str) -> "Callable[[int], PreTrainedModel]":
    def make(vocabulary: int) -> "PreTrainedModel":
        import transformers

        config = getattr(transformers, f"{kind}Config")(vocab_size=vocabulary, **_TEXT)
        return getattr(transformers, f"{kind}ForCausalLM")(config)

    return make


def _gemma3_text(vocabulary: int) -> "PreTrainedModel":
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    return Gemma3ForCausalLM(Gemma3TextConfig(vocab_size=vocabulary, **_TEXT))


def _qwen2_5_vl(vocabulary: int) -> "PreTrainedModel":
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {**_TEXT, "vocab_size": vocabulary, "rope_parameters": _MROPE}
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=_QWEN_VISION,
        image_token_id=vocabulary - 1,
        video_token_id=vocabulary - 2,
        vision_start_token_id=vocabulary - 3,
        vision_end_token_id=vocabulary - 4,
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def _gemma3(vocabulary: int) -> "PreTrainedModel":
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    config = Gemma3Config(
        text_config={**_TEXT, "vocab_size": vocabulary},
        vision_config=_SIGLIP,
        mm_tokens_per_image=4,
        image_token_index=vocabulary - 1,
        boi_token_index=vocabulary - 2,
        eoi_token_index=vocabulary - 3,
    )
    return Gemma3ForConditionalGeneration(config)


_MAKERS: "dict[str, Callable[[int], PreTrainedModel]]" = {
    "llama": _text("Llama"),
    "mistral": _text("Mistral"),
    "qwen2": _text("Qwen2"),
    "qwen3": _text("Qwen3"),
    "phi3": _text("Phi3"),
    "gemma2": _text("Gemma2"),
    "gemma3_text": _gemma3_text,
    "gemma3": _gemma3,
    "qwen2_5_vl": _qwen2_5_vl,
}
ARCHITECTURES = tuple(_MAKERS)
