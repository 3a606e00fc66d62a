"""Which modules of a base are held in 4 bits: the linear layers of its language model.

Not its output layer, whose errors go straight into the probabilities; not a vision tower, which
costs accuracy for almost no speed (github.com/vllm-project/llm-compressor/issues/1939).
"""

import json
from pathlib import Path

from medley_registry.bases import BaseModel
from medley_registry.canonical import Json

from medley_training.quantizing.model_folder import CONFIG

OF_IMAGES = ("visual", "vision_tower", "vision_model", "multi_modal_projector")
"""How modules of a vision tower, and those between it and the language model, are named."""


def text_modules(base: BaseModel) -> dict[str, tuple[int, ...]]:
    """The [out, in] shapes by module name."""
    return {module: shape for module, shape in base.module_shapes.items() if is_text_module(module)}


def is_text_module(name: str) -> bool:
    """Whether a module is in a layer of the language model."""
    return ".layers." in f".{name}" and not any(part in name for part in OF_IMAGES)


def model_config(folder: Path) -> dict[str, Json]:
    """The model's configuration as it stands in its folder."""
    config: dict[str, Json] = json.loads((folder / CONFIG).read_bytes())
    return config
