"""Pages by their pictures: sizes, boxes, and what the words of the page say to them."""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley.pages import Box, Page, PageStatus
from medley.results import AnalysisOptions, Extraction, ExtractionOptions, ExtractionStatus, Match
from medley_server.extraction.errors import DocumentTooLong, ImageTooSmall
from medley_server.extraction.question import Question
from medley_server.extraction.resized_image import Eye, ImageSize, resized

from tests.unit.server.extraction.paper import page_of
from tests.unit.server.extraction.rule_engine import RuleEngine, pipeline_of

EYE = Eye()
LABS = ("LABORATORY REPORT", "", "Potassium 5.9 mmol/L")


def picture(width: int, height: int) -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (width, height), "white").save(out, format="PNG")
    return out.getvalue()


def sent(question: Question) -> ImageSize:
    """The size of the picture in a question."""
    from PIL import Image

    url = question.messages[-1]["content"][0]["image_url"]["url"]
    head, data = url.split(",", 1)
    assert head == "data:image/jpeg;base64"
    with Image.open(BytesIO(base64.b64decode(data))) as image:
        return ImageSize(*image.size)


def boxed(text: str, box: Box, size: ImageSize) -> dict[str, Any]:
    """A value as Qwen2.5-VL gives it: with pixels of the picture that it was sent."""
    x0, y0, x1, y1 = box
    pixels = [x0 * size.width, y0 * size.height, x1 * size.width, y1 * size.height]
    return {"text": text, "bbox_2d": [round(side) for side in pixels]}


async def see(
    rule: Any, *pages: Page, eye: Eye = EYE, limit: int = 8192, **options: Any
) -> Extraction:
    engine = RuleEngine(rule, limit=limit, chance=1.0)
    pipeline = pipeline_of(engine, *pages, eye=EYE)
    return await pipeline.extract(Path("d"), ExtractionOptions(**options), request_id="r")


@given(st.integers(1, 6000), st.integers(1, 6000))
def test_a_size_is_what_the_published_rule_says(width: int, height: int) -> None:
    if max(width, height) / min(width, height) > 200:
        with pytest.raises(ValueError, match="narrow"):
            EYE.size(ImageSize(width, height))
        return

    size = EYE.size(ImageSize(width, height))

    assert size.width % 28 == size.height % 28 == 0
    assert size.width * size.height <= EYE.most_pixels
    assert size.width * size.height >= EYE.least_pixels
    assert EYE.size(size) == size  # the engine resizes it again, and nothing changes


