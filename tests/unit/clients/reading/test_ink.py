"""Blank pages, told from written ones through grain, grey paper and shadows."""

from typing import Any

import pytest
from medley.reading.ink import is_blank

SIZE = (827, 1169)  # A4 at a hundred dots


def paper(grey: int = 245, *, grain: float = 0.0, slope: float = 0.0) -> Any:
    import numpy
    from PIL import Image

    noise = numpy.random.default_rng(1).normal(0.0, grain, (SIZE[1], SIZE[0]))
    shade = numpy.linspace(0.0, slope, SIZE[0])[None, :]
    return Image.fromarray((grey + noise - shade).clip(0, 255).astype(numpy.uint8))


def written(image: Any, *, fill: int = 40) -> Any:
    from PIL import ImageDraw

    ImageDraw.Draw(image).text((100, 100), "K 5.9", fill=fill, font_size=16)
    return image


@pytest.mark.parametrize("grey", [255, 245, 200, 150])
@pytest.mark.parametrize("grain", [0.0, 4.0, 12.0])
@pytest.mark.parametrize("slope", [0.0, 60.0])
def test_paper_is_blank_and_one_word_on_it_is_not(grey: int, grain: float, slope: float) -> None:
    assert is_blank(paper(grey, grain=grain, slope=slope))
    assert not is_blank(written(paper(grey, grain=grain, slope=slope)))


def test_faint_print_is_ink() -> None:
    assert not is_blank(written(paper(250), fill=150))


def test_white_on_black_is_ink() -> None:
    assert is_blank(paper(5))
    assert not is_blank(written(paper(5), fill=230))


def test_shadow_at_the_edge_is_no_ink() -> None:
    from PIL import ImageDraw

    image = paper(250, grain=3.0)
    ImageDraw.Draw(image).rectangle((0, 0, 8, SIZE[1]), fill=60)
    assert is_blank(image)
