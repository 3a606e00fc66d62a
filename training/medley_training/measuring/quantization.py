"""Whether a server runs the variant that it is measured as."""

import json
from collections.abc import Mapping
from typing import Any

from medley_registry import BaseModel, VariantKind

from medley_training.errors import NotMeasured

_NF4 = "bitsandbytes"


def check_quantization(facts: Mapping[str, Any], base: BaseModel, kind: VariantKind) -> None:
    """Refuse to measure as one variant what the engine quantized as another.

    Args:
        facts: What the server said of itself (`GET /benchmark`).
        base: The base as it is, which may have been published quantized.
        kind: What the server is to serve it as.

    Raises:
        NotMeasured: the engine's quantization is not this variant's.
    """
    found = facts.get("quantization")
    fits = {
        VariantKind.BF16: found is None or _is_quantized(base),
        VariantKind.NF4: found == _NF4,
        VariantKind.AWQ: found not in {None, _NF4},  # each kernel has a name of its own for it
    }
    if not fits.get(kind, False):
        told = "unquantized" if found is None else f"quantized by {found}"
        raise NotMeasured(f"the engine runs {base.name} {told}: that is not {kind}")


def _is_quantized(base: BaseModel) -> bool:
    try:
        return "quantization_config" in json.loads((base.path / "config.json").read_bytes())
    except (OSError, ValueError):  # its files are elsewhere
        return False
