"""Several examples in one row, each blind to the others: no padding within a row.

Positions start again at 0 with each example. From that, transformers makes a mask in which tokens
attend only to earlier ones of their own example (`find_packed_sequence_indices`), for
eager, SDPA and flash attention alike, provided that no other mask is given and no cache is used.
A test holds this up to the installed version: the packed loss and its gradients equal the unpacked.
Models with a state that runs along the row (Mamba and its like) do not reset it: pack only for
attention.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from medley_training.data.formatting import IGNORED_LABEL, TokenizedExample

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class PackedRow:
    """Examples one after the other, as one row."""

    examples: tuple[TokenizedExample, ...]

    def __len__(self) -> int:
        return sum(map(len, self.examples))

    @property
    def input_ids(self) -> tuple[int, ...]:
        """The tokens."""
        return tuple(token for each in self.examples for token in each.input_ids)

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels; the first token of an example is never predicted from the one before it."""
        return tuple(label for each in self.examples for label in (IGNORED_LABEL, *each.labels[1:]))

    @property
    def position_ids(self) -> tuple[int, ...]:
        """Each token's place in its own example."""
        return tuple(place for each in self.examples for place in range(len(each)))

    @property
    def num_completion_tokens(self) -> int:
        """How many positions are learnt from."""
        return sum(label != IGNORED_LABEL for label in self.labels)


def pack(
    examples: Sequence[TokenizedExample], random: Random, *, max_tokens: int
) -> list[PackedRow]:
    """Put each example into exactly one row of at most `max_tokens`.

    Longest first into the row with the least room that still fits (best fit decreasing; at most
    11/9 of the fewest rows, plus one: Johnson et al., SIAM J. Comput. 1974). Ties in length and the
    order of rows are drawn from `random`. A longer example than `max_tokens` is a row of its own.
    """
    shuffled = random.sample(examples, len(examples))
    rows: list[list[TokenizedExample]] = []
    rooms: list[tuple[int, int]] = []
    for example in sorted(shuffled, key=len, reverse=True):
        place = bisect_left(rooms, (len(example), 0))
        if place < len(rooms):
            room, row = rooms.pop(place)
        else:
            room, row = max(max_tokens, len(example)), len(rows)
            rows.append([])
        rows[row].append(example)
        insort(rooms, (room - len(example), row))
    return random.sample([PackedRow(tuple(row)) for row in rows], len(rows))


def packed_loss(model: "PreTrainedModel", row: PackedRow) -> "Tensor":
    """Sum of the cross entropy over every completion token of a row, as a scalar in float32.

    It equals `completion_loss` over the same examples, but for rounding.
    """
    import torch
    from torch.nn.functional import cross_entropy

    device = model.device
    labels = torch.tensor(row.labels[1:], device=device)
    columns = (labels != IGNORED_LABEL).nonzero().squeeze(1)
    output = model(
        input_ids=torch.tensor([row.input_ids], device=device),
        position_ids=torch.tensor([row.position_ids], device=device),
        logits_to_keep=columns,
        use_cache=False,
    )
    return cross_entropy(output.logits[0].float(), labels[columns], reduction="sum")
