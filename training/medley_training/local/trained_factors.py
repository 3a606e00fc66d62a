"""Which of the two LoRA factors a training changes: both, or one while the other is frozen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medley_training.local.lora import BOTH_FACTORS, Factor, factor_of

if TYPE_CHECKING:
    from peft import PeftModel


@contextmanager
def training_only(model: "PeftModel", factors: frozenset[Factor]) -> Iterator[None]:
    """Freeze the other factor while the scope lasts; afterwards it is as trainable as before.

    FFA-LoRA freezes A throughout (Sun et al., arXiv:2403.12313); RoLoRA freezes A and B in turn,
    round by round (Chen et al., arXiv:2502.01755).

    Raises:
        ValueError: `factors` is empty or names something else than A and B.
    """
    if not factors or factors - BOTH_FACTORS:
        raise ValueError(f"trained factors must be A, B or both, not {sorted(factors)}")
    frozen = [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and factor_of(name) not in factors
    ]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_()
