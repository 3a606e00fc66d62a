"""Documents to records: generated answers, compared field by field with the truth."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from medley.records import DocumentType, MedicalRecord

from medley_training.data.examples import Example
from medley_training.documents.extraction import parse_answer
from medley_training.documents.scoring import FieldCounts, compare
from medley_training.errors import RecipeError
from medley_training.evaluation.generation import greedy_answers
from medley_training.evaluation.prompt import Tokenizer, padding_of, prompt_of
from medley_training.evaluation.scores import Scores, Tally

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def score_extraction(
    model: "PreTrainedModel",
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    *,
    max_new_tokens: int,
    batch_tokens: int = 2048,
    observer: Callable[[int], None] | None = None,
) -> list[Scores]:
    """Generate a record for each document and compare it with the chat's own last turn.

    The metrics of each document are ``field_f1`` over its fields, ``field_exact`` (every field
    right and none invented), ``json_valid`` (there is a JSON object in the answer) and
    ``critical_errors`` (`FieldCounts`).

    Args:
        model: In evaluation mode.
        tokenizer: The base's.
        examples: Chats that end with a record in JSON.
        max_new_tokens: An answer ends here at the latest.
        batch_tokens: The most tokens of prompts, padding included, that are answered together.
        observer: Told after each batch how many documents were in it.

    Raises:
        RecipeError: A chat ends with something else than a record.
    """
    records = [_record(example) for example in examples]
    answers = answers_to(
        model,
        tokenizer,
        examples,
        max_new_tokens=max_new_tokens,
        batch_tokens=batch_tokens,
        observer=observer,
    )
    return [
        document_scores(compare(record, parse_answer(answer)))
        for record, answer in zip(records, answers, strict=True)
    ]


def document_scores(counts: FieldCounts) -> Scores:
    """The metrics of one document that `score_extraction` gives."""
    twice_right = 2 * counts.true_positive
    return Scores(
        {
            "critical_errors": Tally(counts.critical, 1),
            "field_exact": Tally(counts.exact, 1),
            "field_f1": Tally(
                twice_right, twice_right + counts.false_positive + counts.false_negative
            ),
            "json_valid": Tally(counts.valid_json, 1),
        }
    )


def _record(example: Example) -> MedicalRecord:
    """The record that a chat ends with; its completion does not say the type, nor is it scored."""
    completion = example.messages[-1].content
    try:
        rows = json.loads(completion)
        return MedicalRecord.model_validate({**rows, "document_type": DocumentType.LAB_PANEL})
    except (ValueError, TypeError) as error:
        raise RecipeError(
            "the evaluation task extraction needs examples that end with a record in JSON;"
            f" one ends with {completion[:80]!r}"
        ) from error


def answers_to(
    model: "PreTrainedModel",
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    *,
    max_new_tokens: int,
    batch_tokens: int = 2048,
    observer: Callable[[int], None] | None = None,
) -> list[str]:
    """What the model says, greedily, in the place of each chat's last completion."""
    prompts = [prompt_of(example, tokenizer).token_ids for example in examples]
    ends = frozenset(() if tokenizer.eos_token_id is None else (tokenizer.eos_token_id,))
    answers = greedy_answers(
        model,
        prompts,
        end_token_ids=ends,
        pad_token_id=padding_of(tokenizer),
        max_new_tokens=max_new_tokens,
        batch_tokens=batch_tokens,
        observer=observer,
    )
    return [str(tokenizer.decode(answer, skip_special_tokens=True)) for answer in answers]
