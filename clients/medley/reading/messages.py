"""What a reader process and the one that started it say to each other.

A message is JSON with, where there is a picture, its bytes after. A worker has looked at hostile
bytes, so nothing that it says is ever unpickled.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from medley.pages import Box, Page, PageStatus, Word
from medley.pages import Source as WordSource
from medley.reading.budget import Budget
from medley.reading.document import Outline
from medley.reading.media import MediaType
from medley.reading.page_reading import Wanted

HEAD = struct.Struct("<II")
"""The lengths of the JSON and of what follows it."""
Message = Mapping[str, Any]


def packed(message: Message, blob: bytes = b"") -> bytes:
    """A message as it goes over a pipe."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return HEAD.pack(len(body), len(blob)) + body + blob


def outline_to_json(outline: Outline) -> dict[str, Any]:
    return asdict(outline)


def outline_from_json(told: Message) -> Outline:
    return Outline(
        str(told["sha256"]),
        MediaType(told["media_type"]),
        int(told["count"]),
        tuple(int(number) for number in told["asked"]),
    )


def page_to_json(page: Page) -> dict[str, Any]:
    """A page without its image."""
    return {
        "number": page.number,
        "status": page.status,
        "source": page.source,
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "rotation": page.rotation,
        "words": [(word.text, *word.box, word.confidence) for word in page.words],
        "unreadable": page.unreadable,
        "detail": page.detail,
    }


def page_from_json(told: Message, image: bytes) -> Page:
    return Page(
        number=int(told["number"]),
        status=PageStatus(told["status"]),
        source=WordSource(told["source"]),
        width=int(told["width"]),
        height=int(told["height"]),
        dpi=told["dpi"] and float(told["dpi"]),
        rotation=int(told["rotation"]),
        words=tuple(
            Word(str(text), Box(x0, y0, x1, y1), confidence)
            for text, x0, y0, x1, y1, confidence in told["words"]
        ),
        unreadable=tuple(Box(*box) for box in told["unreadable"]),
        image=image or None,
        detail=told["detail"],
    )


def budget_to_json(budget: Budget) -> dict[str, Any]:
    return asdict(budget)


def budget_from_json(told: Message) -> Budget:
    return Budget(**told)


def wanted_to_json(wanted: Wanted) -> dict[str, Any]:
    return asdict(wanted)


def wanted_from_json(told: Message) -> Wanted:
    return Wanted(**told)
