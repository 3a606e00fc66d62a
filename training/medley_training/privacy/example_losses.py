"""One loss per example, which is what a single example's gradient is taken of."""

from typing import TYPE_CHECKING

from medley_training.data.batches import Batch
from medley_training.data.formatting import IGNORED_LABEL
from medley_training.local.loss import completion_logits

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def example_losses(model: "PreTrainedModel", batch: Batch, *, pad_token_id: int) -> "Tensor":
    """Each example's mean cross entropy over its own completion tokens, float32, shape (batch,).

    A mean, so that a long completion's gradient is not clipped harder than a short one's.
    """
    import torch
    from torch.nn.functional import cross_entropy

    logits, targets = completion_logits(model, batch, pad_token_id=pad_token_id)
    losses = cross_entropy(logits, targets, ignore_index=IGNORED_LABEL, reduction="none")
    counts = torch.tensor([example.num_completion_tokens for example in batch])
    return losses.view(len(batch), -1).sum(dim=1) / counts.to(losses.device)
