"""Pages as they reach a hospital: off a scanner, through a fax machine, under a phone's camera.

Whatever happens to a page, a person can still read every value on it, if not always with ease.
What a level draws for a page depends on its seed and the page's number alone, so the places of
values are known without a picture.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Literal

from medley_training.documents.fax import FAX_DPI, draw_fax, faxed
from medley_training.documents.images import DPI, draw_scan, page_images, scanned, turned_places
from medley_training.documents.page import PageLayout, Place
from medley_training.documents.phone import PHONE_DPI, draw_shot, photographed
from medley_training.documents.warp import moved_places

if TYPE_CHECKING:
    from PIL.Image import Image

Noise = Literal["clean", "scan", "fax", "phone"]
"""``clean``: as drawn; ``scan``: grey, grainy and a little askew; ``fax``: black and white in 204
by 196 or 98 dots per inch, with a header line, specks and lost lines; ``phone``: a photograph on
a desk, askew in perspective, unevenly lit, blurred, and a JPEG."""


def noisy_images(
    pdf: bytes, noise: Noise, *, seed: str, dpi: int | None = None
) -> "Iterator[Image]":
    """Every page of a PDF as a picture of it.

    Args:
        pdf: The pages.
        noise: What they went through.
        seed: The same one gives the same pixels.
        dpi: The resolution at which pages are drawn before anything happens to them; of a fax it
            has no say in the result's. None for what is usual.
    """
    for number, image in enumerate(page_images(pdf, dpi=dpi or _DPI[noise]), 1):
        yield _PICTURES[noise](image, seed, number)


def noisy_places(
    found: Sequence[Place], pages: Sequence[PageLayout], noise: Noise, *, seed: str
) -> tuple[Place, ...]:
    """Where values stand in the pictures that `noisy_images` gives for the same seed."""
    if noise == "scan":
        return turned_places(found, pages, draw_scan(_random(seed)))
    if noise == "fax":
        return moved_places(
            found,
            [
                draw_fax(_random(seed, number), number).warp(page.height / page.width)
                for number, page in enumerate(pages, 1)
            ],
        )
    if noise == "phone":
        numbers = range(1, len(pages) + 1)
        return moved_places(found, [draw_shot(_random(seed, n)).warp for n in numbers])
    return tuple(found)


def _random(*seeds: object) -> Random:
    return Random(" ".join(map(str, seeds)))  # noqa: S311 - made-up data, not a secret


def _scanned(image: "Image", seed: str, number: int) -> "Image":
    return scanned(image, draw_scan(_random(seed)), seed=number)


def _faxed(image: "Image", seed: str, number: int) -> "Image":
    return faxed(image, draw_fax(_random(seed, number), number))


def _photographed(image: "Image", seed: str, number: int) -> "Image":
    return photographed(image, draw_shot(_random(seed, number)))


_DPI: Mapping[Noise, int] = {"clean": DPI, "scan": DPI, "fax": FAX_DPI, "phone": PHONE_DPI}
_PICTURES: Mapping[Noise, "Callable[[Image, str, int], Image]"] = {
    "clean": lambda image, seed, number: image,
    "scan": _scanned,
    "fax": _faxed,
    "phone": _photographed,
}
