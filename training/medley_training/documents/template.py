"""Templates of a line, as the style files write them.

``{name}`` stands for a value. What is in square brackets is left out when a value in it is missing:
``{name}[ {dose}][ for {indication}]``. Brackets do not nest.
"""

import re
from collections.abc import Mapping

from medley_training.documents.blocks import Span, Spans

_PART = re.compile(r"\[([^\]]*)\]|([^\[]+)")
_PIECE = re.compile(r"\{(\w+)\}|([^{]+)")


def filled(template: str, values: Mapping[str, Span | None]) -> Spans:
    """The spans of a template; none at all when a value outside of brackets is missing."""
    spans: list[Span] = []
    for optional, required in _PART.findall(template):
        part = _part(optional or required, values)
        if part is None and required:
            return ()
        spans.extend(part or ())
    return tuple(spans)


def _part(template: str, values: Mapping[str, Span | None]) -> Spans | None:
    spans = [
        values.get(name) if name else Span(literal) for name, literal in _PIECE.findall(template)
    ]
    present = tuple(span for span in spans if span is not None)
    return present if len(present) == len(spans) else None
