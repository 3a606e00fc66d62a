"""What left each site, told from a run folder alone."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from medley_training.commands.report import report as report_command
from medley_training.errors import RunDamaged
from medley_training.reports.page import run_report
from medley_training.reports.privacy import privacy_report
from medley_training.reports.privacy_text import markdown, percent_text
from medley_training.rounds.events import Evaluated, Event, SiteStarted, Step
from typer import Typer
from typer.testing import CliRunner

from tests.unit.training.reports.run_folders import (
    BASE_BYTES,
    SITES,
    contributed,
    events_of_run,
    failed,
    keep_contribution,
    make_run_folder,
    refused,
    run_started,
)

_VOID = frozenset({"meta", "img", "br"})


class _Page(HTMLParser):
    """Checks that every element ends where it should, and collects what is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.sources: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in _VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_each_upload_is_told_with_its_bytes_tensors_and_terms(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, events_of_run(epsilon=0.5))

    report = privacy_report(tmp_path)

    assert [(each.round, each.site) for each in report.uploads] == [
        (number, site) for number in (1, 2) for site in SITES
    ]
    upload = report.uploads[-1]
    assert (upload.bytes_up, upload.bytes_down, upload.times) == (4_000, 9_000, 1)
    assert upload.file_bytes == folder.round(2).contribution("west").stat().st_size
    assert (upload.tensors, upload.codec, upload.sample_bucket) == (4, "none", 40)
    assert upload.losses == {"first": 2.5, "last": 1.5, "of_start": None}
    assert upload.epsilon == 1.0
    assert upload.metrics.keys() == {"loss", "token_accuracy"}
    assert report.tensor_names == {
        f"base_model.model.model.layers.N.self_attn.q_proj.lora_{factor}.weight": 2
        for factor in "AB"
    }


def test_the_totals_are_the_sums_and_the_share_is_of_one_upload(tmp_path: Path) -> None:
    make_run_folder(tmp_path, events_of_run(rounds=3, epsilon=0.5))

    total = privacy_report(tmp_path).totals[0]

    assert (total.site, total.rounds) == ("east", 3)
    assert (total.bytes_up, total.bytes_down) == (12_000, 27_000)
    assert total.largest_upload_bytes == 4_000
    assert total.share_of_base == 4_000 / BASE_BYTES
    assert total.epsilon == 1.5


def test_what_was_sent_twice_is_counted_twice_but_is_one_upload(tmp_path: Path) -> None:
    make_run_folder(tmp_path, [run_started(), contributed(), contributed()])

    report = privacy_report(tmp_path)

    assert [(each.times, each.bytes_up) for each in report.uploads] == [(2, 8_000)]
    assert "8 kB (2 times)" in markdown(report)
    assert report.totals[1].largest_upload_bytes == 4_000


def test_a_contribution_that_the_log_lacks_is_told_from_its_files(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, [run_started(), failed("west")])
    keep_contribution(folder, 1, "north")

    (upload,) = privacy_report(tmp_path).uploads

    files = (folder.round(1).contribution("north"), folder.round(1).statement("north"))
    assert (upload.site, upload.times, upload.num_tokens) == ("north", 0, None)
    assert upload.bytes_up == sum(file.stat().st_size for file in files)
    assert upload.losses["last"] == 1.5


def test_a_contribution_whose_files_are_gone_is_told_from_the_log(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, [run_started(), contributed()])
    folder.round(1).contribution("north").unlink()
    folder.round(1).statement("north").unlink()

    report = privacy_report(tmp_path)

    (upload,) = report.uploads
    assert (upload.bytes_up, upload.tensors, upload.codec) == (4_000, None, None)
    assert upload.losses == {"first": 2.5, "last": 1.5}
    assert "nothing can be said of examples" in markdown(report)


def test_tensors_that_are_no_lora_factors_are_told(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, [run_started(), contributed()])
    keep_contribution(folder, 1, "north", also={"examples": np.zeros(3, dtype=np.uint8)})

    report = privacy_report(tmp_path)

    assert report.strangers == ("round 1, north: tensor examples",)
    assert "round 1, north: tensor examples" in markdown(report)
    assert "every tensor is a LoRA factor" not in markdown(report)


