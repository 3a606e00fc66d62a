"""What extraction needs of whatever reads documents' bytes (`medley.reading`)."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from medley.pages import Reading

if TYPE_CHECKING:
    from medley.reading import Wanted


class DocumentReader(Protocol):
    """Reads documents off the event loop."""

    async def read(
        self,
        path: Path,
        *,
        pages: str | None = None,
        wanted: "Wanted | None" = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Reading:
        """The document's pages; those that nobody asked for are there as skipped.

        Raises:
            DocumentError: It is no document that can be read, or over a limit.
        """
        ...
