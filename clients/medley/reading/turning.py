"""Pages turned upright."""

from typing import TYPE_CHECKING

from medley.pages import Box

if TYPE_CHECKING:
    from PIL.Image import Image


def turned_box(box: Box, degrees: int) -> Box:
    """Where a box stands after its page was turned clockwise by 0, 90, 180 or 270 degrees."""
    x0, y0, x1, y1 = box
    match degrees:
        case 90:
            return Box(1 - y1, x0, 1 - y0, x1)
        case 180:
            return Box(1 - x1, 1 - y1, 1 - x0, 1 - y0)
        case 270:
            return Box(y0, 1 - x1, y1, 1 - x0)
        case _:
            return box


def turned_image(image: "Image", degrees: int) -> "Image":
    """The image turned clockwise by 0, 90, 180 or 270 degrees."""
    from PIL import Image

    turns = {
        90: Image.Transpose.ROTATE_270,  # its own turns are counter-clockwise
        180: Image.Transpose.ROTATE_180,
        270: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[degrees]) if degrees else image
