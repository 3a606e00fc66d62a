"""Greedy answers to many prompts at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from medley_training.evaluation.padding import last_position, padded

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def greedy_answers(
    model: "PreTrainedModel",
    prompts: Sequence[Sequence[int]],
    *,
    end_token_ids: frozenset[int],
    pad_token_id: int,
    max_new_tokens: int,
    batch_tokens: int = 2048,
    observer: Callable[[int], None] | None = None,
) -> list[tuple[int, ...]]:
    """The likeliest token again and again, for each prompt until an end token, which is left out.

    Prompts of similar length go together, and an answer that has ended leaves its batch, so that
    none waits for the longest.

    Args:
        model: In evaluation mode.
        prompts: Token ids that the answers follow.
        end_token_ids: An answer ends with one of these.
        pad_token_id: Fills short rows of a batch; it does not change the result.
        max_new_tokens: An answer ends here at the latest.
        batch_tokens: The most tokens of prompts, padding included, that are answered together.
        observer: Told after each batch how many prompts were in it.
    """
    import torch

    answers: list[tuple[int, ...]] = [()] * len(prompts)
    with torch.no_grad():
        for batch in _batches(prompts, max_tokens=batch_tokens):
            answering = _Answering(
                model, [prompts[index] for index in batch], pad_token_id, end_token_ids
            )
            for index, answer in zip(batch, answering.run(max_new_tokens), strict=True):
                answers[index] = tuple(answer)
            if observer is not None:
                observer(len(batch))
    return answers


class _Answering:
    """One batch while it is answered; its tensors hold the rows that have not ended."""

    def __init__(
        self,
        model: "PreTrainedModel",
        prompts: Sequence[Sequence[int]],
        pad_token_id: int,
        end_token_ids: frozenset[int],
    ) -> None:
        import torch

        self._model = model
        self._end_token_ids = torch.tensor(sorted(end_token_ids), device=model.device)
        self._answers: list[list[int]] = [[] for _ in prompts]
        self._rows = list(range(len(prompts)))
        tokens, mask = padded(prompts, pad_token_id, on_the_left=True)
        self._input, self._mask = tokens.to(model.device), mask.to(model.device)
        self._position = (self._mask.cumsum(dim=1) - 1).clamp(min=0)
        self._cache: Any = None

    def run(self, max_new_tokens: int) -> list[list[int]]:
        import torch

        for _ in range(max_new_tokens):
            tokens = self._next_tokens()
            goes_on = torch.isin(tokens, self._end_token_ids, invert=True)
            self._keep(goes_on)
            if not self._rows:
                break
            tokens = tokens[goes_on]
            for row, token in zip(self._rows, tokens.tolist(), strict=True):
                self._answers[row].append(token)
            self._input = tokens.unsqueeze(1)
            self._mask = torch.cat([self._mask, torch.ones_like(self._input)], dim=1)
            self._position = self._position[:, -1:] + 1
        return self._answers

    def _next_tokens(self) -> "Tensor":
        output = self._model(
            input_ids=self._input,
            attention_mask=self._mask,
            position_ids=self._position,
            past_key_values=self._cache,
            logits_to_keep=last_position(self._input).to(self._input.device),
            use_cache=True,
        )
        self._cache = output.past_key_values
        return output.logits[:, 0].argmax(dim=1)

    def _keep(self, goes_on: "Tensor") -> None:
        """Drop the rows that have ended from everything."""
        if bool(goes_on.all()):
            return
        self._rows = [row for row, kept in zip(self._rows, goes_on.tolist(), strict=True) if kept]
        self._mask, self._position = self._mask[goes_on], self._position[goes_on]
        if self._rows:
            self._cache.batch_select_indices(goes_on.nonzero().squeeze(1))


def _batches(prompts: Sequence[Sequence[int]], *, max_tokens: int) -> Iterator[list[int]]:
    """The prompts' indexes, longest first, so that a batch too large for the memory fails early."""
    batch: list[int] = []
    width = 0
    for index in sorted(range(len(prompts)), key=lambda index: -len(prompts[index])):
        if batch and (len(batch) + 1) * width > max_tokens:
            yield batch
            batch = []
        if not batch:
            width = len(prompts[index])
        batch.append(index)
    if batch:
        yield batch
