"""What routes and jobs need of extraction, and nothing of how it is done."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

from medley.results import AnalysisOptions, Extraction, ExtractionOptions

Progress = Callable[[int, int], None]
"""Told of pages done and of pages asked for."""


class User(Protocol):
    """Whoever asks, as far as adapters are concerned."""

    def may_use(self, adapter: str) -> bool:
        """Whether an adapter is for this caller."""
        ...

    def require_use(self, model: str) -> None:
        """Lets a reference pass.

        Raises:
            ServerError: Its adapter is not for this caller.
        """
        ...


def unheard(done: int, of: int) -> None:
    """The progress that nobody listens to."""


class Extractor(Protocol):
    """Reads documents; one per server, and any number of documents at a time."""

    async def check(self, options: ExtractionOptions | AnalysisOptions, caller: User) -> None:
        """Refuses at once what would be refused whatever the document is.

        Raises:
            ServerError: Options that cannot be met, or an adapter that is not there or not for
                this caller.
        """
        ...

    async def extract(
        self,
        document: Path,
        options: ExtractionOptions,
        *,
        request_id: str,
        caller: str = "",
        progress: Progress = unheard,
    ) -> Extraction:
        """What the document says. Cancelling it stops the engine's work for it.

        Args:
            document: A file of any name; what it is is told from its bytes.
            options: What is asked for.
            request_id: Becomes part of the answer's id.
            caller: Whose it is; where an alias is split, a caller's documents stay on one side.
            progress: Called in the event loop, whenever a page is done.

        Raises:
            ServerError: Nothing can be given; `medley_server.extraction.errors` has the kinds.
        """
        ...

    async def analyze(
        self,
        document: Path,
        options: AnalysisOptions,
        *,
        request_id: str,
        caller: str = "",
        most_tokens: int | None = None,
    ) -> AsyncIterator[bytes]:
        """What a free prompt over the document is answered.

        Whatever can be refused is refused before this returns, so that a route can still choose
        the status. Whoever does not read to the end closes the iterator (`aclose`): that stops
        the engine's work for it.

        Args:
            document: As for `extract`.
            options: What is asked for.
            request_id: As for `extract`.
            caller: As for `extract`.
            most_tokens: Of an answer that the options do not bound; None: the usual.

        Returns:
            Lines of server-sent events if `options.stream`, else one JSON body in one piece.

        Raises:
            ServerError: As for `extract`.
        """
        ...
