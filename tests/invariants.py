"""What must be true of a registry at any moment, whoever crashed or raced before."""

from medley_registry import Registry
from medley_registry.adapters import rollback_target
from medley_registry.blobs import BlobStore
from medley_registry.digest import digest_stream
from medley_registry.events import Event, EventKind


def assert_sound(registry: Registry, blobs: BlobStore) -> None:
    assert_chained(registry.events())
    for adapter in registry.adapters():
        versions = registry.versions(adapter.name)
        assert [version.number for version in versions] == list(range(1, len(versions) + 1))
        assert len({version.digest for version in versions}) == len(versions)
        for version in versions:
            assert version.manifest.digest == version.digest
            for entry in version.manifest.files:
                with blobs.open(entry.sha256) as stream:
                    assert digest_stream(stream, each=len) == (entry.sha256, entry.size)
        assert_aliases_follow_their_moves(registry, adapter.name)
    assert_one_event_per_change(registry)


def assert_chained(events: list[Event]) -> None:
    previous = None
    for event in events:
        again = Event.following(
            previous,
            at=event.at,
            kind=event.kind,
            subject=event.subject,
            actor=event.actor,
            payload=event.payload,
        )
        assert event == again
        previous = event


def assert_aliases_follow_their_moves(registry: Registry, name: str) -> None:
    for alias in registry.aliases(name):
        moves = registry.history(name, alias=alias.name)
        assert [move.generation for move in moves] == list(range(1, alias.generation + 1))
        targets = [move.to_number for move in moves]
        assert [move.from_number for move in moves] == [None, *targets[:-1]]
        assert targets[-1] == alias.number
        assert registry.resolve(alias.reference).digest == alias.digest
        rollback_target(moves)


def assert_one_event_per_change(registry: Registry) -> None:
    counts = dict.fromkeys(EventKind, 0)
    for event in registry.events():
        counts[event.kind] += 1
    names = [adapter.name for adapter in registry.adapters()]
    assert counts[EventKind.BASE_ADDED] == len(registry.bases())
    assert counts[EventKind.VERSION_PUBLISHED] == sum(len(registry.versions(n)) for n in names)
    assert counts[EventKind.ALIAS_MOVED] == sum(len(registry.history(n)) for n in names)
    assert registry.head() == sum(counts.values())
