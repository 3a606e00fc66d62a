"""Adapters with random weights of a trained adapter's size, for benchmarks and engine tests."""

import json
from pathlib import Path


def write_random_adapter(
    folder: Path,
    base: Path,
    *,
    seed: int,
    rank: int = 8,
    targets: tuple[str, ...] = ("q_proj", "v_proj"),
    scale: float = 0.02,
) -> Path:
    """Writes a PEFT folder for a Llama-shaped base; B is not zero, so the answers differ."""
    import torch
    from safetensors.torch import save_file

    config = json.loads((base / "config.json").read_text())
    hidden = config["hidden_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    outputs = {
        "q_proj": config["num_attention_heads"] * head,
        "k_proj": config["num_key_value_heads"] * head,
        "v_proj": config["num_key_value_heads"] * head,
        "o_proj": hidden,
    }
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for target in targets:
            name = f"base_model.model.model.layers.{layer}.self_attn.{target}"
            a = torch.randn((rank, hidden), generator=generator) * scale
            b = torch.randn((outputs[target], rank), generator=generator) * scale
            tensors[f"{name}.lora_A.weight"], tensors[f"{name}.lora_B.weight"] = a, b
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        json.dumps(
            {
                "peft_type": "LORA",
                "task_type": "CAUSAL_LM",
                "r": rank,
                "lora_alpha": 2 * rank,
                "target_modules": list(targets),
                "base_model_name_or_path": "random",
            }
        )
    )
    return folder
