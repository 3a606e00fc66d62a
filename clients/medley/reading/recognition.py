"""Text on page images, by RapidOCR with the models in its wheel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from medley.reading.gaps import Gap, gaps

if TYPE_CHECKING:
    from PIL.Image import Image

DETECTION_SIDE = 1440
"""The longer side at which lines are looked for; they are read at the page's own resolution."""

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Character:
    """A character of a line, with the place of its middle as a share of the line's length."""

    text: str
    middle: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text.

    Attributes:
        quad: Its corners in pixels: left top, right top, right bottom, left bottom of the text.
        characters: White space among them; empty where nothing was legible.
        gaps: Stretches without ink, as shares of its length.
        confidence: The mean of its characters'.
    """

    quad: Quad
    characters: tuple[Character, ...]
    gaps: tuple[Gap, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Spots:
    """Where there seem to be lines of text, and the image cut out and straightened there."""

    quads: tuple[Quad, ...]
    crops: tuple[Any, ...]


def spots(image: "Image") -> Spots:
    """Find the lines; nothing is read yet."""
    import numpy

    pixels = numpy.ascontiguousarray(numpy.asarray(image.convert("RGB"))[:, :, ::-1])
    found = _engine()(pixels, use_det=True, use_cls=False, use_rec=False)
    if found.boxes is None:
        return Spots((), ())
    quads = tuple(tuple((float(x), float(y)) for x, y in box) for box in found.boxes)
    return Spots(quads, tuple(_engine().crop_text_regions(pixels, found.boxes)))  # type: ignore[arg-type]


def read(quads: Sequence[Quad], crops: Sequence[Any]) -> list[Line]:
    """Read the lines cut out of an image."""
    if not crops:
        return []
    told = _engine().recognize_txt(list(crops))
    return [
        Line(quad, _characters(text, words), gaps(crop), float(score))
        for quad, crop, text, score, words in zip(
            quads, crops, told.txts, told.scores, told.word_results, strict=True
        )
    ]


def _characters(text: str, told: Any) -> tuple[Character, ...]:
    # Columns are told of all but the white space, confidences of every character.
    columns = iter([column for word in told.word_cols for column in word])
    characters, last = [], 0.0
    for character, confidence in zip(text, told.confs, strict=False):
        if not character.isspace():
            last = min(next(columns) / max(told.line_txt_len, 1.0), 1.0)
        characters.append(Character(character, last, float(confidence)))
    return tuple(characters)


@cache
def _engine() -> Any:
    """The engine; its first use loads the models, for a second or so."""
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    return RapidOCR(
        params={
            "Global.log_level": "critical",  # it would warn of every blank page
            "Global.return_word_box": True,
            "Global.use_preprocess_img": False,  # pages are brought to size before
            "Global.use_vertical_padding": False,
            "Rec.rec_batch_num": 1,  # in a batch every line is padded to the longest
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
