"""What is said of the document itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from medley.results.found import BBox


class PageSummary(BaseModel):
    """One page; see `medley.pages.Page`."""

    model_config = ConfigDict(frozen=True)

    n: int
    status: Literal["read", "blank", "unreadable", "skipped", "failed"]
    text_layer: bool = False
    width: int = 0
    height: int = 0
    dpi: float | None = None
    rotation: int = 0
    unreadable: tuple[BBox, ...] = ()
    detail: str | None = None


class DocumentSummary(BaseModel):
    """The document; `pages` has every page of it, also those that were not asked for."""

    model_config = ConfigDict(frozen=True)

    type: str
    type_confidence: float | None = None
    media_type: str
    sha256: str
    pages_in: int
    pages_processed: int
    pages: tuple[PageSummary, ...]
