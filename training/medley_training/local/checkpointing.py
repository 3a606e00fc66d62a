"""A scope in which layers are computed again for the gradient, which saves memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peft import PeftModel


@contextmanager
def gradient_checkpointing(model: "PeftModel") -> Iterator[None]:
    """Keep only each layer's input for the gradient (Chen et al., arXiv:1604.06174).

    The form of torch that is called non-reentrant is used: it gives a gradient to adapters whose
    layer's input needs none, which holds for the first layer on a frozen base.
    """
    base = model.get_base_model()
    base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    try:
        yield
    finally:
        base.gradient_checkpointing_disable()
