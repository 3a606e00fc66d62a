"""One item of a suite with what was answered to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medley_registry import Item
from medley_registry.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was asked, what was said, and how it counts.

    Attributes:
        item: What it contributes to each metric.
        prompt: The last thing said to the model.
        said: Its answer; for a choice the likeliest option.
        truth: The right answer, or what was demanded of it.
        details: More that a person may want to see, such as every option's score.
    """

    item: Item
    prompt: str
    said: str
    truth: str
    details: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """What ``from_json`` reads back."""
        return {
            **self.item.to_json(),
            "prompt": self.prompt,
            "answer": self.said,
            "truth": self.truth,
            "details": {**self.details},
        }

    @classmethod
    def from_json(cls, value: Any) -> "Answer":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            item=Item.from_json(value),
            prompt=str(value["prompt"]),
            said=str(value["answer"]),
            truth=str(value["truth"]),
            details=dict(value["details"]),
        )
