"""The report's two pages: what stands in them, that it is harmless, and always the same."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from medley_registry import AliasPolicy, AliasProtected, Registry
from medley_registry.canonical import Json
from medley_registry.inert import inert
from medley_training.commands.record_report import report as report_command
from medley_training.reports.records.contender import fields
from medley_training.reports.records.content import (
    Bullets,
    Document,
    Figure,
    Paragraph,
    Quantity,
    Section,
    Table,
)
from medley_training.reports.records.document import document
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.gathering import gather
from medley_training.reports.records.html_page import html_page, html_text
from medley_training.reports.records.latency_table import latency_section
from medley_training.reports.records.markdown_page import markdown_page, markdown_text
from medley_training.reports.records.memory_table import memory_section
from medley_training.reports.records.quantities import change_text
from medley_training.reports.records.recorded import Wanted
from medley_training.reports.records.variant_plots import memory_plot
from typer import Typer
from typer.testing import CliRunner

from tests.unit.training.reports.records.recorded_variants import (
    AWQ,
    BF16,
    NF4,
    add_benchmark,
    add_evaluation,
    benchmark_metrics,
    fingerprint,
    make_registry,
    measured_registry,
    page_metrics,
)
from tests.unit.training.reports.run_folders import contributed, make_run_folder, run_started

_COMMONMARK = MarkdownIt("commonmark").enable("table")
_VOID = frozenset({"meta", "br"})
_MARKUP = "<script>alert(1)</script> **bold** [x](http://y.example) | `c`\n# head"


class _Page(HTMLParser):
    """Checks that every element ends, and collects words, names and what is fetched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.names: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names += [value or "" for name, value in attrs if name == "id"]
        links = [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.fetched += [link for link in links if not link.startswith("#")]
        if tag not in _VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.opened.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with make_registry(tmp_path) as registry:
        yield registry


def _titles(made: Document) -> list[str]:
    return [section.title for section in made.sections]


def _section(made: Document, title: str) -> Section:
    return next(section for section in made.sections if section.title == title)


def test_what_there_is_has_a_section_and_what_there_is_not_is_listed(registry: Registry) -> None:
    add_evaluation(registry, BF16, "extraction", "field_f1", number=1)

    made = document(gather(registry, Wanted()))

    assert _titles(made) == [
        *("Summary", "Environment", "Base model", "Quantization", "Accuracy"),
        *("Which variant for what", "Not measured"),
    ]
    lacks = str(_section(made, "Not measured").to_json())
    assert "Memory: medley bench records it" in lacks
    assert "Rounds: give run folders with --run" in lacks
    assert "notes:1 nf4: no evaluation by extraction" in lacks
    assert "notes:1: no benchmark" in lacks


@pytest.mark.slow
def test_a_full_report_has_every_section_in_order(tmp_path: Path) -> None:
    for name in ("federated", "alone"):
        make_run_folder(tmp_path / name, [run_started(), contributed(epsilon=0.5)])
    with measured_registry(tmp_path) as registry:
        add_benchmark(registry, NF4, metrics=benchmark_metrics(NF4) | {"strange": 7.0})
        registry.protection.set("notes", "canary", AliasPolicy(approvals=1), actor="eve")
        with pytest.raises(AliasProtected):
            registry.promote("notes", 2, alias="canary", actor="ada")
        runs = (tmp_path / "federated", tmp_path / "alone")

        made = document(gather(registry, Wanted(runs=runs)))

    assert _titles(made) == [
        *("Summary", "Environment", "Base model", "Quantization", "Memory"),
        *("Latency and throughput", "vLLM beside transformers", "Training", "Rounds", "Accuracy"),
        *("Gate", "Privacy and bytes sent", "Which variant for what", "Published figures"),
        *("Other metrics", "Earlier measurements", "Not measured"),
    ]
    page = _Page(html_page(made))
    words = " ".join(page.words)
    assert page.opened == []
    assert page.fetched == []
    assert "script" not in page.tags
    assert len(page.names) == len(set(page.names))
    assert "1 approvals" in words
    assert "strange" in words
    assert len(made.figures) == 4
    assert all(figure.alt for figure in made.figures)


def test_reductions_are_against_bf16_with_as_many_adapters(registry: Registry) -> None:
    for kind in (BF16, NF4, AWQ):
        add_benchmark(registry, kind)
    findings = Findings.of(gather(registry, Wanted()))

    (table,) = memory_section(findings).blocks

    assert isinstance(table, Table)
    at = table.head.index("weights against bf16")
    changes = {(str(row[1]), str(row[3])): row[at] for row in table.rows if row[2] == "vllm"}
    assert changes["nf4", "1"] == Quantity(95.4 / 269.1 - 1, "\N{MINUS SIGN}64.5 %")
    assert changes["bf16", "1"] == Quantity(None, "-")


def test_every_number_of_the_tables_is_recorded_or_made_of_two_that_are(registry: Registry) -> None:
    for kind in (BF16, AWQ):
        add_benchmark(registry, kind)
    findings = Findings.of(gather(registry, Wanted()))
    recorded = [v for kind in (BF16, AWQ) for v in benchmark_metrics(kind).values()]
    ratios = {round(a / b - 1, 6) for a in recorded for b in recorded if b}

    tables = [*memory_section(findings).blocks, *latency_section(findings).blocks]

    numbers = [
        cell.value
        for table in tables
        if isinstance(table, Table)
        for row in table.rows
        for cell in row
        if isinstance(cell, Quantity) and cell.value is not None
    ]
    assert len(numbers) > 200
    assert all(number in recorded or round(number, 6) in ratios for number in numbers)


def test_pages_of_documents_have_a_table_or_are_not_measured(registry: Registry) -> None:
    add_benchmark(registry, BF16, metrics=benchmark_metrics(BF16) | page_metrics(BF16))
    add_benchmark(registry, NF4, metrics=benchmark_metrics(NF4) | page_metrics(NF4))
    add_benchmark(registry, AWQ)

    made = document(gather(registry, Wanted()))

    [table] = [
        block
        for block in _section(made, "Latency and throughput").blocks
        if isinstance(block, Table) and block.caption.startswith("A document's page")
    ]
    assert table.head == ("version", "variant", "pages", "p50", "max", "p50 against bf16")
    assert [(row[1], row[-1]) for row in table.rows] == [
        ("bf16", Quantity(None, "-")),
        ("nf4", Quantity(1.62 - 1, "+62.0 %")),
    ]
    assert "Other metrics" not in _titles(made)
    lacks = str(_section(made, "Not measured").to_json())
    assert lacks.count("no latency of documents' pages") == 1
    assert "notes:2 awq: no latency of documents' pages" in lacks


def test_the_interval_that_benchmarks_record_is_shown(registry: Registry) -> None:
    add_benchmark(registry, BF16)
    findings = Findings.of(gather(registry, Wanted()))

    table = latency_section(findings).blocks[0]

    assert isinstance(table, Table)
    assert str(table.rows[0][table.head.index("interval of p50")]).startswith("[")


@pytest.mark.parametrize("names", [(b"a", b"b"), (b"b", b"a")])
def test_lighter_loads_come_first_and_the_heaviest_is_summed_up(
    registry: Registry, names: tuple[bytes, bytes]
) -> None:
    for concurrency, name in zip((1, 8), names, strict=True):
        load: dict[str, Json] = {"kind": "closed", "concurrency": concurrency}
        add_benchmark(registry, environment={**fingerprint(), "load": load}, load=name)
    findings = Findings.of(gather(registry, Wanted()))

    told = [block.caption for block in memory_section(findings).blocks if isinstance(block, Table)]

    assert ["concurrency 1" in told[0], "concurrency 8" in told[1]] == [True, True]
    assert [field.suite for field in fields(findings)] == ["bench (closed, concurrency 8)"]


def test_a_change_that_rounds_to_nothing_has_no_minus() -> None:
    assert change_text(-0.0001) == "+0.0 %"


def test_text_from_records_acts_as_nothing_in_either_page() -> None:
    table = Table.of(("a", "b"), [(_MARKUP, Quantity(1.0, "1"))], _MARKUP)
    blocks = (Paragraph(_MARKUP), Bullets((_MARKUP,)), table)
    made = Document(_MARKUP, _MARKUP, (Section(_MARKUP, blocks),))

    page = _Page(html_page(made))
    text = _Page(_COMMONMARK.render(markdown_page(made)))

    assert page.tags.isdisjoint({"script", "strong", "code"})
    assert text.tags == {
        *("h1", "h2", "p", "ul", "li", "strong"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert text.words.count(inert(_MARKUP)) == page.words.count(inert(_MARKUP)) - 2


def test_names_in_evidence_may_hold_anything(registry: Registry) -> None:
    suite = "<img src=x> $\\frac{$ | [y](z)"
    add_evaluation(registry, BF16, suite, "choice_accuracy", more={"<b>odd|": 0.5, "x@<i>": 1.0})
    add_benchmark(registry, BF16, suite=suite, metrics={"a1/itl_ms/p95": 4.0, "<u>": 1.0})

    made = document(gather(registry, Wanted()))

    page = _Page(html_page(made))
    text = _Page(_COMMONMARK.render(markdown_page(made)))
    assert page.opened == []
    assert page.tags.isdisjoint({"img", "b", "i", "u"})
    assert text.tags.isdisjoint({"b", "i", "u", "a"})
    assert {"<u>", "<b>odd|"} <= set(page.words)
    assert {"<u>", "<b>odd|"} <= set(text.words)


@given(st.text("ab1.)#+-=>*_`~[]()!<&;|\\:/$ \n\t"))
def test_any_text_is_one_plain_paragraph_of_markdown(text: str) -> None:
    tokens = _COMMONMARK.parse(markdown_text(text))

    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    shown = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in shown} <= {"text", "text_special"}
    assert "".join(child.content for child in shown) == inert(text).strip()


@given(st.text())
def test_any_text_stays_on_its_line(text: str) -> None:
    assert len(f"x{markdown_text(text)}x".splitlines()) == 1
    assert len(f"x{html_text(text)}x".splitlines()) == 1


def test_a_drawing_takes_the_pages_colours_and_its_names_are_its_own(registry: Registry) -> None:
    add_benchmark(registry, BF16)
    (field,) = fields(Findings.of(gather(registry, Wanted())))
    drawn = memory_plot(field)
    assert drawn is not None
    other = Figure("other", "the same again", drawn.svg)

    text = html_page(Document("t", "l", (Section("s", (drawn, other)),)))

    page = _Page(text)
    assert page.opened == []
    assert page.fetched == []
    assert len(page.names) == len(set(page.names))
    assert "var(--ink)" in text
    assert "#1a1a1a" not in text.partition("</style>")[2]
    assert 'aria-label="the same again"' in text


def test_the_same_records_give_the_same_bytes(registry: Registry) -> None:
    for kind in (BF16, NF4):
        add_evaluation(registry, kind, "extraction", "field_f1")

    first, second = (document(gather(registry, Wanted())) for _ in range(2))

    assert html_page(first) == html_page(second)
    assert markdown_page(first) == markdown_page(second)
    assert first.to_json() == second.to_json()


def _command(*words: object) -> tuple[int, str, str]:
    app = Typer()
    app.command()(report_command)
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr


def test_the_command_writes_both_pages_and_says_where(registry: Registry, tmp_path: Path) -> None:
    add_evaluation(registry, BF16, "extraction", "field_f1")

    code, out, _ = _command(
        "notes:2", "--registry", tmp_path / "registry", "--out", tmp_path / "out"
    )

    assert code == 0
    pages = [tmp_path / "out" / "report.md", tmp_path / "out" / "report.html"]
    assert out.split() == [str(page) for page in pages]
    links = re.findall(r"\]\((plots/[^)]+)\)", pages[0].read_text(encoding="utf-8"))
    assert links == ["plots/accuracy-notes-2-1.svg"]
    assert all((tmp_path / "out" / link).is_file() for link in links)


def test_the_command_prints_the_same_as_data(registry: Registry, tmp_path: Path) -> None:
    add_benchmark(registry, BF16, metrics={"a1/tokens_per_s": 9.5, "odd": 2.0})

    code, out, _ = _command("--registry", tmp_path / "registry", "--out", tmp_path / "o", "--json")

    assert code == 0
    sections = {each["title"]: each["blocks"] for each in json.loads(out)["sections"]}
    (rates,) = [block["table"] for block in sections["Latency and throughput"] if "table" in block]
    assert rates["rows"] == [["notes:2", "bf16", "vllm", "1", 9.5]]
    assert sections["Other metrics"][0]["table"]["rows"][0][-2:] == ["odd", 2.0]


def test_the_command_refuses_in_one_line_where_nothing_is_recorded(
    registry: Registry, tmp_path: Path
) -> None:
    code, _, err = _command("--registry", tmp_path / "registry", "--out", tmp_path / "out")

    assert code == 1
    assert err.startswith("error: nothing is recorded here")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert registry.adapters()
