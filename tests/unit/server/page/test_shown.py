"""What the page shows of an extraction: boxes, tables, differences."""

import re
from xml.etree import ElementTree

from medley.results import Extraction, PageSummary
from medley.testing import SampleExtraction
from medley_server.page.comparison import Difference, comparison_table, pairs_of
from medley_server.page.page_picture import page_view
from medley_server.page.shown_values import shown_values
from medley_server.page.summary import summary
from medley_server.page.values_table import values_table

_ATTRIBUTE = re.compile(r"([\w-]+)=(?:'([^']*)'|\"([^\"]*)\"|([^\s>'\"]+))")


def panel() -> Extraction:
    return SampleExtraction.of_a_lab_panel().build()


def view(extraction: Extraction, number: int = 1, *, picture: bytes | None = b"jpeg") -> str:
    pages = extraction.document.pages
    values = shown_values(extraction).values()
    return page_view(pages[number - 1], of=len(pages), values=values, picture=picture)


def boxes(html: str) -> list[dict[str, str]]:
    found = re.findall(r"<rect class='md-box[^>]*>", html)
    return [
        {name: one or other or bare for name, one, other, bare in _ATTRIBUTE.findall(box)}
        for box in found
    ]


def test_every_value_of_a_page_has_a_box_where_it_stands() -> None:
    extraction = panel()
    assert extraction.record is not None
    value = extraction.record.labs[0].value
    assert value is not None
    assert value.bbox is not None

    drawn = boxes(view(extraction))

    assert len(drawn) == len(shown_values(extraction))
    (box,) = [one for one in drawn if one["data-value"] == "a1"]
    left, top, right, bottom = value.bbox
    assert float(box["x"]) < left < right < float(box["x"]) + float(box["width"])
    assert float(box["y"]) < top < bottom < float(box["y"]) + float(box["height"])


def test_boxes_stay_on_the_page() -> None:
    sample = SampleExtraction().lab("N" * 98, "1234567").build()

    for box in boxes(view(sample)):
        assert float(box["x"]) + float(box["width"]) <= 1


def test_values_of_other_pages_have_no_box_here() -> None:
    sample = SampleExtraction(pages=2).lab("Sodium", "139").lab("Potassium", "5.9", page=2).build()

    assert "Potassium" not in view(sample, 1)
    assert "Sodium" not in view(sample, 2)


def test_one_box_is_the_only_stop_of_the_tab_key() -> None:
    stops = [box["tabindex"] for box in boxes(view(panel()))]

    assert stops.count("0") == 1
    assert set(stops) == {"0", "-1"}


def test_a_page_that_failed_says_so() -> None:
    page = PageSummary(n=1, status="failed", detail="<cut off>")

    html = page_view(page, of=1, values=[], picture=None)

    assert "could not be read. &lt;cut off&gt;" in html
    assert "<img" not in html


def test_what_a_document_says_is_never_markup() -> None:
    sample = SampleExtraction().lab('<img src=x onerror="a">', "'5\"", unit="${1}{{x}}").build()
    other = SampleExtraction().lab('<img src=x onerror="a">', "6").build()

    for html in (values_table(sample), view(sample), comparison_table(sample, other)):
        assert "<img src=x" not in html
        assert "'5\"" not in html


def test_the_table_tells_of_each_value_what_is_known_of_it() -> None:
    sample = SampleExtraction.of_a_lab_panel().warning(
        "implausible", "no patient has this", path="labs[1].value"
    )

    html = values_table(sample.build())

    described = html.partition("id=about-a5 ")[2].partition("</dl>")[0]
    for said in ("Potassium, value", "5.9", "exactly as printed; page 1", "97%", "no patient has"):
        assert said in described
    assert "token" in described


def test_doubt_is_marked_by_a_sign_and_not_by_colour_alone() -> None:
    html = values_table(panel())

    assert html.count("title='to be reviewed'") == 3  # all of the row that is to be reviewed
    assert html.count(">!</abbr>") == 3


def test_an_answer_without_values_says_so() -> None:
    assert "No value was read" in values_table(SampleExtraction().build())


def test_a_schema_of_ones_own_is_a_table_of_pointers() -> None:
    place = panel().record.labs[0].value  # type: ignore[union-attr]
    assert place is not None
    own = SampleExtraction().data({"total": "139"}).build()
    own = own.model_copy(update={"places": {"/total": place.model_dump(mode="json")}})

    html = values_table(own)

    assert 'data-path="/total"' in html
    assert "<th scope=row>total</th>" in html


def test_the_same_answer_twice_differs_in_nothing() -> None:
    assert {pair.difference for pair in pairs_of(panel(), panel())} == {Difference.NONE}


def test_differences_are_found_row_by_row() -> None:
    left = SampleExtraction().lab("Sodium", "139", unit="mmol/L").lab("Urea", "5").build()
    right = SampleExtraction().lab("Chloride", "100").lab("sodium", "138").lab("Urea", "5").build()

    told = {pair.label: pair.difference for pair in pairs_of(left, right)}

    assert told["Sodium, value"] is Difference.VALUE
    assert told["Sodium, unit"] is Difference.ONLY_LEFT
    assert told["Chloride, value"] is Difference.ONLY_RIGHT
    assert told["Urea, value"] is Difference.NONE


def test_two_versions_that_read_the_same_place_share_its_box() -> None:
    left, right = panel(), panel()
    values = [*shown_values(left, side="a").values(), *shown_values(right, side="b").values()]

    html = page_view(left.document.pages[0], of=1, values=values, picture=None)

    assert {box["data-value"] for box in boxes(html)} == {
        f"a{n} b{n}" for n in range(len(values) // 2)
    }


def test_a_part_is_never_called_the_whole() -> None:
    sample = SampleExtraction(pages=2).lab("Sodium", "139").failed_page(2, "damaged").build()

    html = summary(sample)

    assert "Read in part" in html
    assert "1 of 2" in html


def test_the_overlay_is_well_formed() -> None:
    html = view(panel())
    svg = html[html.index("<svg") : html.index("</svg>") + 6]
    quoted = re.sub(r"=([^\s'\">]+)(?=[\s>])", r"='\1'", svg)

    assert len(ElementTree.fromstring(quoted)) == len(boxes(html))
