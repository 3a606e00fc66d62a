"""The completion-only loss of one batch."""

from typing import TYPE_CHECKING

from medley_training.data.batches import Batch
from medley_training.data.formatting import IGNORED_LABEL

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def completion_loss(model: "PreTrainedModel", batch: Batch, *, pad_token_id: int) -> "Tensor":
    """Sum of the cross entropy over every completion token of `batch`, as a scalar in float32.

    A sum and not a mean, so that a caller that accumulates over several batches can divide once by
    the tokens of all of them.
    """
    from torch.nn.functional import cross_entropy

    logits, targets = completion_logits(model, batch, pad_token_id=pad_token_id)
    return cross_entropy(logits, targets, ignore_index=IGNORED_LABEL, reduction="sum")


def completion_logits(
    model: "PreTrainedModel", batch: Batch, *, pad_token_id: int
) -> "tuple[Tensor, Tensor]":
    """Logits in float32, shape (positions, vocabulary), and the token that each should predict.

    Every position before a completion token is there; some others are too, with `IGNORED_LABEL`.
    """
    tensors = _collate(batch, pad_token_id=pad_token_id)
    input_ids, attention_mask, labels = (tensor.to(model.device) for tensor in tensors)
    # Position i predicts token i+1. The vocabulary's logits are a large part of a small model's
    # cost, so only the columns that some row learns from are computed.
    columns = (labels[:, 1:] != IGNORED_LABEL).any(dim=0).nonzero().squeeze(1)
    output = model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        logits_to_keep=columns,
        use_cache=False,
    )
    return output.logits.float().flatten(0, 1), labels[:, columns + 1].flatten()


def _collate(batch: Batch, *, pad_token_id: int) -> "tuple[Tensor, Tensor, Tensor]":
    import torch

    width = max(len(example) for example in batch)
    input_ids = torch.full((len(batch), width), pad_token_id)
    attention_mask = torch.zeros((len(batch), width), dtype=torch.long)
    labels = torch.full((len(batch), width), IGNORED_LABEL)
    for row, example in enumerate(batch):
        input_ids[row, : len(example)] = torch.tensor(example.input_ids)
        attention_mask[row, : len(example)] = 1
        labels[row, : len(example)] = torch.tensor(example.labels)
    return input_ids, attention_mask, labels
