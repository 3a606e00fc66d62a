"""A text that a model gave, as a `Found`: where it is printed, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from medley.grounding import Ground, Place
from medley.pages import Box, Page, Source, Word
from medley.results import ConfidenceMethod, Found, Grounding, Match


class Part(NamedTuple):
    """The words of a page that a model was shown with a question."""

    words: Sequence[Word]
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found.

    Attributes:
        lead: A sign that is printed directly before it and that the model left out.
    """

    found: Found
    lead: str = ""


class Finder:
    """Looks for texts on one page."""

    def __init__(self, page: Page, *, grounding: Grounding, confidence_min: float) -> None:
        self._page = page
        self._is_off = grounding is Grounding.OFF
        self._confidence_min = confidence_min

    def part(self, words: Sequence[Word]) -> Part:
        """The part of the page that some words are."""
        return Part(words, Ground(words, self._page.number))

    @cached_property
    def _whole(self) -> Ground:
        return Ground(self._page.words, self._page.number)

    def find(
        self, text: str, probability: float | None, part: Part | None, near: Box | None = None
    ) -> Finding:
        """Where a text is printed: in the part that was shown, else anywhere on the page.

        What stands only elsewhere is for review: the model was not shown it there.

        Args:
            text: As the model gave it.
            probability: That it gave it.
            part: What it was shown; None for all of the page.
            near: Of several places the nearest to this one is meant.
        """
        if self._is_off:
            return Finding(found=self._unfound(text, probability, is_doubtful=False))
        place = part.ground.find(text, near) if part else None
        is_elsewhere = place is None and part is not None
        if place is None:
            around = Box.around(word.box for word in part.words) if part and part.words else near
            place = self._whole.find(text, around)
        if place is None:
            return Finding(found=self._unfound(text, None, is_doubtful=True))
        found = self._found(text, probability, place, is_doubtful=is_elsewhere)
        return Finding(found=found, lead=place.lead)

    def conclude(self, word: str, probability: float | None, part: Part | None) -> Found:
        """A word of a closed list, which rests on the words that were shown."""
        words = part.words if part else ()
        return Found(
            value=word,
            page=self._page.number if part else None,
            bbox=Box.around(each.box for each in words) if words else None,
            match=Match.CONCLUDED,
            confidence=probability,
            confidence_method=None if probability is None else ConfidenceMethod.LOGPROB,
            review=self._is_unsure(probability),
        )

    def _found(
        self, text: str, probability: float | None, place: Place, *, is_doubtful: bool
    ) -> Found:
        confidence, method = self._confidence(probability, place)
        is_doubtful = is_doubtful or place.match is Match.FUZZY
        return Found(
            value=text,
            text=place.text,
            page=place.page,
            bbox=place.bbox,
            match=place.match,
            confidence=confidence,
            confidence_method=method,
            review=is_doubtful or self._is_unsure(confidence),
        )

    def _confidence(
        self, probability: float | None, place: Place
    ) -> tuple[float | None, ConfidenceMethod | None]:
        """The model's probability, times that of the worst word that OCR read there."""
        if probability is None:
            return None, None
        if self._page.source is not Source.OCR:
            return probability, ConfidenceMethod.LOGPROB
        worst = min((word.confidence for word in place.words), default=1.0)
        return probability * worst, ConfidenceMethod.AGREEMENT

    def _unfound(self, text: str, probability: float | None, *, is_doubtful: bool) -> Found:
        return Found(
            value=text,
            text=text,
            match=Match.NOT_FOUND,
            confidence=probability,
            confidence_method=None if probability is None else ConfidenceMethod.LOGPROB,
            review=is_doubtful or self._is_unsure(probability),
        )

    def _is_unsure(self, confidence: float | None) -> bool:
        return confidence is None or confidence < self._confidence_min