@pytest.mark.parametrize(
    ("given_size", "expected"),
    [
        # transformers 5.19, smart_resize(height, width, max_pixels=1003520)
        ((1000, 1000), (980, 980)),
        ((2550, 3300), (868, 1120)),
        ((30, 40), (56, 84)),
        ((1654, 2339), (840, 1176)),
        # Rounded it would be 28 x 5628, which `smart_resize` refuses.
        ((29, 5630), (28, 5600)),
    ],
)
def test_known_sizes(given_size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert EYE.size(ImageSize(*given_size)) == expected


async def test_a_box_of_the_model_gives_way_to_the_printed_one() -> None:
    page = page_of(*LABS, image=picture(1700, 2200))
    name, value = page.words[2], page.words[3]
    sizes = []

    def looks(question: Question) -> str:
        sizes.append(size := sent(question))
        row = {"name": boxed("Potassium", name.box, size), "value": boxed("5.9", value.box, size)}
        return json.dumps({"labs": [row]})

    answer = await see(looks, page)

    assert sizes == [EYE.size(ImageSize(1700, 2200))]
    assert answer.record is not None
    found = answer.record.labs[0].value
    assert found is not None
    assert found.bbox == pytest.approx(value.box)
    assert (found.match, found.review) == (Match.EXACT, False)
    assert answer.usage.image_tokens == EYE.tokens(sizes[0])


async def test_the_models_box_says_which_of_two_equal_words_is_meant() -> None:
    page = page_of("Potassium 5.9", "", "Sodium 5.9", image=picture(1700, 2200))
    second = page.words[3]

    def looks(question: Question) -> str:
        value = boxed("5.9", second.box, sent(question))
        return json.dumps({"labs": [{"name": "Sodium", "value": value}]})

    answer = await see(looks, page)

    assert answer.record is not None
    found = answer.record.labs[0].value
    assert found is not None
    assert found.bbox == pytest.approx(second.box)


async def test_a_value_without_words_keeps_the_models_box_for_review() -> None:
    page = page_of(*LABS, image=picture(1000, 1400))
    where = Box(0.5, 0.5, 0.75, 0.6)

    def looks(question: Question) -> str:
        value = boxed("77777", where, sent(question))
        return json.dumps({"labs": [{"name": "Potassium", "value": value}]})

    answer = await see(looks, page)

    assert answer.record is not None
    found = answer.record.labs[0].value
    assert found is not None
    assert (found.match, found.review, found.page) == (Match.NOT_FOUND, True, 1)
    assert found.bbox == pytest.approx(where, abs=0.01)


@pytest.mark.parametrize("box", [[5, 5, 5, 5], [9, 9, 1, 1], [-5, 0, -1, 9], [10**9, 0, 10**10, 5]])
def test_what_is_no_box_is_none(box: Any) -> None:
    assert EYE.box(box, ImageSize(100, 100)) is None


@pytest.mark.parametrize("box", [None, "1234", [1, 2, 3], [1, 2, 3, "4"], [True, 0, 1, 1], {}])
def test_what_is_no_list_of_four_numbers_is_no_box(box: Any) -> None:
    assert EYE.box(box, ImageSize(100, 100)) is None


def test_boxes_of_qwen3_are_counted_in_thousandths(tmp_path: Path) -> None:
    config = {"model_type": "qwen3_vl", "vision_config": {"patch_size": 16}}
    (tmp_path / "config.json").write_text(json.dumps(config))

    eye = Eye.of_base(tmp_path)

    assert eye is not None
    assert eye.factor == 32
    assert eye.box([0, 500, 250, 1000], ImageSize(320, 640)) == Box(0, 0.5, 0.25, 1)


def test_a_base_without_vision_has_no_eye(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')

    assert Eye.of_base(tmp_path) is None
    assert Eye.of_base(tmp_path / "nowhere") is None


SMALL, LARGE = 40_000, 200_704


@pytest.mark.parametrize(
    ("name", "processor"),
    [
        ("preprocessor_config.json", {"min_pixels": SMALL, "max_pixels": LARGE}),
        ("preprocessor_config.json", {"size": {"shortest_edge": SMALL, "longest_edge": LARGE}}),
        (
            "processor_config.json",
            {"image_processor": {"size": {"shortest_edge": SMALL, "longest_edge": LARGE}}},
        ),
    ],
)
def test_bounds_of_the_base_are_kept(tmp_path: Path, name: str, processor: Any) -> None:
    (tmp_path / "config.json").write_text('{"vision_config": {"patch_size": 14}}')
    (tmp_path / name).write_text(json.dumps(processor))

    eye = Eye.of_base(tmp_path)

    assert eye is not None
    assert (eye.least_pixels, eye.most_pixels) == (SMALL, LARGE)
    size = resized(picture(2000, 1000), eye).size
    assert size.width * size.height <= LARGE


async def test_what_is_seen_on_a_page_that_ocr_cannot_read_is_for_review() -> None:
    page = Page(number=1, status=PageStatus.UNREADABLE, image=picture(800, 800))

    answer = await see(
        lambda _: '{"labs":[{"name":"Potassium","value":"5.9"}]}', page, document_type="lab_panel"
    )

    assert answer.status is ExtractionStatus.FAILED
    assert answer.record is not None
    assert answer.record.labs[0].name.review


async def test_an_answer_that_is_no_record_is_told() -> None:
    pages = [page_of(*LABS, number=n, image=picture(800, 800)) for n in (1, 2)]
    answers = iter(['{"labs":[{"name":"Potassium","value":"5.9"}]}', "[]", "[]"])

    answer = await see(lambda _: next(answers), *pages)

    assert answer.status is ExtractionStatus.PARTIAL
    assert "output_invalid" in {warning.code for warning in answer.warnings}


async def test_a_picture_with_more_tokens_than_the_context_is_refused_with_numbers() -> None:
    with pytest.raises(DocumentTooLong) as refused:
        await see(lambda _: "{}", page_of(*LABS, image=picture(2000, 2000)), limit=700)

    assert refused.value.details["actual"] > refused.value.details["limit"]


async def test_a_picture_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(ImageTooSmall):
        await see(lambda _: "{}", page_of(*LABS, image=picture(2000, 5)))


async def test_a_callers_schema_is_filled_from_pictures_page_by_page() -> None:
    schema = {
        "type": "object",
        "properties": {"values": {"type": "array", "items": {"type": "string"}}},
    }
    pages = [page_of(*LABS, number=n, image=picture(800, 800)) for n in (1, 2)]

    answer = await see(lambda _: '{"values":["5.9"]}', *pages, schema=schema)

    assert answer.data == {"values": ["5.9", "5.9"]}
    assert [answer.places[f"/values/{n}"]["page"] for n in (0, 1)] == [1, 2]


async def test_a_prompt_is_asked_with_all_pictures() -> None:
    engine = RuleEngine(lambda _: "Yes.")
    pages = [page_of(*LABS, number=n, image=picture(800, 800)) for n in (1, 2)]
    pipeline = pipeline_of(engine, *pages, eye=EYE)

    await pipeline.analyze(Path("d"), AnalysisOptions(prompt="Is it high?"), request_id="r")

    kinds = [part["type"] for part in engine.questions[0].messages[-1]["content"]]
    assert kinds == ["image_url", "image_url", "text"]
