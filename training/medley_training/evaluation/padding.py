"""Rows of different lengths as one tensor."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def padded(
    rows: Sequence[Sequence[int]], pad_token_id: int, *, on_the_left: bool
) -> "tuple[Tensor, Tensor]":
    """Token ids and their attention mask, both of shape (rows, longest row)."""
    import torch

    width = max(len(row) for row in rows)
    tokens = torch.full((len(rows), width), pad_token_id)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for index, row in enumerate(rows):
        at = slice(width - len(row), width) if on_the_left else slice(0, len(row))
        tokens[index, at] = torch.tensor(row)
        mask[index, at] = 1
    return tokens, mask


def last_position(tokens: "Tensor") -> "Tensor":
    """The index of the last column, for the models' ``logits_to_keep``.

    The number 1 means the same and leaves a view, for which torch on CPU copies the whole output
    layer once per row: seconds, for a vocabulary of 49,152.
    """
    import torch

    return torch.tensor([tokens.shape[1] - 1])
