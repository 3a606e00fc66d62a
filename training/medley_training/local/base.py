"""The frozen base model: loaded whole, or in 4 bits as QLoRA does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest

from medley_training.local.nf4 import keep_trainable, nf4_config, quiet_bitsandbytes

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Quantization: TypeAlias = Literal["none", "nf4"]
DType: TypeAlias = Literal["bfloat16", "float32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePrecision:
    """How a base's weights are held and computed with.

    Sites whose bases differ in it train against different models (FedQLoRA calls what this does to
    the average quantization bias), so contributions name it.
    """

    quantization: Quantization = "none"
    dtype: DType = "bfloat16"

    @property
    def config(self) -> dict[str, Any]:
        """Everything that decides the weights' values, as transformers names it."""
        if self.quantization == "none":
            return {"quant_method": "none", "dtype": self.dtype}
        return {"quant_method": "bitsandbytes", "dtype": self.dtype, **nf4_config(self.dtype)}

    @property
    def digest(self) -> Digest:
        """The digest of `config` in canonical JSON."""
        return Digest.of(canonical_json(self.config))

    @property
    def name(self) -> str:
        """What statements say: ``nf4/bfloat16@`` and the first twelve digits of the digest."""
        return f"{self.quantization}/{self.dtype}@{self.digest.hex[:12]}"


def load_base(
    folder: Path,
    *,
    quantization: Quantization = "none",
    dtype: DType = "bfloat16",
    device: str | None = None,
    for_training: bool = True,
) -> "PreTrainedModel":
    """Load a Hugging Face model folder, ready to be wrapped, in evaluation mode.

    Nothing is downloaded, and no code from the folder is run.

    Args:
        folder: Holds the config and the weights in safetensors files.
        quantization: ``nf4`` holds linear layers in 4 bits, with their scales quantized again; the
            embeddings, the norms and the output layer stay in `dtype`.
        dtype: What is computed with, and what is held where nothing is quantized.
        device: The default is the GPU where there is one, else the CPU.
        for_training: Keep 4-bit layers in the form that gradients pass; without, bitsandbytes may
            repack them into one that it computes faster with.
    """
    import torch

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    options: dict[str, Any] = {"dtype": getattr(torch, dtype), "device_map": {"": device}}
    with quiet_bitsandbytes(), no_progress_bar():
        if quantization == "nf4":
            from transformers import BitsAndBytesConfig

            options["quantization_config"] = BitsAndBytesConfig(**nf4_config(dtype))
        model = _model_class(folder).from_pretrained(folder, local_files_only=True, **options)
        if quantization == "nf4" and for_training:
            keep_trainable(model)
    return model


def _model_class(folder: Path) -> Any:
    """The transformers class for the base: models that also take images are not causal ones."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    takes_images = getattr(config, "vision_config", None) is not None
    return AutoModelForImageTextToText if takes_images else AutoModelForCausalLM


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Keep transformers from drawing its own bars while the scope lasts."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()
