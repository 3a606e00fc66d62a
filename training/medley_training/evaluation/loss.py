"""How well the completions of examples are predicted, token by token."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from medley_training.data.batches import batches_by_length
from medley_training.data.formatting import IGNORED_LABEL, TokenizedExample
from medley_training.evaluation.scores import Scores, Tally
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
) -> Scores:
    """The mean loss per completion token (``loss``, nats) and ``token_accuracy``.

    A token is right where it is the likeliest after the true tokens before it.

    Args:
        model: In evaluation mode.
        examples: What to predict the completions of.
        pad_token_id: Fills short rows of a batch; it does not change the result.
        batch_tokens: The most tokens, padding included, that go through the model at once.
        observer: Told after each batch how many examples were in it.
    """
    import torch
    from torch.nn.functional import cross_entropy

    loss, right, num_tokens = 0.0, 0, 0
    with torch.no_grad():
        # The order of batches is all that the generator draws.
        for batch in batches_by_length(examples, Random(0), max_tokens=batch_tokens):  # noqa: S311
            logits, targets = completion_logits(model, batch, pad_token_id=pad_token_id)
            is_target = targets != IGNORED_LABEL
            loss += float(cross_entropy(logits, targets, reduction="sum"))
            right += int(((logits.argmax(dim=-1) == targets) & is_target).sum())
            num_tokens += int(is_target.sum())
            if observer is not None:
                observer(len(batch))
    return Scores({"loss": Tally(loss, num_tokens), "token_accuracy": Tally(right, num_tokens)})
