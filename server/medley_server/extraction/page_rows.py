"""What asking about some pages gave, by whichever way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medley.pages import Page
from medley.results import ExtractionOptions, ExtractionWarning

from medley_server.extraction.asking import NOTHING, Spent
from medley_server.extraction.errors import ExtractionError
from medley_server.extraction.phases import Phases
from medley_server.extraction.port import Progress
from medley_server.extraction.question import Pinned
from medley_server.extraction.record_rows import BuiltRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One document's pages to be asked about.

    Attributes:
        pages: Those with something on them.
        already_done: How many of those asked for have nothing on them.
    """

    pages: Sequence[Page]
    sha256: str
    model: Pinned
    options: ExtractionOptions
    phases: Phases
    progress: Progress
    already_done: int = 0

    def pages_done(self) -> Iterator[None]:
        """Tells of the pages; each step means one more is done."""
        of = len(self.pages) + self.already_done
        for done in range(self.already_done, of + 1):
            self.progress(done, of)
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A question without an answer.

    Attributes:
        about: The beginning of what it was about.
    """

    page: int
    about: str
    error: ExtractionError

    def warning(self) -> ExtractionWarning:
        """What the caller is told, who gets all the rest."""
        about = f"About `{self.about}`: " if self.about else ""
        return ExtractionWarning(
            code=str(self.error.code), message=f"{about}{self.error}", page=self.page
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRows:
    """The rows of some pages, in their order, and what was not answered."""

    rows: tuple[BuiltRow, ...] = ()
    failures: tuple[Failure, ...] = ()
    questions: int = 0
    spent: Spent = NOTHING
    image_tokens: int = 0

    @classmethod
    def joined(cls, parts: Sequence["PageRows"]) -> "PageRows":
        """All of them as one."""
        return cls(
            rows=tuple(row for part in parts for row in part.rows),
            failures=tuple(failure for part in parts for failure in part.failures),
            questions=sum(part.questions for part in parts),
            spent=sum((part.spent for part in parts), NOTHING),
            image_tokens=sum(part.image_tokens for part in parts),
        )

    def refuse_if_nothing(self) -> None:
        """Raises the first failure where no question at all was answered.

        Raises:
            ExtractionError: That of the first question.
        """
        if self.questions and len(self.failures) == self.questions:
            raise self.failures[0].error
