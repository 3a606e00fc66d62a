"""The module table's names, against those that transformers and PEFT really use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from medley_registry.base_folder import read_base

TEXT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 32,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
VISION = {"hidden_size": 16, "intermediate_size": 16}


def qwen2_5_vl() -> Any:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {**VISION, "depth": 1, "num_heads": 2, "out_hidden_size": 16}
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config=TEXT, vision_config=vision)
    )


def gemma3() -> Any:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    vision = {**VISION, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28}
    config = Gemma3Config(
        text_config={**TEXT, "head_dim": 8}, vision_config=vision, mm_tokens_per_image=4
    )
    return Gemma3ForConditionalGeneration(config)


def llama() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**TEXT))


@pytest.mark.parametrize("make", [pytest.param(qwen2_5_vl, marks=pytest.mark.slow), gemma3, llama])
def test_every_linear_module_of_a_saved_model_is_in_its_table(
    tmp_path: Path, make: Callable[[], Any]
) -> None:
    from torch import nn

    model = make()
    model.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")

    table = read_base("base", tmp_path).module_shapes

    linear = {
        name: tuple(module.weight.shape)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    }
    tied = {"lm_head"} - table.keys()
    assert {name: table[name] for name in linear.keys() - tied} == {
        name: shape for name, shape in linear.items() if name not in tied
    }
