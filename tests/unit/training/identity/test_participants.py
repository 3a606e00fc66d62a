import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from medley_training.errors import BadKey, IdentityError
from medley_training.identity.participants import ParticipantBook

from tests.unit.training.identity.made import (
    HOUR,
    NOON,
    NORTH,
    SOUTH,
    STRANGER,
    make_book,
    make_key,
)

NORTH_ID = NORTH.public.key_id
NO_PEM = {
    "public_key": "x",
    "valid_from": "2026-11-21T12:00:00.000000Z",
    "valid_until": None,
    "revoked_at": None,
}


def test_a_key_counts_between_its_times(tmp_path: Path) -> None:
    book = ParticipantBook(tmp_path / "book.json")
    book.register("north", NORTH.public, valid_from=NOON, valid_until=NOON + HOUR)

    assert book.key_at("north", NORTH_ID, at=NOON) == NORTH.public
    assert book.key_at("north", NORTH_ID, at=NOON + HOUR) == NORTH.public
    for at in (NOON - HOUR, NOON + 2 * HOUR):
        with pytest.raises(BadKey, match="expired_key"):
            book.key_at("north", NORTH_ID, at=at)


def test_a_key_counts_for_its_own_participant_only(tmp_path: Path) -> None:
    book = make_book(tmp_path)

    for name, key in [("south", NORTH), ("north", STRANGER), ("east", NORTH)]:
        with pytest.raises(BadKey, match="is not"):
            book.key_at(name, key.public.key_id, at=NOON)


def test_a_rotated_key_ends_and_the_next_one_begins(tmp_path: Path) -> None:
    book = make_book(tmp_path)

    book.rotate("north", STRANGER.public, at=NOON, overlap=HOUR)

    assert book.key_at("north", NORTH_ID, at=NOON + HOUR) == NORTH.public
    assert book.key_at("north", STRANGER.public.key_id, at=NOON) == STRANGER.public
    with pytest.raises(BadKey, match="expired_key"):
        book.key_at("north", NORTH_ID, at=NOON + 2 * HOUR)
    with pytest.raises(BadKey, match="expired_key"):
        book.key_at("north", STRANGER.public.key_id, at=NOON - HOUR)


def test_a_rotation_never_makes_a_key_last_longer(tmp_path: Path) -> None:
    book = ParticipantBook(tmp_path / "book.json")
    book.register("north", NORTH.public, valid_from=NOON - 2 * HOUR, valid_until=NOON - HOUR)

    book.rotate("north", STRANGER.public, at=NOON)

    assert book.keys("north")[0].valid_until == NOON - HOUR


def test_a_revoked_key_counts_no_more_from_that_time(tmp_path: Path) -> None:
    book = make_book(tmp_path)

    book.revoke("north", NORTH_ID[:8], at=NOON)

    assert book.key_at("north", NORTH_ID, at=NOON - HOUR / 2) == NORTH.public
    with pytest.raises(BadKey, match="revoked_key"):
        book.key_at("north", NORTH_ID, at=NOON)


def test_a_revocation_is_never_put_off(tmp_path: Path) -> None:
    book = make_book(tmp_path)
    book.revoke("north", NORTH_ID, at=NOON)

    assert book.revoke("north", NORTH_ID, at=NOON + HOUR).revoked_at == NOON
    assert book.revoke("north", NORTH_ID, at=NOON - HOUR).revoked_at == NOON - HOUR


def test_a_revocation_by_another_process_counts_at_once(tmp_path: Path) -> None:
    book = make_book(tmp_path)
    ParticipantBook(tmp_path / "participants.json").revoke("north", NORTH_ID, at=NOON)

    with pytest.raises(BadKey, match="revoked_key"):
        book.key_at("north", NORTH_ID, at=NOON)


def test_a_key_has_one_owner_and_a_participant_one_entry(tmp_path: Path) -> None:
    book = make_book(tmp_path)

    with pytest.raises(BadKey, match="north's already"):
        book.register("east", NORTH.public, valid_from=NOON)
    with pytest.raises(BadKey, match="north's already"):
        book.rotate("south", NORTH.public, at=NOON)
    with pytest.raises(IdentityError, match="rotation"):
        book.register("north", STRANGER.public, valid_from=NOON)
    assert book.names == ("north", "south")
    assert len(book.keys("south")) == 1


def test_a_stranger_is_named_beside_those_known(tmp_path: Path) -> None:
    book = make_book(tmp_path)

    with pytest.raises(IdentityError, match="known: north, south"):
        book.rotate("nroth", STRANGER.public, at=NOON)
    with pytest.raises(IdentityError, match="known: north, south"):
        book.revoke("nroth", NORTH_ID, at=NOON)
    for key_id in ("", NORTH_ID[:7], SOUTH.public.key_id):
        with pytest.raises(IdentityError, match="no one key"):
            book.revoke("north", key_id, at=NOON)


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "a/b", "a b", "a\n", "x" * 65, "é"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(IdentityError, match="is no name"):
        ParticipantBook(tmp_path / "book.json").register(name, NORTH.public, valid_from=NOON)


def test_a_key_cannot_end_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="before it begins"):
        ParticipantBook(tmp_path / "book.json").register(
            "north", NORTH.public, valid_from=NOON, valid_until=NOON - HOUR
        )


def test_the_file_is_replaced_whole_and_read_only(tmp_path: Path) -> None:
    make_book(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["participants.json"]
    assert (tmp_path / "participants.json").stat().st_mode & 0o777 == 0o444


def test_changes_made_at_once_are_all_kept(tmp_path: Path) -> None:
    def register(number: int) -> None:
        book = ParticipantBook(tmp_path / "book.json")
        book.register(f"site-{number}", make_key(number).public, valid_from=NOON)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(register, range(10, 26)))

    assert len(ParticipantBook(tmp_path / "book.json").names) == 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"version": 2, "participants": {}}',
        '{"version": 1, "participants": {}, "more": 1}',
        '{"version": 1, "participants": {"north": {}}}',
        '{"version": 1, "participants": {"north": [{}]}}',
        '{"version": 1, "participants": {"north": [], "north": []}}',
        json.dumps({"version": 1, "participants": {"north": [NO_PEM]}}),
    ],
)
def test_a_damaged_book_is_refused_and_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.json"
    path.write_text(text)
    book = ParticipantBook(path)

    with pytest.raises(BadKey, match=r"book\.json is no participants' book"):
        book.keys("north")
    with pytest.raises(BadKey, match=r"book\.json is no participants' book"):
        book.register("east", STRANGER.public, valid_from=NOON)
    assert path.read_text() == text


def test_an_empty_time_does_not_undo_a_revocation(tmp_path: Path) -> None:
    book = make_book(tmp_path)
    book.revoke("north", NORTH_ID, at=NOON)
    path = tmp_path / "participants.json"
    text = path.read_text().replace(
        '"revoked_at": "2026-11-21T12:00:00.000000Z"', '"revoked_at": ""'
    )
    path.chmod(0o600)
    path.write_text(text)

    with pytest.raises(BadKey, match="is no participants' book"):
        book.keys("north")
