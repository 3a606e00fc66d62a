"""NF4 with double quantization, saved ready to load: bitsandbytes through transformers.

Dettmers et al., "QLoRA", arXiv:2305.14314, §3. The plain base is saved: one that PEFT has wrapped
has other module names, which vLLM refuses.
"""

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel

from medley_training.local.base import DType, load_base, no_progress_bar
from medley_training.local.nf4 import nf4_config
from medley_training.quantizing.maker import Recipe
from medley_training.quantizing.model_folder import save_model
from medley_training.quantizing.weight_error import error_summary, relative_error

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_DTYPE: DType = "bfloat16"
_STEPS = 2


class Nf4:
    """Every linear layer but the output layer; no data is needed."""

    def plan(self, origin: BaseModel) -> Recipe:
        del origin
        version = metadata.version("bitsandbytes")
        return {"method": "nf4", "tool": f"bitsandbytes {version}", **nf4_config(_DTYPE)}

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        with no_progress_bar():
            model = load_base(origin.path, quantization="nf4", dtype=_DTYPE)
            save_model(model, folder, origin=origin.path)
            progress(1, _STEPS)
            errors = _errors(model, origin.path)
        progress(_STEPS, _STEPS)
        return {"weight_error": error_summary(errors)}


def _errors(model: "PreTrainedModel", origin: Path) -> dict[str, float]:
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit

    plain = load_base(origin, dtype=_DTYPE, device="cpu")
    return {
        name: relative_error(
            dequantize_4bit(module.weight.data, module.weight.quant_state).cpu(),
            plain.get_submodule(name).weight,
        )
        for name, module in model.named_modules()
        if isinstance(module, Linear4bit)
    }
