"""AWQ in this process, by autoawq: text models it knows, on the CPU or a GPU.

Lin et al., "AWQ", arXiv:2306.00978. autoawq is archived, and what it imports warns; all of it is
used from this file alone. Its files are in the format ``gemm``, which vLLM reads.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel

from medley_training.errors import CannotQuantize
from medley_training.local.base import load_base, no_progress_bar
from medley_training.local.nf4 import quiet_bitsandbytes
from medley_training.quantizing.awq_search import best_clip, best_scales, quantized
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.calibration import Calibration
from medley_training.quantizing.maker import Recipe
from medley_training.quantizing.model_folder import save_model
from medley_training.quantizing.text_modules import model_config
from medley_training.quantizing.weight_error import error_summary, relative_error


def knows(model_type: str) -> bool:
    """Whether autoawq has a model of this type, by its own list.

    Its classes for models that see images, and for some others, no longer fit transformers.

    Raises:
        CannotQuantize: it is not installed.
    """
    if find_spec("awq") is None:
        raise CannotQuantize(
            "autoawq is not installed: it comes with medley[train]; or use --tool llm-compressor"
        )
    with _quiet():
        from awq.models.auto import AWQ_CAUSAL_LM_MODEL_MAP
        from awq.models.base import TRANSFORMERS_AUTO_MAPPING_DICT
    is_text = TRANSFORMERS_AUTO_MAPPING_DICT.get(model_type) == "AutoModelForCausalLM"
    return is_text and model_type in AWQ_CAUSAL_LM_MODEL_MAP


@dataclass(frozen=True, slots=True)
class AutoAwq:
    """AWQ of a text model, which is searched in float32; what stays whole is bfloat16."""

    settings: AwqSettings

    def plan(self, origin: BaseModel) -> Recipe:
        model_type = model_config(origin.path).get("model_type")
        if not knows(str(model_type)):
            raise CannotQuantize(f"autoawq knows no {model_type}: use --tool llm-compressor")
        found = self.settings.calibration_for(origin)
        tool = f"autoawq {metadata.version('autoawq')}"
        how: Recipe = {"format": "gemm", "zero_point": True, "clip": True}
        return {"method": "awq", "tool": tool, **how, **self.settings.plan(origin, found)}

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        """Write the model; its errors are against the weights after AWQ's scaling.

        The scaling is undone by the layer before, so it is no error.
        """
        import torch

        with _quiet(), no_progress_bar():
            model = load_base(origin.path, dtype="float32", device="cpu")
            errors = _quantize(
                model,
                self.settings.calibration_for(origin),
                group_size=self.settings.group_size_for(origin),
                progress=progress,
            )
            for parameter in model.parameters():  # what autoawq has packed are buffers
                parameter.data = parameter.data.to(torch.bfloat16)
            model.config.dtype = torch.bfloat16
            save_model(model, folder, origin=origin.path)
        return {"weight_error": error_summary(errors)}


def _quantize(
    model: Any, calibration: Calibration, *, group_size: int, progress: Progress
) -> dict[str, float]:
    from awq.models.auto import AWQ_CAUSAL_LM_MODEL_MAP

    model_type = model.config.model_type
    uses_cache, model.config.use_cache = model.config.use_cache, False
    settings = {"zero_point": True, "q_group_size": group_size, "w_bit": 4, "version": "GEMM"}
    adapted = AWQ_CAUSAL_LM_MODEL_MAP[model_type](
        model, model_type, is_quantized=False, config=model.config, quant_config=None,
        processor=None,
    )  # fmt: skip
    quantizer = _measuring_quantizer(progress)
    adapted.quantize(
        None,
        quant_config=settings,
        calib_data=[[*block] for block in calibration.blocks],
        max_calib_samples=len(calibration.blocks),
        max_calib_seq_len=len(calibration.blocks[0]),
        quantizer_cls=quantizer,
    )
    model.config.quantization_config = adapted.quant_config.to_transformers_dict()
    model.config.use_cache = uses_cache
    errors: dict[str, float] = adapted.quantizer.errors
    return errors


def _measuring_quantizer(progress: Progress) -> Any:
    """Autoawq's quantizer, which also tells how far it is and how much each weight lost."""
    from awq.quantize.quantizer import AwqQuantizer
    from awq.utils.module import get_op_name

    class MeasuringQuantizer(AwqQuantizer):  # type: ignore[misc]
        def __init__(self, *args: Any, **given: Any) -> None:
            self.errors: dict[str, float] = {}
            self._done = 0
            self._scaled: dict[str, Any] = {}
            super().__init__(*args, **given)

        def _search_best_clip(self, layer: Any, named_linears: Any, input_feat: Any) -> Any:
            self._scaled = {name: each.weight.cpu() for name, each in named_linears.items()}
            self._scaled = {name: weight.clone() for name, weight in self._scaled.items()}
            return super()._search_best_clip(layer, named_linears, input_feat)

        def pseudo_quantize_tensor(self, w: Any) -> Any:
            return quantized(w, self.group_size)

        def _compute_best_scale(  # noqa: PLR0917 - autoawq calls it by position
            self, x: Any, w_mean: Any, x_mean: Any, module2inspect: Any, linears2scale: Any,
            fp16_output: Any, kwargs: Any,
        ) -> Any:  # fmt: skip
            def loss() -> float:
                found = self._module_forward(x, module2inspect, kwargs)
                return float((found.float() - fp16_output.float()).pow_(2).mean())

            return best_scales(
                linears2scale, w_mean, x_mean, group_size=self.group_size, loss=loss
            ).cpu()

        def _compute_best_clip(self, w: Any, input_feat: Any, **_: Any) -> Any:
            return best_clip(w, input_feat, self.group_size)

        def _apply_quant(self, module: Any, named_linears: Any) -> None:
            prefix = get_op_name(self.model, module)
            for name, linear in named_linears.items():
                wanted = self._scaled.get(name, linear.weight).cpu()
                found = self.pseudo_quantize_tensor(linear.weight.data.clone())[0].cpu()
                self.errors[f"{prefix}.{name}"] = relative_error(found, wanted)
            super()._apply_quant(module, named_linears)
            self._done += 1
            progress(self._done, len(self.modules))

    return MeasuringQuantizer


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back autoawq's farewell, its bars, and torch's own deprecations it runs into.

    Importing it resets Python's filter of deprecations, so these are collected and dropped.
    """
    with quiet_bitsandbytes(), warnings.catch_warnings(record=True):
        import awq.quantize.quantizer as module

        bar, module.tqdm = module.tqdm, lambda modules, **_: modules
        try:
            yield
        finally:
            module.tqdm = bar
