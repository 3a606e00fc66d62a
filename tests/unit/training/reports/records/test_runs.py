"""What a report tells of runs, from their folders."""

from pathlib import Path

from medley_training.reports.history import history
from medley_training.reports.privacy import privacy_report
from medley_training.reports.records.content import Quantity, Table
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.privacy_tables import privacy_section
from medley_training.reports.records.recorded import Records, Run
from medley_training.reports.records.training_tables import (
    comparison_section,
    rounds_section,
    run_text,
)
from medley_training.rounds.events import Measured

from tests.unit.training.reports.run_folders import events_of_run, make_run_folder


def _run(folder: Path, **given: object) -> Run:
    events = events_of_run(**given)  # type: ignore[arg-type]
    make_run_folder(folder, events)
    return Run(folder.name, history(events), privacy_report(folder), events[-1].at)


def _findings(*runs: Run) -> Findings:
    return Findings.of(Records(runs=runs))


def test_a_run_is_told_in_a_sentence_of_numbers(tmp_path: Path) -> None:
    assert run_text(_run(tmp_path / "a")) == (
        "Run a (recipe smoke, strategy stacking) trains 1,000 of 1 M parameters of tiny at "
        "3 sites; 2 rounds took 9.0 s."
    )


def test_runs_stand_side_by_side_over_all_sites_and_by_site(tmp_path: Path) -> None:
    whole = _run(tmp_path / "whole")
    alone = _run(tmp_path / "alone", sites=("north",), rounds=1)

    tables = comparison_section(_findings(whole, alone)).blocks

    loss, by_site = (table for table in tables[:2] if isinstance(table, Table))
    assert loss.caption == "Held-out loss."
    assert loss.rows[0][-1] == Quantity(0.27, "0.270")  # the worst of three losses
    assert by_site.head == ("site", "whole", "alone")
    assert [row[0] for row in by_site.rows] == ["east", "north", "west"]
    assert by_site.rows[0][2] == Quantity(None, "-")


def test_one_run_is_compared_with_none(tmp_path: Path) -> None:
    assert comparison_section(_findings(_run(tmp_path / "a"))).blocks == ()


def test_what_was_measured_of_a_rounds_variants_stands_below_its_rounds(tmp_path: Path) -> None:
    measured = Measured(
        round=1, version="tiny-lora:1", variant="nf4", suite="prompts", metrics={"pass_rate": 0.5}
    )
    run = _run(tmp_path / "a", rounds=1)
    events = [*events_of_run(rounds=1), measured]
    told = Run(run.name, history(events), run.privacy, run.newest)

    text = str(rounds_section(_findings(told)).to_json())

    assert "Measured in the rounds of a." in text
    assert "pass rate 0.5" in text


def test_what_is_the_same_of_several_runs_is_told_once(tmp_path: Path) -> None:
    runs = [_run(tmp_path / name, rounds=1) for name in ("a", "b")]

    told = str(privacy_section(_findings(*runs)).to_json())

    assert told.count("every tensor is a LoRA factor") == 1
    assert "Of a, b:" in told
    assert "Run b." in told
