"""What was read off a document's pages: words where they stand, in lines and segments.

Nothing here needs more than Python. `medley.reading` makes a `Reading` of a file's bytes; server
and training go on from there in the same way, so that a model is trained on what it is served.
"""

from medley.pages.page import Box, Page, PageStatus, Reading, Source, Word

__all__ = [
    "Box",
    "Page",
    "PageStatus",
    "Reading",
    "Source",
    "Word",
]