def test_refused_contributions_left_their_site_as_well(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, [run_started(), refused(), refused(), failed()])
    folder.round(1).refusal("east").parent.mkdir(parents=True)
    folder.round(1).refusal("east").with_suffix(".bin").write_bytes(b"12345")

    report = privacy_report(tmp_path)

    (discarded,) = report.discarded
    assert (discarded.site, discarded.file_bytes) == ("east", 5)
    assert discarded.why.startswith("altered: the file")
    assert report.failed == ((1, "west"),)
    assert "\\| that &lt;b&gt;was" in markdown(report)


def test_a_log_that_names_exact_counts_is_said_to(tmp_path: Path) -> None:
    told = SiteStarted(round=1, site="north", num_examples=43)
    make_run_folder(tmp_path, [run_started(), told, contributed()])

    report = privacy_report(tmp_path)

    assert report.told_counts == ("north",)
    assert "this log names them: north" in markdown(report)


def test_the_comparison_with_the_full_model_says_what_it_is(tmp_path: Path) -> None:
    make_run_folder(tmp_path, events_of_run())

    text = markdown(privacy_report(tmp_path))

    assert "| bytes | 4 kB | 2 MB | 0.20 % |" in text
    assert "| parameters | 1,000 | 1 M | 0.10 % |" in text
    assert "99.80 % smaller than the model. That compares an adapter" in text


def test_a_base_of_unknown_size_is_compared_with_nothing(tmp_path: Path) -> None:
    make_run_folder(tmp_path, [replace(run_started(), base_bytes=0), contributed()])

    report = privacy_report(tmp_path)

    assert "| bytes | 4 kB | 0 bytes | ? |" in markdown(report)
    assert (
        json.loads(json.dumps(report.to_json(), allow_nan=False))["totals"][0]["share_of_base"]
        is None
    )


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50.0 %"), (0.9965, "99.65 %"), (0.99996, "99.996 %")],
)
def test_a_share_near_all_or_nothing_keeps_its_digits(share: float, text: str) -> None:
    assert percent_text(share) == text


@pytest.mark.parametrize("events", [[], [contributed()]], ids=["no events", "no start of a run"])
def test_a_folder_without_a_run_is_refused(tmp_path: Path, events: list[Event]) -> None:
    make_run_folder(tmp_path, events)

    with pytest.raises(RunDamaged, match=str(tmp_path)):
        privacy_report(tmp_path)


@pytest.mark.parametrize("name", ["north.safetensors", "north.statement.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    make_run_folder(tmp_path, [run_started(), contributed()])
    (tmp_path / "rounds" / "0001" / "contributions" / name).write_bytes(b"{}")

    with pytest.raises(RunDamaged, match=name):
        privacy_report(tmp_path)


def test_the_page_needs_nothing_else_and_shows_text_from_sites_as_text(tmp_path: Path) -> None:
    drawn_quickly = [
        event for event in events_of_run(rounds=1) if not isinstance(event, Step | Evaluated)
    ]
    make_run_folder(tmp_path, [*drawn_quickly, refused(), failed()])

    path = run_report(tmp_path)

    assert path == tmp_path / "report.html"
    page = _Page(path.read_text(encoding="utf-8"))
    words = " ".join(page.words)
    assert page.opened == []
    assert len(page.sources) == 2
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.sources)
    assert "altered: the file is not the one | that <b>was</b> signed" in words
    assert "tiny-lora:1" in words
    assert "no answer in 30 s" in words
    assert "kept 98 % of the energy" in words


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    make_run_folder(tmp_path, [run_started(), contributed()])

    first = run_report(tmp_path).read_bytes()
    second = run_report(tmp_path, page=tmp_path / "again.html").read_bytes()

    assert first == second


def test_a_run_that_goes_on_has_a_page_too(tmp_path: Path) -> None:
    make_run_folder(tmp_path, [run_started(), contributed()])

    page = run_report(tmp_path).read_text(encoding="utf-8")

    assert "Not finished: 1 round so far." in page


def test_the_command_prints_json_and_writes_the_page_where_it_is_wanted(tmp_path: Path) -> None:
    make_run_folder(tmp_path / "run", [run_started(), contributed()])
    app = Typer()
    app.command()(report_command)
    page = tmp_path / "page.html"

    result = CliRunner().invoke(app, [str(tmp_path / "run"), "--json", "--out", str(page)])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["run"] == "run-1"
    assert "shows the run" in result.stderr
    assert page.exists()


def test_the_command_refuses_a_folder_that_is_no_run_in_one_line(tmp_path: Path) -> None:
    app = Typer()
    app.command()(report_command)

    result = CliRunner().invoke(app, [str(tmp_path)])

    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "is it a run folder?" in result.stderr
