"""What cannot work, told before anything is made; what works is probed (`matrix`), not listed."""

from typing import Literal, TypeAlias

from medley_registry.bases import BaseModel

from medley_training.errors import CannotQuantize
from medley_training.quantizing import autoawq
from medley_training.quantizing.isolated import has_gpu
from medley_training.quantizing.text_modules import model_config

Tool: TypeAlias = Literal["autoawq", "llm-compressor"]
TOOLS: tuple[Tool, ...] = ("autoawq", "llm-compressor")
BASE_METHODS = ("nf4", "awq")
VERSION_METHODS = ("merged", "merged-awq", "gguf")
_REFUSED = {
    "w8a8": "vLLM's int8 kernel for CPUs drops the weight that LoRA layers read, and the server"
    " crashes: use nf4 or awq",
    "gptq": "gptqmodel wants another torch than vLLM: use awq, which the same kernels serve",
    "bf16": "the base as it stands is that variant: serve it with --variant bf16",
}


def check_method(method: str, *, is_base: bool) -> None:
    """Refuse a method that there is not, or not for what was named.

    Raises:
        CannotQuantize: with the reason and what to use.
    """
    if method in _REFUSED:
        raise CannotQuantize(f"no {method}: {_REFUSED[method]}")
    known = BASE_METHODS if is_base else VERSION_METHODS
    if method in known:
        return
    what = "a base" if is_base else "an adapter's version"
    if method not in BASE_METHODS + VERSION_METHODS:
        raise CannotQuantize(f"no method {method!r}: {what} can be {', '.join(known)}")
    hint = (
        "name a version, as in discharge:2"
        if is_base
        else "quantize its base; the adapter is served on it as it is"
    )
    raise CannotQuantize(f"{method} is not made of {what}: {hint}")


def check_plain(base: BaseModel) -> None:
    """Refuse a base whose weights are quantized already.

    Raises:
        CannotQuantize: they are; rounding twice loses twice.
    """
    if "quantization_config" in model_config(base.path):
        raise CannotQuantize(f"{base.name} is quantized already: quantize what it was made from")


def tool_for(base: BaseModel, wanted: Tool | None) -> Tool:
    """The tool that was asked for, if it can; else autoawq without a GPU for models it knows.

    Raises:
        CannotQuantize: autoawq does not know the base's architecture, or is not installed.
    """
    if wanted == "llm-compressor" or (wanted is None and has_gpu()):
        return "llm-compressor"
    model_type = str(model_config(base.path).get("model_type"))
    if autoawq.knows(model_type):
        return "autoawq"
    if wanted == "autoawq":
        raise CannotQuantize(f"autoawq knows no {model_type}: use --tool llm-compressor")
    return "llm-compressor"
