"""torchvision beside the CPU build of torch.

transformers imports torchvision wherever it is installed, and vLLM's Qwen-VL models and the image
processors behind them cannot do without. PyPI's build is linked to CUDA (libtorch_cuda.so), so its
library of operators does not load beside torch's CPU build. torchvision bears that
(`extension._has_ops`) but for two operators: `_meta_registrations` (0.28.0) says by
`torch.library.register_fake`, unasked, what `nms` and `qnms` return, which fails where nobody has
defined them ("operator torchvision::nms does not exist"), and with it every import of transformers
and peft. So both are defined, without a kernel: who calls them is told that there is none. Images
are resized and made tensors of without them.

This must come before whoever imports torchvision first, in processes of vLLM and in those that
never see it, so torch itself calls it at the end of its own import (entry-point group
`torch.backends`, its seam for out-of-tree backends).
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_OPERATORS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache  # the definitions last as long as what is returned
def define_vision_operators() -> Any:
    """Defines what torchvision takes for granted, where its own library cannot be loaded.

    Returns:
        The definitions, as torch's `Library`; None where none are needed.
    """
    import torch

    if torch.version.cuda is not None or (found := find_spec("torchvision")) is None:
        return None
    try:
        torch.ops.load_library(Path(str(found.origin)).with_name("_C.so"))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in _OPERATORS:
            library.define(name + _SIGNATURE)
        return library
    return None
