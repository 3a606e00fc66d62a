"""That a private training did what its numbers say: the adapter changed, and the file is it.

A reported combination of Opacus and PEFT trained for hours with a falling loss and a growing
epsilon, and left adapters that were of no use (https://github.com/meta-pytorch/opacus/issues/820).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medley_training.data.formatting import TokenizedExample
from medley_training.errors import PrivateAdapterBroken
from medley_training.factors import Adapter, tensors_of
from medley_training.local.loss import completion_logits

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

_SECOND = "read_back"


def check_moved(before: "Mapping[str, Tensor]", after: "Mapping[str, Tensor]") -> None:
    """Compare the trained tensors before and after a private step, by name.

    Noise goes to every number, so each tensor must differ, whatever its gradient was.

    Raises:
        PrivateAdapterBroken: One is as it was.
    """
    still = [name for name, tensor in before.items() if after[name].equal(tensor)]
    if still or not before:
        raise PrivateAdapterBroken(f"a private step left {still or 'nothing trainable'} as before")


def check_saved(
    model: "PeftModel",
    saved: Adapter,
    probe: Sequence[TokenizedExample],
    *,
    pad_token_id: int,
    tolerance: float = 1e-4,
) -> None:
    """Compare what the model in memory answers with what the saved adapter answers.

    The saved one is loaded beside the one in memory, into layers of its own: one that is read back
    into the same layers would agree even where those are not the ones that answer.

    Args:
        model: As it was trained; it is left as it was.
        saved: Read from disk: an `AdapterFile`, or a `ContributionFile` of codec ``none``.
        probe: A few examples.
        pad_token_id: Fills short rows.
        tolerance: The largest difference of a logit, as a share of the largest logit.

    Raises:
        PrivateAdapterBroken: They differ.
    """
    import torch

    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            expected, _ = completion_logits(model, tuple(probe), pad_token_id=pad_token_id)
            with _beside(model, saved):
                found, _ = completion_logits(model, tuple(probe), pad_token_id=pad_token_id)
    finally:
        model.train(was_training)
    difference = float((found - expected).abs().max())
    if not difference <= tolerance * float(expected.abs().max()):
        raise PrivateAdapterBroken(
            f"the saved adapter's logits are up to {difference:.3g} away from those in memory"
        )


@contextmanager
def _beside(model: "PeftModel", saved: Adapter) -> Iterator[None]:
    """Let the model answer with another adapter of the same configuration while the scope lasts."""
    import torch
    from peft import set_peft_model_state_dict

    active = model.active_adapter
    trainable = {name: each.requires_grad for name, each in model.named_parameters()}
    with torch.random.fork_rng():  # a new adapter draws its start
        model.add_adapter(_SECOND, model.peft_config[active])
    try:
        set_peft_model_state_dict(model, dict(tensors_of(saved)), adapter_name=_SECOND)
        model.set_adapter(_SECOND)
        yield
    finally:
        model.set_adapter(active)
        model.delete_adapter(_SECOND)
        for name, each in model.named_parameters():
            each.requires_grad_(trainable[name])
