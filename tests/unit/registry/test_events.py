from datetime import UTC, datetime

from medley_registry import Event, EventKind

AT = datetime(2026, 11, 21, 8, 46, 53, tzinfo=UTC)


def event(previous: Event | None, subject: str) -> Event:
    return Event.following(
        previous,
        at=AT,
        kind=EventKind.VERSION_PUBLISHED,
        subject=subject,
        actor="ada",
        payload={"number": 1},
    )


def test_the_hash_of_an_event_never_changes_between_releases() -> None:
    first = event(None, "notes:1")

    assert (first.seq, first.previous_hash) == (1, "0" * 64)
    assert first.hash == "ac6b607036e27d08029593c9977f4886e2c13e6beab816a4f6d2aee10e4dfb94"


def test_an_event_depends_on_all_that_went_before() -> None:
    first, other = event(None, "notes:1"), event(None, "notes:2")

    second = event(first, "notes:3")

    assert (second.seq, second.previous_hash) == (2, first.hash)
    assert second.hash != event(other, "notes:3").hash
