"""The real small base in 4 bits: it still reads English, and takes the same adapters."""

from pathlib import Path
from typing import Any

import pytest
from medley_registry import BaseModel, open_registry
from medley_training.local.base import load_base

from tests.e2e.conftest import quantize

pytestmark = pytest.mark.e2e

NAME = "smollm2-135m-instruct"
# In none of the calibration texts.
TEXT = (
    "Pneumonia is an infection that inflames the air sacs in one or both lungs. The air sacs may "
    "fill with fluid or pus, causing cough with phlegm, fever, chills, and difficulty breathing. A "
    "variety of organisms, including bacteria, viruses and fungi, can cause pneumonia. It can range"
    " in seriousness from mild to life-threatening."
)
# Measured: 0.12 and 0.08 nats a token.
ALLOWED_LOSS = {"nf4": 0.3, "awq": 0.25}


@pytest.mark.parametrize("method", ["nf4", "awq"])
def test_a_quantized_base_reads_almost_as_well(
    small_base: Path, tmp_path: Path, method: str
) -> None:
    with open_registry(tmp_path / "registry", create=True) as registry:
        origin = registry.add_base(NAME, small_base, actor="test")
        quantize(NAME, method, registry=tmp_path / "registry")
        made = registry.base(f"{NAME}-{method}")

    assert dict(made.module_shapes) == dict(origin.module_shapes)
    assert made.tokenizer_digest == origin.tokenizer_digest
    assert made.chat_template_digest == origin.chat_template_digest
    lost = _loss(_dequantized(made, origin), origin.path) - _loss(_plain(origin), origin.path)
    print(f"{method}: {lost:.3f} nats a token")
    assert lost < ALLOWED_LOSS[method]


def _loss(model: Any, folder: Path) -> float:
    import torch
    from transformers import AutoTokenizer

    ids = torch.tensor([AutoTokenizer.from_pretrained(folder).encode(TEXT)])
    with torch.no_grad():
        return float(model(ids, labels=ids).loss)


def _plain(base: BaseModel) -> Any:
    return load_base(base.path, dtype="float32", device="cpu")


def _dequantized(made: BaseModel, origin: BaseModel) -> Any:
    """What a server would compute with: bitsandbytes' own layers, or AWQ's weights unpacked."""
    if made.recipe is not None and made.recipe["method"] == "nf4":
        return _plain(made)
    from safetensors.torch import load_file

    stored = load_file(made.path / "model.safetensors")
    model = _plain(origin)
    for name, parameter in model.named_parameters():
        module = name.removesuffix(".weight")
        packed = stored.get(f"{module}.qweight")
        weight = stored[name] if packed is None else _unpacked(stored, module)
        parameter.data.copy_(weight)
    return model


def _unpacked(stored: dict[str, Any], module: str) -> Any:
    """Format ``gemm``: eight values of four bits in an int32, in the order 0 2 4 6 1 3 5 7."""
    import torch

    def values(packed: Any) -> Any:
        shifts = torch.tensor([0, 4, 1, 5, 2, 6, 3, 7]) * 4
        return ((packed[:, :, None] >> shifts) & 15).flatten(1)

    weights, zeros = values(stored[f"{module}.qweight"]), values(stored[f"{module}.qzeros"])
    scales = stored[f"{module}.scales"].float()
    group_size = len(weights) // len(scales)
    spread = [each.repeat_interleave(group_size, dim=0) for each in (zeros, scales)]
    return ((weights - spread[0]) * spread[1]).T
