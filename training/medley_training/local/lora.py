"""LoRA adapters on a frozen base model: wrap, continue from, export.

An adapter folder holds ``adapter_model.safetensors`` and ``adapter_config.json``, in the form that
PEFT and vLLM read. The same weights always export to the same bytes: the tensors are sorted, and
the configuration holds no path and no library version.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from medley_training.errors import AdapterNotReadable, IncompatibleAdapter
from medley_training.local.nf4 import quiet_bitsandbytes

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor
    from transformers import PreTrainedModel

WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
Factor: TypeAlias = Literal["A", "B"]
BOTH_FACTORS: frozenset[Factor] = frozenset({"A", "B"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraShape:
    """What must agree between an adapter and a model for one to be loaded on the other.

    An adapted module computes ``W x + scale * B A x`` with ``scale = alpha / rank`` (Hu et al.,
    "LoRA", arXiv:2106.09685, §4.1), or ``alpha / sqrt(rank)`` with rsLoRA (Kalajdzievski,
    arXiv:2312.03732).
    """

    rank: int = 8
    alpha: int = 16
    target_modules: tuple[str, ...] = ("q_proj", "v_proj")
    use_rslora: bool = False

    @property
    def scale(self) -> float:
        """What the product B A is multiplied by."""
        return self.scale_at(self.rank)

    def scale_at(self, rank: int) -> float:
        """The scale of an adapter of another rank with the same alpha."""
        return self.alpha / (math.sqrt(rank) if self.use_rslora else rank)

    def config(self, *, base_name: str | None) -> dict[str, Any]:
        """The adapter's configuration as PEFT spells it, ready to be written."""
        return {
            "base_model_name_or_path": base_name,
            "bias": "none",
            "fan_in_fan_out": False,
            "inference_mode": True,
            "lora_alpha": self.alpha,
            "lora_dropout": 0.0,
            "modules_to_save": None,
            "peft_type": "LORA",
            "r": self.rank,
            "target_modules": sorted(self.target_modules),
            "task_type": "CAUSAL_LM",
            "use_dora": False,
            "use_rslora": self.use_rslora,
        }


def wrap(base_model: "PreTrainedModel", shape: LoraShape) -> "PeftModel":
    """Freeze `base_model` and add a fresh adapter that does not change its answers yet.

    The base is changed in place. Adapter weights are float32 whatever the base's dtype, because
    AdamW's small steps are lost in bfloat16's eight bits; their start is drawn from torch's
    generator.
    """
    with quiet_bitsandbytes():
        from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=shape.rank,
        lora_alpha=shape.alpha,
        target_modules=list(shape.target_modules),
        use_rslora=shape.use_rslora,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base_model, config)


def adapter_tensors(model: "PeftModel") -> dict[str, "Tensor"]:
    """The adapter's tensors by the name they have on disk, sorted, detached."""
    from peft import get_peft_model_state_dict

    # The default would ask the network whether the base's vocabulary has grown.
    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensors[name].detach() for name in sorted(tensors)}


def trained_tensors(model: "PeftModel", factors: frozenset[Factor]) -> dict[str, "Tensor"]:
    """The adapter's tensors of these factors by the name they have on disk, sorted, detached.

    They share memory with the model: copy them before it is trained on.
    """
    return {
        name: tensor
        for name, tensor in adapter_tensors(model).items()
        if factor_of(name) in factors
    }


def factor_of(name: str) -> Factor | None:
    """The factor that a tensor or parameter of this name is, or None for a weight of the base."""
    if ".lora_A." in name:
        return "A"
    return "B" if ".lora_B." in name else None


def export(model: "PeftModel", folder: Path, shape: LoraShape, *, base_name: str) -> None:
    """Write the adapter into `folder` in bfloat16, making the folder where needed.

    The configuration is written last: a folder that has one is whole.

    Args:
        model: What `wrap` returned.
        folder: Where the two files go; files of the same name are replaced.
        shape: The shape given to `wrap`.
        base_name: The name under which the base model is registered.
    """
    import torch
    from safetensors.torch import save

    tensors = {
        name: tensor.to(torch.bfloat16).contiguous()
        for name, tensor in adapter_tensors(model).items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).unlink(missing_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(save(tensors, metadata={"format": "pt"}))
    text = json.dumps(shape.config(base_name=base_name), indent=2, sort_keys=True)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def continue_from(model: "PeftModel", folder: Path, shape: LoraShape) -> None:
    """Replace the fresh adapter of `model` by the exported one in `folder`.

    Raises:
        AdapterNotReadable: `folder` holds no readable adapter.
        IncompatibleAdapter: It has another rank, scaling, set of modules or tensor shape.
    """
    from peft import set_peft_model_state_dict

    config, tensors = read_adapter(folder)
    expected_config = shape.config(base_name=config.get("base_model_name_or_path"))
    for key in ("r", "lora_alpha", "target_modules", "use_rslora", "use_dora"):
        if config.get(key) != expected_config[key]:
            raise IncompatibleAdapter(
                f"{folder}: {key} is {config.get(key)!r}, expected {expected_config[key]!r}"
            )
    _require_same_shapes(str(folder), tensors, adapter_tensors(model))
    set_peft_model_state_dict(model, dict(tensors))


def set_adapter(model: "PeftModel", tensors: Mapping[str, "Tensor"]) -> None:
    """Replace all of the model's adapter by `tensors`, named as on disk, whatever was trained.

    The values are copied, each into the dtype and the device of what it replaces, so a model that
    was wrapped once can start every round anew.

    Raises:
        IncompatibleAdapter: A tensor is missing, unknown or of another shape; nothing was replaced.
    """
    current = adapter_tensors(model)
    _require_same_shapes("the start", tensors, current)
    for name, tensor in current.items():
        tensor.copy_(tensors[name])


def read_adapter(folder: Path) -> tuple[dict[str, Any], dict[str, "Tensor"]]:
    """The configuration and the tensors, sorted by name, of an exported adapter.

    Raises:
        AdapterNotReadable: A file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        config = json.loads((folder / CONFIG_FILE).read_bytes())
        tensors = load((folder / WEIGHTS_FILE).read_bytes())
    except OSError as error:
        raise AdapterNotReadable(f"no adapter in {folder}: {error.strerror}") from error
    except (ValueError, SafetensorError) as error:
        raise AdapterNotReadable(f"the adapter in {folder} is damaged: {error}") from error
    if not isinstance(config, dict):
        raise AdapterNotReadable(f"the adapter in {folder} is damaged: its config is no object")
    return config, {name: tensors[name] for name in sorted(tensors)}


def _require_same_shapes(
    source: str, found: Mapping[str, "Tensor"], expected: Mapping[str, "Tensor"]
) -> None:
    for name in sorted(found.keys() ^ expected.keys()):
        verb = "lacks" if name in expected else "has an unknown"
        raise IncompatibleAdapter(f"{source}: the adapter {verb} tensor {name}")
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise IncompatibleAdapter(
                f"{source}: {name} is {tuple(found[name].shape)}, expected {tuple(tensor.shape)}"
            )
