"""NF4 with double quantization, through bitsandbytes."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def nf4_config(dtype: str) -> dict[str, Any]:
    """The arguments of transformers' `BitsAndBytesConfig`, all of which can change a weight.

    Dettmers et al., "QLoRA", arXiv:2305.14314, §3. The block sizes are fixed in bitsandbytes: 64
    weights share a scale, 256 scales share another.
    """
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": dtype,
        "bnb_4bit_quant_storage": "uint8",
    }


def keep_trainable(model: "PreTrainedModel") -> None:
    """Keep bitsandbytes from repacking the weights when they are first used in evaluation mode.

    On CPUs with bfloat16 instructions it does so, and no gradient passes the repacked layers: a
    model that is evaluated and then trained on would learn in its last layer alone.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


@contextmanager
def quiet_bitsandbytes() -> Iterator[None]:
    """Hold back what bitsandbytes says when it is first imported that no user can act on.

    It misses an optional package for repacked weights, which `keep_trainable` does without, and
    touches a part of torch that calls a deprecated function of torch's own. PEFT imports it too.
    """

    def passes(record: logging.LogRecord) -> bool:
        return "gemm_4bit_forward" not in record.getMessage()

    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    logger.addFilter(passes)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"`torch\.jit\.script_method`", DeprecationWarning)
            yield
    finally:
        logger.removeFilter(passes)
