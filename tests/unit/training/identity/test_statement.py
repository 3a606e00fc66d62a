from dataclasses import replace
from pathlib import Path
from typing import Any

import medley_training
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry.digest import Digest
from medley_training.errors import BadSignature, ContributionRefused
from medley_training.identity.statement import (
    Losses,
    Statement,
    code_digest,
    sample_bucket,
)
from medley_training.identity.task import Task, fresh_nonce
from medley_training.local.lora import LoraShape

from tests.unit.training.identity.made import NORTH, START, UPDATE, make_statement, make_task

OTHER = Digest.of(b"other")
SERIES = (10, 12, 15, 20, 25, 32, 40, 50, 63, 80)


@pytest.mark.parametrize(
    ("num_examples", "bucket"),
    [
        *((1, 10), (9, 10), (10, 10), (11, 10), (12, 12), (57, 50), (99, 80), (100, 100)),
        *((119, 100), (120, 120), (631, 630), (999, 800), (1000, 1000), (1_234_567, 1_200_000)),
    ],
)
def test_counts_are_told_in_buckets(num_examples: int, bucket: int) -> None:
    assert sample_bucket(num_examples) == bucket


@given(st.integers(1, 10**12))
def test_a_bucket_is_of_the_series_and_near_below(num_examples: int) -> None:
    bucket = sample_bucket(num_examples)

    digits = str(bucket).rstrip("0")
    assert any(str(step).rstrip("0") == digits for step in SERIES)
    assert sample_bucket(bucket) == bucket
    if num_examples >= 10:
        assert bucket <= num_examples < bucket * 1.35


def test_no_example_is_no_bucket() -> None:
    with pytest.raises(ValueError, match="no contribution"):
        sample_bucket(0)


def test_a_task_and_a_statement_are_what_was_written() -> None:
    task = make_task()
    statement = make_statement(task)

    assert Task.from_json(task.to_json()) == task
    assert Statement.from_json(statement.to_json()) == statement
    assert Statement.open(statement.seal(NORTH), [NORTH.public]) == statement


def test_the_same_task_gives_the_same_bytes() -> None:
    task = make_task()

    assert task.seal(NORTH).to_json() == make_task().seal(NORTH).to_json()
    assert make_statement(task).seal(NORTH).digest == make_statement(task).seal(NORTH).digest


def test_a_task_knows_the_start_that_it_hands_out() -> None:
    assert make_task().matches(START)
    assert not make_task().matches(START + b"\0")


def test_nonces_differ() -> None:
    assert len({fresh_nonce() for _ in range(100)}) == 100


def test_the_codes_digest_is_that_of_the_packages_python_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "__init__.py").touch()
    (tmp_path / "part" / "one.py").write_text("one = 1\n")
    monkeypatch.setattr(medley_training, "__file__", str(tmp_path / "__init__.py"))
    before = code_digest.__wrapped__()
    (tmp_path / "notes.txt").touch()
    assert code_digest.__wrapped__() == before

    (tmp_path / "part" / "one.py").rename(tmp_path / "part" / "two.py")
    renamed = code_digest.__wrapped__()
    (tmp_path / "part" / "two.py").write_text("one = 2\n")
    changed = code_digest.__wrapped__()

    assert len({before, renamed, changed}) == 3


def test_a_statement_names_the_code_that_runs() -> None:
    assert make_statement(make_task()).code == code_digest()


