"""`medley train coordinator` and three `medley train site`: TLS, node keys, signatures."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import medley_training.recipes
import pytest
from medley_training.recipe_file import load_recipe
from medley_training.rounds.events import Closed, Contributed, Failed, RunStarted
from medley_training.running import carry_out_here

from tests.flower.federation import LONGEST_S, SITES, Federation, events, medley
from tests.flower.installation import processes_of, until

DEADLINE_S = 20


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("federation"))
    try:
        made.start_sites()
        yield made
    finally:
        made.stop_all()
        until(lambda: not processes_of(made.folder))


@pytest.fixture(scope="module")
def in_one_process(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return carry_out_here(load_recipe("smoke"), tmp_path_factory.mktemp("one"), is_quiet=True)


def results(summary: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(found["digest"], found["scores"]) for found in summary["rounds"]]


def test_a_run_over_machines_whose_coordinator_is_killed_gives_what_one_process_gives(
    federation: Federation, in_one_process: dict[str, Any]
) -> None:
    federation.start_sites()  # those that another test has ended
    run = federation.run_folder("smoke")

    first = federation.start_coordinator(run)
    federation.soon(lambda: bool(events(run, Contributed, round=1)), first)
    federation.kill(first)
    assert not events(run, Closed, round=2)
    summary = federation.finish(federation.start_coordinator(run))

    assert results(summary) == results(in_one_process)
    assert [event.resumed for event in events(run, RunStarted)] == [False, True]
    verified = medley("verify", run.path, "--participants", federation.book)
    assert verified.count("from brannock, harbor, lakeside") == 2
    for name in SITES:
        receipts = federation.folder / name / "site" / "receipts"
        assert {path.name for path in receipts.rglob("0*.json")} == {"0001.json", "0002.json"}


def test_a_site_that_dies_at_work_misses_one_round_and_comes_back(
    federation: Federation, tmp_path: Path
) -> None:
    federation.start_sites()
    run = federation.run_folder("partial")
    log = federation.site_log("harbor")
    before = log.read_text().count("round 1: training")

    coordinator = federation.start_coordinator(run, str(patient_recipe(tmp_path)))
    federation.soon(lambda: log.read_text().count("round 1: training") > before, coordinator)
    federation.end_site("harbor", signal.SIGKILL)
    federation.soon(lambda: bool(events(run, Closed)), coordinator)
    federation.start_site("harbor")
    summary = federation.finish(coordinator)

    closed = {event.round: event.sites for event in events(run, Closed)}
    assert closed == {1: ("brannock", "lakeside"), 2: SITES}
    assert "harbor" in {event.site for event in events(run, Failed, round=1)}
    assert set(summary["rounds"][0]["weights"]) == {"brannock", "lakeside"}
    assert set(summary["rounds"][1]["weights"]) == set(SITES)


def test_a_site_ends_when_it_is_told_to(federation: Federation) -> None:
    federation.stop_all()  # those of other tests may be about to lose their patience
    logs = {federation.site_log(name): federation.site_log(name).stat().st_size for name in SITES}
    federation.start_sites()
    until(
        lambda: all(b"coordinator at" in log.read_bytes()[told:] for log, told in logs.items()),
        patience_s=LONGEST_S,
        otherwise=federation.last_words,
    )

    assert federation.end_site("brannock", signal.SIGTERM) == 0
    assert federation.end_site("lakeside", signal.SIGINT) == 130


def patient_recipe(folder: Path) -> Path:
    """`smoke` with work enough to be killed at, and a deadline."""
    text = (Path(medley_training.recipes.__file__).parent / "smoke.toml").read_text()
    for old, new in (
        ("min_contributions = 2", f"min_contributions = 2\ndeadline_s = {DEADLINE_S}"),
        ("epochs = 2", "epochs = 12"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = folder / "patient.toml"
    path.write_text(text)
    return path
