"""How well the completions of examples are predicted, token by token."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING

from medley_training.data.batches import Batch, batches_by_length
from medley_training.data.formatting import IGNORED_LABEL, TokenizedExample
from medley_training.evaluation.scores import NO_SCORES, Scores, Tally
from medley_training.local.loss import completion_logits

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def score_loss(
    model: "PreTrainedModel",
    examples: Sequence[TokenizedExample],
    *,
    pad_token_id: int,
    batch_tokens: int = 2048,
    observer: Callable[[int], None] | None = None,
) -> list[Scores]:
    """The mean loss per completion token (``loss``, nats) and ``token_accuracy``, of each example.

    A token is right where it is the likeliest after the true tokens before it.

    Args:
        model: In evaluation mode.
        examples: What to predict the completions of.
        pad_token_id: Fills short rows of a batch; it does not change the result.
        batch_tokens: The most tokens, padding included, that go through the model at once.
        observer: Told after each batch how many examples were in it.
    """
    import torch

    places: dict[int, list[int]] = {}
    for place, example in enumerate(examples):
        places.setdefault(id(example), []).append(place)
    found = [NO_SCORES] * len(examples)
    with torch.no_grad():
        # The order of batches is all that the generator draws.
        for batch in batches_by_length(examples, Random(0), max_tokens=batch_tokens):  # noqa: S311
            rows = _rows(model, batch, pad_token_id=pad_token_id)
            for example, scores in zip(batch, rows, strict=True):
                found[places[id(example)].pop()] = scores
            if observer is not None:
                observer(len(batch))
    return found


def _rows(model: "PreTrainedModel", batch: Batch, *, pad_token_id: int) -> Iterator[Scores]:
    """The scores of each example of a batch."""
    from torch.nn.functional import cross_entropy

    logits, targets = completion_logits(model, batch, pad_token_id=pad_token_id)
    losses = cross_entropy(logits, targets, ignore_index=IGNORED_LABEL, reduction="none")
    is_target = targets != IGNORED_LABEL
    is_right = (logits.argmax(dim=-1) == targets) & is_target
    by_row = (t.view(len(batch), -1).sum(dim=1).tolist() for t in (losses, is_right, is_target))
    for loss, right, num_tokens in zip(*by_row, strict=True):
        yield Scores({"loss": Tally(loss, num_tokens), "token_accuracy": Tally(right, num_tokens)})
