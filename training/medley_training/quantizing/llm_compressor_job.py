# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#   "llmcompressor==0.14.0.1",
#   "compressed-tensors==0.19.0",
#   "transformers>=5.15,<5.18",
#   "torch>=2.13,<=2.14.0",
# ]
# ///
"""AWQ by llm-compressor: ``uv run --script llm_compressor_job.py REQUEST.json ANSWER.json``.

It wants versions of transformers and compressed-tensors that vLLM refuses, so it runs in an
environment of its own, and imports nothing of ours. The request names the model's folder, where
the result goes, and what to quantize; the answer, written last, tells every module's error.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.modifiers.transform.awq import AWQMapping, AWQModifier
from llmcompressor.modifiers.transform.awq.dynamic_mappings import get_layer_mappings_from_model
from llmcompressor.pipelines.cache import IntermediatesCache
from torch.utils.data import DataLoader


def main(request_file: str, answer_file: str) -> None:
    request = json.loads(Path(request_file).read_bytes())
    if not torch.accelerator.is_available():
        # It pins memory for a copy to a device; without one, torch refuses to.
        IntermediatesCache.pin_memory = lambda *_, **__: None
    model = load(Path(request["origin"]))
    oneshot(
        model=model,
        processor=transformers.AutoTokenizer.from_pretrained(request["origin"]),
        recipe=recipe(model, request),
        dataset=DataLoader(request["blocks"], batch_size=1, collate_fn=batch),
        num_calibration_samples=len(request["blocks"]),
        max_seq_length=len(request["blocks"][0]),
        pipeline="sequential",
    )
    answer = {"errors": errors(model), "torch": torch.__version__}
    model.save_pretrained(request["folder"], save_compressed=True)
    Path(answer_file).write_text(json.dumps(answer))


def load(folder: Path) -> Any:
    """The model in bfloat16, with its vision tower where it has one."""
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    takes_images = getattr(config, "vision_config", None) is not None
    kind = "AutoModelForImageTextToText" if takes_images else "AutoModelForCausalLM"
    return getattr(transformers, kind).from_pretrained(
        folder, dtype=torch.bfloat16, local_files_only=True
    )


def recipe(model: Any, request: dict[str, Any]) -> list[Any]:
    """Scale first, then round; what is left alone is named by the request."""
    weights = QuantizationArgs(
        num_bits=4,
        type="int",
        symmetric=request["symmetric"],
        strategy="group",
        group_size=request["group_size"],
    )
    scheme = QuantizationScheme(targets=["Linear"], weights=weights)
    return [
        AWQModifier(mappings=mappings(model)),
        QuantizationModifier(config_groups={"text": scheme}, ignore=request["ignore"]),
    ]


def mappings(model: Any) -> list[AWQMapping]:
    """The library's own for this architecture, kept out of the vision tower.

    A pattern that fits modules of both makes it give up (Gemma-3's "v_proj").
    """
    found: list[AWQMapping] = get_layer_mappings_from_model(model)
    if getattr(model.config, "vision_config", None) is None:
        return found
    return [
        replace(
            each,
            smooth_layer=in_text(each.smooth_layer),
            balance_layers=[in_text(pattern) for pattern in each.balance_layers],
        )
        for each in found
    ]


def in_text(pattern: str) -> str:
    if "language_model" in pattern:
        return pattern
    return "re:.*language_model" + pattern.removeprefix("re:")


def batch(blocks: list[list[int]]) -> dict[str, torch.Tensor]:
    ids = torch.tensor(blocks)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def errors(model: Any) -> dict[str, float]:
    """Each quantized weight's relative Frobenius error, after AWQ's scaling."""
    found = {}
    for name, module in model.named_modules():
        scheme = getattr(module, "quantization_scheme", None)
        if scheme is None or scheme.weights is None:
            continue
        weight = module.weight.detach()
        rounded = fake_quantize(
            weight, module.weight_scale, module.weight_zero_point, scheme.weights
        )
        error = (rounded - weight).float().norm() / weight.float().norm()
        found[name] = error.item()
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
