from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry.digest import Digest
from medley_training.errors import BadKey, ContributionRefused, TaskRefused
from medley_training.identity.admission import accept, admit
from medley_training.identity.envelope import Envelope, seal
from medley_training.identity.participants import ParticipantBook
from medley_training.identity.statement import Statement
from medley_training.identity.task import Task

from tests.unit.training.identity.made import (
    COORDINATOR,
    HOUR,
    NOON,
    NORTH,
    SOUTH,
    START,
    STRANGER,
    UPDATE,
    make_book,
    make_statement,
    make_task,
)

TASK = make_task()
SEALED = make_statement(TASK).seal(NORTH).to_json()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> ParticipantBook:
    return make_book(tmp_path_factory.mktemp("book"))


def refused(book: ParticipantBook, text: str = SEALED, **changes: Any) -> str:
    """The reason for which a contribution is refused."""
    given: dict[str, Any] = {"payload": UPDATE, "task": TASK, "at": NOON, **changes}
    with pytest.raises(ContributionRefused) as caught:
        admit(text, given.pop("payload"), book=book, **given)
    assert str(caught.value).isprintable()
    return caught.value.reason


def test_a_contribution_that_was_asked_for_is_admitted(book: ParticipantBook) -> None:
    assert admit(SEALED, UPDATE, task=TASK, book=book, at=NOON) == make_statement(TASK)


def test_no_byte_of_the_envelope_can_be_changed(book: ParticipantBook) -> None:
    reasons = set()

    for at in range(len(SEALED)):
        for bit in (1, 32):
            text = SEALED[:at] + chr(ord(SEALED[at]) ^ bit) + SEALED[at + 1 :]
            reasons.add(refused(book, text))

    assert reasons == {"unsigned", "unknown_signer"}


def test_no_byte_of_the_payload_can_be_changed(book: ParticipantBook) -> None:
    for at in range(len(UPDATE)):
        payload = UPDATE[:at] + bytes([UPDATE[at] ^ 1]) + UPDATE[at + 1 :]
        assert refused(book, payload=payload) == "altered"
    for payload in (b"", UPDATE[:-1], UPDATE + b"\0"):
        assert refused(book, payload=payload) == "altered"


@given(seed=st.integers(0, 2**32), data=st.data())
def test_a_mutilated_envelope_is_refused_with_a_reason(
    book: ParticipantBook, seed: int, data: st.DataObject
) -> None:
    random = Random(seed)
    begin, end = sorted(random.sample(range(len(SEALED) + 1), 2))
    text = SEALED[:begin] + data.draw(st.text(max_size=20)) + SEALED[end:]

    if text != SEALED:
        assert refused(book, text) in {"unsigned", "unknown_signer"}


@given(text=st.text())
def test_a_text_that_is_no_envelope_is_unsigned(book: ParticipantBook, text: str) -> None:
    assert refused(book, text) == "unsigned"


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("wrong_run", {"run": "smoke-8"}),
        ("wrong_round", {"round": 3}),
        ("replayed", {"nonce": "00" * 16}),
        ("wrong_start", {"start": Digest.of(b"other")}),
        ("wrong_base", {"base": Digest.of(b"other")}),
        ("wrong_quantization", {"quantization": "none"}),
    ],
)
def test_an_answer_to_another_task_is_refused(
    book: ParticipantBook, reason: str, changes: dict[str, Any]
) -> None:
    assert refused(book, task=make_task(**changes)) == reason


def test_another_participants_answer_is_refused(book: ParticipantBook) -> None:
    task = make_task(participant="south")

    assert refused(book, task=task) == "unknown_signer"
    in_her_name = make_statement(task).seal(NORTH).to_json()
    assert refused(book, in_her_name, task=task) == "unknown_signer"
    as_north = make_statement(TASK).seal(SOUTH).to_json()
    assert refused(book, as_north, task=task) == "unknown_signer"


def test_a_strangers_key_is_refused_even_under_a_known_keys_name(book: ParticipantBook) -> None:
    by_stranger = make_statement(TASK).seal(STRANGER)
    forged = Envelope(
        by_stranger.payload_type, by_stranger.payload, NORTH.public.key_id, by_stranger.signature
    )

    assert refused(book, by_stranger.to_json()) == "unknown_signer"
    assert refused(book, forged.to_json()) == "unsigned"


def test_a_key_that_has_ended_or_was_revoked_is_refused(tmp_path: Path) -> None:
    book = make_book(tmp_path)
    assert refused(book, at=NOON - 2 * HOUR) == "expired_key"

    book.rotate("north", STRANGER.public, at=NOON)

    assert refused(book, at=NOON + HOUR) == "expired_key"
    rotated = make_statement(TASK).seal(STRANGER).to_json()
    admit(rotated, UPDATE, task=TASK, book=book, at=NOON + HOUR)
    admit(SEALED, UPDATE, task=TASK, book=book, at=NOON)

    book.revoke("north", STRANGER.public.key_id, at=NOON + HOUR)

    assert refused(book, rotated, at=NOON + HOUR) == "revoked_key"


def test_a_participant_who_signs_nonsense_is_refused(book: ParticipantBook) -> None:
    payload = make_statement(TASK).to_json()

    as_task = seal(Task.payload_type, payload, NORTH)
    too_little = seal(Statement.payload_type, {}, NORTH)
    too_much = seal(Statement.payload_type, {**payload, "more": 1}, NORTH)
    no_bucket = seal(Statement.payload_type, {**payload, "sample_bucket": 57}, NORTH)
    greedy = make_statement(TASK, sample_bucket=10**6).seal(NORTH)

    for envelope in (as_task, too_little, too_much, no_bucket, greedy):
        assert refused(book, envelope.to_json()) == "malformed"


def test_the_first_reason_wins(book: ParticipantBook) -> None:
    stranger = make_statement(make_task(round=1)).seal(STRANGER).to_json()

    assert refused(book, stranger, payload=b"other") == "unknown_signer"
    assert refused(book, task=make_task(round=9), payload=b"other") == "wrong_round"


def test_a_book_that_is_damaged_is_nobodys_fault(tmp_path: Path) -> None:
    (tmp_path / "book.json").write_text("{}")

    with pytest.raises(BadKey):
        admit(SEALED, UPDATE, task=TASK, book=ParticipantBook(tmp_path / "book.json"), at=NOON)


def accepted(text: str, start: bytes = START, *, participant: str = "north") -> Task:
    return accept(text, start, participant=participant, coordinator=COORDINATOR.public)


def test_a_site_accepts_its_coordinators_task() -> None:
    assert accepted(TASK.seal(COORDINATOR).to_json()) == TASK


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: accepted(""),
        lambda: accepted(TASK.seal(STRANGER).to_json()),
        lambda: accepted(make_statement(TASK).seal(COORDINATOR).to_json()),
        lambda: accepted(seal(Task.payload_type, {}, COORDINATOR).to_json()),
        lambda: accepted(TASK.seal(COORDINATOR).to_json(), START + b"\0"),
        lambda: accepted(TASK.seal(COORDINATOR).to_json(), participant="south"),
    ],
    ids=["nothing", "stranger", "statement", "empty", "start", "participant"],
)
def test_a_site_refuses_any_other_task(attempt: Callable[[], Task]) -> None:
    with pytest.raises(TaskRefused):
        attempt()


def test_no_byte_of_a_task_can_be_changed() -> None:
    text = TASK.seal(COORDINATOR).to_json()

    for at in range(len(text)):
        with pytest.raises(TaskRefused):
            accepted(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :])
