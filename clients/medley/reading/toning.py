"""Pictures of every mode as grey or colour on white, eight bits deep."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_DEEP = ("I", "F")
_PLAIN = ("L", "RGB")


def on_white(image: "Image") -> "Image":
    """The picture in mode ``L`` or ``RGB``; what shines through shows white paper."""
    if image.mode in _PLAIN and "transparency" not in image.info:
        return image.copy()
    if image.mode.startswith(_DEEP):
        return _flattened(image)
    if image.mode == "1":
        return image.convert("L")
    if image.has_transparency_data:
        return _over_white(image)
    return image.convert("RGB")


def _flattened(image: "Image") -> "Image":
    """Sixteen bits and more, stretched from black to the brightest there is."""
    import numpy
    from PIL import Image

    deep = numpy.nan_to_num(numpy.asarray(image, dtype=numpy.float32))
    low, high = min(float(deep.min()), 0.0), float(deep.max())
    shares = (deep - low) / max(high - low, 1e-6)
    return Image.fromarray((shares * 255).astype(numpy.uint8))


def _over_white(image: "Image") -> "Image":
    from PIL import Image

    clear = image.convert("RGBA")
    paper = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(paper, clear).convert("RGB")