def test_a_statement_answers_its_task() -> None:
    make_statement(make_task()).answers(make_task())
    make_statement(make_task()).covers(UPDATE)


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("wrong_run", {"run": "smoke-8"}),
        ("unknown_signer", {"participant": "south"}),
        ("wrong_round", {"round": 1}),
        ("replayed", {"nonce": "00" * 16}),
        ("wrong_start", {"start": OTHER}),
        ("wrong_base", {"base": OTHER}),
        ("wrong_quantization", {"quantization": "none"}),
        ("wrong_shape", {"shape": LoraShape(rank=4, alpha=16)}),
        ("wrong_shape", {"shape": LoraShape(rank=4, alpha=8, use_rslora=True)}),
        ("wrong_shape", {"trains": ("B",)}),
        ("wrong_codec", {"codec": "int8"}),
        ("wrong_privacy", {"privacy": {}}),
        ("wrong_privacy", {"privacy": {"mechanism": "none"}}),
    ],
)
def test_a_statement_for_another_task_is_refused(reason: str, changes: dict[str, Any]) -> None:
    statement = replace(make_statement(make_task()), **changes)

    with pytest.raises(ContributionRefused) as caught:
        statement.answers(make_task())

    assert caught.value.reason == reason


def test_noise_that_was_not_what_was_asked_is_refused() -> None:
    task = make_task()
    weaker = {**make_statement(task).privacy, "noise_multiplier": 0.7}

    with pytest.raises(ContributionRefused, match=r"0\.7.*not.*0\.8") as caught:
        make_statement(task, privacy=weaker).answers(task)

    assert caught.value.reason == "wrong_privacy"


def test_more_examples_than_allowed_are_refused() -> None:
    task = make_task(max_examples=40)

    with pytest.raises(ContributionRefused, match="50 examples are claimed, 40") as caught:
        make_statement(task).answers(task)

    assert caught.value.reason == "malformed"
    make_statement(task, sample_bucket=10**9).answers(make_task(max_examples=None))


def test_other_bytes_than_the_statements_are_altered() -> None:
    with pytest.raises(ContributionRefused) as caught:
        make_statement(make_task()).covers(UPDATE + b"\0")

    assert caught.value.reason == "altered"


def test_what_a_stranger_wrote_cannot_act_on_a_terminal() -> None:
    statement = make_statement(make_task(), quantization="\x1b[2J\n" + "x" * 10_000)

    with pytest.raises(ContributionRefused) as caught:
        statement.answers(make_task())

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("round", "2"),
        ("round", True),
        ("round", 2.5),
        ("round", -1),
        ("run", "../up"),
        ("run", "x\n"),
        ("participant", ""),
        ("start", "sha256:0"),
        ("start", OTHER.hex),
        ("update", 7),
        ("trains", ["B", "A"]),
        ("trains", []),
        ("trains", "AB"),
        ("shape", {"rank": 4}),
        ("shape", {"rank": True, "alpha": 8, "target_modules": [], "use_rslora": False}),
        ("privacy", []),
        ("sample_bucket", 0),
        ("sample_bucket", 11),
        ("sample_bucket", 2**60),
        ("losses", {"first": 1}),
        ("losses", {"first": "1", "last": 1, "of_start": None}),
        ("losses", {"first": float("nan"), "last": 1, "of_start": None}),
        ("\x1b[2Jmore", 1),
    ],
)
def test_a_statement_in_another_form_is_refused(member: str, value: Any) -> None:
    payload = make_statement(make_task()).to_json()
    payload[member] = value

    with pytest.raises(BadSignature, match=r"^no application/vnd\.medley") as caught:
        Statement.from_json(payload)

    assert str(caught.value).isprintable()


def test_losses_are_told_without_privacy_and_kept_with_it() -> None:
    public = make_task(privacy={"mechanism": "none"})
    told = make_statement(public)

    assert told.losses == Losses(first=2.5, last=1.25)
    assert make_statement(make_task()).losses is None
    with pytest.raises(ContributionRefused, match="malformed: the losses are missing"):
        replace(told, losses=None).answers(public)


@pytest.mark.parametrize("member", [*make_statement(make_task()).to_json()])
def test_a_statement_without_a_member_is_refused(member: str) -> None:
    payload = make_statement(make_task()).to_json()
    del payload[member]

    with pytest.raises(BadSignature, match=r"^no application/vnd\.medley"):
        Statement.from_json(payload)


def test_a_loss_that_is_no_number_cannot_be_stated() -> None:
    with pytest.raises(ValueError, match="finite"):
        Losses(first=float("nan"), last=1.0)
