"""What a report is about: the newest of each, by environment, of the versions asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import AdapterNotFound, BaseNotFound, Registry
from medley_registry.canonical import Json
from medley_training.errors import NothingRecorded
from medley_training.reports.records.environment import engine_facts, identity, method_facts
from medley_training.reports.records.gathering import gather
from medley_training.reports.records.recorded import Wanted

from tests.builders import TINY
from tests.unit.training.reports.records.recorded_variants import (
    AWQ,
    BF16,
    NF4,
    add_benchmark,
    add_evaluation,
    fingerprint,
    make_registry,
)
from tests.unit.training.reports.run_folders import events_of_run, make_run_folder


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with make_registry(tmp_path) as registry:
        yield registry


def test_nothing_recorded_is_refused_with_the_commands_that_record(registry: Registry) -> None:
    with pytest.raises(NothingRecorded, match="medley bench, medley eval or medley train run"):
        gather(registry, Wanted())


def test_the_newest_evidence_counts_and_the_rest_is_counted(registry: Registry) -> None:
    add_evaluation(registry, BF16, "extraction", "field_f1", wrong=9)
    add_evaluation(registry, BF16, "extraction", "field_f1", wrong=0)

    (found,) = gather(registry, Wanted()).evaluations

    assert found.evidence.ordinal == 2
    assert found.earlier == 1
    assert len(found.items) == 100


def test_environments_are_kept_apart_and_numbered_by_time(registry: Registry) -> None:
    add_benchmark(registry, BF16, environment=fingerprint(cpu="Xeon"))
    add_benchmark(registry, BF16)

    found = gather(registry, Wanted()).benchmarks

    assert {each.environment.facts["hardware cpu"]: each.environment.number for each in found} == {
        "Xeon": 1,
        "EPYC": 2,
    }
    assert [each.earlier for each in found] == [0, 0]


def test_how_the_engine_ran_a_variant_makes_no_other_environment() -> None:
    measured: dict[str, Json] = {**fingerprint(NF4), "machine": {"bandwidth_bytes_per_s": 40.2e9}}

    assert identity(measured) == identity(fingerprint(AWQ))
    assert identity(fingerprint()) != identity(fingerprint(cores=4))
    assert engine_facts(measured)["kernel"] == "BitsAndBytesLinear"
    assert method_facts(measured) == {"machine bandwidth": "40.2 GB/s"}
    assert identity({"cpu": "two cores"}) != identity({"cpu": "four cores"})


def test_only_the_versions_asked_for_are_told_of(registry: Registry) -> None:
    add_benchmark(registry, BF16, number=1)
    add_benchmark(registry, BF16, number=2)

    asked = gather(registry, Wanted(references=("notes:1",)))
    everything = gather(registry, Wanted(adapter="notes", base=TINY))

    assert [each.reference for each in asked.versions] == ["notes:1"]
    assert [each.reference for each in everything.versions] == ["notes:1", "notes:2"]
    assert [each.reference for each in everything.leading] == ["notes:2"]
    assert [base.name for base in everything.bases] == [TINY, "tiny-awq", "tiny-nf4"]


def test_what_does_not_exist_is_named(registry: Registry) -> None:
    with pytest.raises(AdapterNotFound):
        gather(registry, Wanted(adapter="letters"))
    with pytest.raises(BaseNotFound):
        gather(registry, Wanted(base="huge"))


def test_runs_of_one_name_are_told_apart_by_their_folders(
    registry: Registry, tmp_path: Path
) -> None:
    folders = tmp_path / "a" / "run", tmp_path / "b" / "run"
    for folder in folders:
        make_run_folder(folder, events_of_run(rounds=1))

    records = gather(registry, Wanted(runs=folders))

    assert [run.name for run in records.runs] == ["a/run", "b/run"]
    assert records.newest == max(run.newest for run in records.runs)
