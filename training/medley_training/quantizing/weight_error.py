"""How far quantized weights are from those they stand for: ‖Ŵ - W‖ / ‖W‖ (Frobenius) by module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from medley_registry.canonical import Json

if TYPE_CHECKING:
    from torch import Tensor

_DIGITS = 4


def relative_error(found: "Tensor", wanted: "Tensor") -> float:
    """The Frobenius norm of the difference over that of `wanted`; 0 where that is 0."""
    wanted = wanted.detach().float()
    norm = wanted.norm().item()
    return float((found.detach().float() - wanted).norm().item() / norm) if norm else 0.0


def error_summary(errors: Mapping[str, float]) -> dict[str, Json]:
    """What a recipe says of the errors: their mean, and the module that lost most."""
    worst = max(errors, key=lambda module: errors[module])
    return {
        "mean": round(sum(errors.values()) / len(errors), _DIGITS),
        "max": round(errors[worst], _DIGITS),
        "worst_module": worst,
        "modules": len(errors),
    }
