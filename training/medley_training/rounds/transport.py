"""What a coordinator and its sites say to each other, whatever carries it.

The coordinator asks and a site answers. `LocalSites` carries the questions within one machine,
`medley_training.flower` between machines; the participant that answers is the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Question(StrEnum):
    """What a site can be asked."""

    TRAIN = "train"
    EVALUATE = "evaluate"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one site.

    Attributes:
        question: What to do.
        body: JSON; for ``train`` and ``receipt`` a signed envelope.
        payload: The bytes of a safetensors file, or nothing.
    """

    question: Question
    body: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A site's answer: JSON and the bytes of a safetensors file, or nothing."""

    body: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a site gave no answer, as one line for people."""

    reason: str


class Answering(Protocol):
    """The side of a site: the same question twice gets the same answer."""

    def handle(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            TrainingError: The site refuses, or its work failed.
        """
        ...


class Sites(Protocol):
    """The sites of a run, as their coordinator reaches them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The sites that can be asked, sorted."""
        ...

    def ask(
        self, requests: Mapping[str, Request], *, deadline_s: float | None
    ) -> Iterator[tuple[str, Response | Failure]]:
        """Ask the named sites at once; yields the answers as they come.

        Each site asked is yielded once: at the deadline those that have not answered are yielded
        with a `Failure`. A caller that stops early leaves the others unanswered.
        """
        ...
