"""A page in parts that are asked about one by one.

A small model copies one row of a table or one sentence much better than a page, a page's parts are
answered beside each other, and what is copied can only stand in its part. Server and training use
the same parts and the same question. Nothing here needs more than pydantic.
"""

from medley.segments.lines import Cell, Line, lines_of
from medley.segments.question import (
    ANSWER_SCHEMA,
    INSTRUCTION,
    ROW_KINDS,
    SegmentRow,
    max_answer_tokens,
    messages_of,
    prompt_of,
    rows_in,
)
from medley.segments.segment import Segment
from medley.segments.segmenting import page_text, segments_of

__all__ = [
    "ANSWER_SCHEMA",
    "INSTRUCTION",
    "ROW_KINDS",
    "Cell",
    "Line",
    "Segment",
    "SegmentRow",
    "lines_of",
    "max_answer_tokens",
    "messages_of",
    "page_text",
    "prompt_of",
    "rows_in",
    "segments_of",
]
