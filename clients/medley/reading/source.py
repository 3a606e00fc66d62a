"""What is asked of a file of any kind: how many pages, how large, what is on one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from medley.pages import Word

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Size:
    """A page's size in pixels, as it would be decoded or rendered."""

    width: int
    height: int
    dpi: float | None

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class TextLayer:
    """The text that a page says it has.

    Attributes:
        words: Those that can be seen.
        rotation: How far the page must be turned clockwise for them to run from left to right.
        distrust: Why they are not to be believed; None if they are.
    """

    words: tuple[Word, ...]
    rotation: int
    distrust: str | None


class Source(Protocol):
    """An open file. Numbers of pages are from 1; every method may raise `DocumentError`."""

    def count(self, limit: int) -> int:
        """How many pages there are; counting stops soon after `limit`."""
        ...

    def size(self, number: int) -> Size:
        """Told by headers: nothing is decoded."""
        ...

    def layer(self, number: int) -> TextLayer | None:
        """The page's text; None where files of this kind have none."""
        ...

    def image(self, number: int) -> "Image":
        """The page as it would be seen, of mode ``L`` or ``RGB``."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
