"""vLLM applies an adapter's numbers as PEFT does, and as the registry says: patterns, rsLoRA.

If a new vLLM fails here, `medley_registry.adapter_config` must refuse what it no longer follows.
"""

from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.e2e,
    # Importing vLLM warns of torch's own deprecations.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.mark.parametrize("use_rslora", [False, True])
@pytest.mark.parametrize(
    ("ranks", "alphas"),
    [
        ({}, {}),
        ({"q_proj": 4, "model.layers.1.self_attn.v_proj": 3}, {"v_proj": 5, "q_proj": 1.5}),
        ({"layers.1.self_attn.k_proj": 2, "v_proj": 16}, {"layers.0.self_attn.q_proj": 9}),
    ],
)
def test_the_engine_adds_what_peft_adds(
    tmp_path: Path, use_rslora: bool, ranks: dict[str, int], alphas: dict[str, float]
) -> None:
    from medley_registry.adapter_config import parse_adapter_config
    from medley_registry.updates import Weights
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM
    from vllm.lora.lora_model import LoRAModel
    from vllm.lora.peft_helper import PEFTHelper

    targets = ["q_proj", "k_proj", "v_proj"]
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 64}
    model = get_peft_model(
        LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2)),
        LoraConfig(
            r=8, lora_alpha=12, use_rslora=use_rslora, rank_pattern=ranks, alpha_pattern=alphas,
            target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
    model.save_pretrained(tmp_path)
    config = parse_adapter_config((tmp_path / "adapter_config.json").read_bytes())
    with (tmp_path / "adapter_model.safetensors").open("rb") as stream:
        weights = Weights(stream, config)
        norms = {name: weights.update(name).norms().update for name in weights.modules}
    helper = PEFTHelper.from_local_dir(str(tmp_path), None)
    loaded = LoRAModel.from_local_checkpoint(
        str(tmp_path), set(targets), peft_helper=helper, device="cpu", lora_model_id=1
    )

    assert max(helper.r, *helper.rank_pattern.values(), 1) == config.max_rank
    for name, module in model.base_model.model.named_modules():
        if name in loaded.loras:
            wanted = module.get_delta_weight("default").detach()
            lora = loaded.loras[name]
            rank, scaling = config.rank_and_scaling(name)
            assert lora.rank == rank
            assert lora.scaling == pytest.approx(scaling)
            assert norms[name] == pytest.approx(wanted.norm().item(), rel=1e-5)
            lora.optimize()
            assert (lora.lora_b @ lora.lora_a - wanted).abs().max().item() < 1e-5
