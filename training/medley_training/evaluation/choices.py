"""Multiple choice by likelihood: which option the model would most probably answer with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from medley_training.data.examples import Example
from medley_training.data.formatting import ChatTokenizer
from medley_training.evaluation.padding import last_position, padded
from medley_training.evaluation.prompt import prompt_of
from medley_training.evaluation.scores import NO_SCORES, Scores, Tally

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class ChoiceQuestion:
    """A question's prompt, its options as completions, all in tokens, and the right one's index."""

    prompt: tuple[int, ...]
    options: tuple[tuple[int, ...], ...]
    answer: int

    @property
    def width(self) -> int:
        """The tokens that go through the model for it: the prompt once, then each option."""
        return len(self.prompt) + len(self.options) * max(len(option) for option in self.options)


def choice_question(
    example: Example, choices: Sequence[str], answer: int, *, tokenizer: ChatTokenizer
) -> ChoiceQuestion:
    """The question of a chat, each choice in the place of its last assistant turn."""
    prompts = [prompt_of(example, tokenizer, answer=choice) for choice in choices]
    options = tuple(prompt.completion for prompt in prompts)
    return ChoiceQuestion(prompts[0].token_ids, options, answer)


def score_choices(
    model: "PreTrainedModel",
    questions: Sequence[ChoiceQuestion],
    *,
    pad_token_id: int,
    batch_tokens: int = 2048,
    observer: Callable[[int], None] | None = None,
) -> list[Scores]:
    """Whether the right option is the likeliest (``choice_accuracy``), of each question.

    An option's score is the log-probability of its whole completion, the end of the turn included,
    and not the mean over its tokens. It is the chance that the model gives just this answer. The
    prompts list the options, so an option is nearly certain after its first words, and a mean would
    favour the long ones. Where the options are not in the prompt, the sum favours short ones.

    Args:
        model: In evaluation mode.
        questions: What to choose for.
        pad_token_id: Fills short rows of a batch; it does not change the result.
        batch_tokens: The most tokens, padding included, that go through the model at once.
        observer: Told after each batch how many questions were in it.
    """
    found = [NO_SCORES] * len(questions)
    for batch in _batches(questions, max_tokens=batch_tokens):
        asked = [questions[place] for place in batch]
        scores = option_scores(model, asked, pad_token_id=pad_token_id)
        for place, question, options in zip(batch, asked, scores, strict=True):
            is_right = options.index(max(options)) == question.answer
            found[place] = Scores({"choice_accuracy": Tally(is_right, 1)})
        if observer is not None:
            observer(len(batch))
    return found


def option_scores(
    model: "PreTrainedModel", questions: Sequence[ChoiceQuestion], *, pad_token_id: int
) -> list[list[float]]:
    """The log-probability, in nats, of each option of each question.

    Every prompt goes through the model once, and its keys and values serve all of its options.
    """
    import torch

    counts = [len(question.options) for question in questions]
    row_of = torch.tensor([row for row, count in enumerate(counts) for _ in range(count)])
    prompts, prompt_mask = padded([q.prompt for q in questions], pad_token_id, on_the_left=True)
    options, option_mask = padded(
        [option for q in questions for option in q.options], pad_token_id, on_the_left=False
    )
    device = model.device
    with torch.no_grad():
        read = model(
            input_ids=prompts.to(device),
            attention_mask=prompt_mask.to(device),
            position_ids=(prompt_mask.cumsum(dim=1) - 1).clamp(min=0).to(device),
            logits_to_keep=last_position(prompts).to(device),
            use_cache=True,
        )
        first = read.logits[row_of.to(device)]
        logits = [first, *_continued(model, read.past_key_values, row_of, prompt_mask, options)]
        gained = _log_probability(torch.cat(logits, dim=1), options.to(device))
    totals = (gained * option_mask.to(device)).sum(dim=1).tolist()
    ends = [0, *torch.tensor(counts).cumsum(dim=0).tolist()]
    return [totals[start:end] for start, end in pairwise(ends)]


def _continued(
    model: "PreTrainedModel",
    cache: object,
    row_of: "Tensor",
    prompt_mask: "Tensor",
    options: "Tensor",
) -> "Iterator[Tensor]":
    """The logits behind every token of each option but the last; nothing for a single token."""
    import torch

    width = options.shape[1] - 1
    if not width:
        return
    cache.batch_select_indices(row_of.to(model.device))  # type: ignore[attr-defined]
    mask = prompt_mask[row_of]
    # Padding at an option's end is only seen by what comes after it, and that does not count.
    positions = mask.sum(dim=1, keepdim=True) + torch.arange(width)
    yield model(
        input_ids=options[:, :-1].to(model.device),
        attention_mask=torch.cat([mask, torch.ones_like(options[:, :-1])], dim=1).to(model.device),
        position_ids=positions.to(model.device),
        past_key_values=cache,
        use_cache=True,
    ).logits


def _log_probability(logits: "Tensor", tokens: "Tensor") -> "Tensor":
    logits = logits.float()
    chosen = logits.gather(2, tokens.unsqueeze(2)).squeeze(2)
    return chosen - logits.logsumexp(dim=2)


def _batches(questions: Sequence[ChoiceQuestion], *, max_tokens: int) -> Iterator[list[int]]:
    """The questions' places, in batches of similar width."""
    current: list[int] = []
    for place in sorted(range(len(questions)), key=lambda place: questions[place].width):
        if current and (len(current) + 1) * questions[place].width > max_tokens:
            yield current
            current = []
        current.append(place)
    if current:
        yield current
