"""What must be true of a registry at any moment, whoever crashed or raced before."""

from medley_registry import (
    Adapter,
    Evidence,
    Protection,
    Registry,
    Revocation,
    Signature,
    Tombstone,
    TrafficRule,
    TrustedKey,
    Variant,
    VariantKind,
    VersionState,
)
from medley_registry.aliases import rollback_targets
from medley_registry.blobs import BlobStore
from medley_registry.digest import digest_stream
from medley_registry.events import Event, EventKind


def assert_sound(registry: Registry, blobs: BlobStore) -> None:
    assert_chained(all_events(registry))
    for adapter in registry.adapters():
        versions = registry.versions(adapter.name)
        assert [version.number for version in versions] == list(range(1, len(versions) + 1))
        assert len({version.digest for version in versions}) == len(versions)
        for version in versions:
            assert version.manifest.digest == version.digest
            if version.state is VersionState.DELETED:
                continue
            for entry in version.manifest.files:
                with blobs.open(entry.sha256) as stream:
                    assert digest_stream(stream, each=len) == (entry.sha256, entry.size)
        assert_aliases_follow_their_moves(registry, adapter.name)
    assert_what_was_withdrawn_is_not_served(registry)
    assert_one_event_per_change(registry)


def all_events(registry: Registry) -> list[Event]:
    events: list[Event] = []
    while page := registry.events(after=len(events)):
        events += page
    return events


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
        assert alias.number not in rollback_targets(moves)[:1]


def assert_what_was_withdrawn_is_not_served(registry: Registry) -> None:
    with registry.index.read() as reader:
        revoked = {revocation.digest for revocation in reader.all(Revocation)}
        deleted = {(stone.adapter, stone.number) for stone in reader.all(Tombstone)}
    for adapter in registry.adapters():
        for version in registry.versions(adapter.name):
            is_deleted = (version.adapter, version.number) in deleted
            assert is_deleted == (version.state is VersionState.DELETED)
            if version.digest in revoked:
                assert version.state in (VersionState.REVOKED, VersionState.DELETED)
    for alias in registry.aliases():
        assert registry.resolve(alias.reference).state.is_servable


def assert_one_event_per_change(registry: Registry) -> None:
    counts = dict.fromkeys(EventKind, 0)
    for event in all_events(registry):
        counts[event.kind] += 1
    with registry.index.read() as reader:
        names = [adapter.name for adapter in reader.all(Adapter)]
        traffic = reader.all(TrafficRule)
        made = [v for v in reader.all(Variant) if v.kind is not VariantKind.BF16]
        signed = reader.all(Signature)
        expected = {
            EventKind.BASE_ADDED: len(registry.bases()),
            EventKind.VERSION_PUBLISHED: sum(registry.version_count(n) for n in names),
            EventKind.VERSION_DELETED: len(reader.all(Tombstone)),
            EventKind.VARIANT_ADDED: len(made),
            EventKind.EVIDENCE_ADDED: len(reader.all(Evidence)),
            EventKind.ALIAS_MOVED: sum(len(registry.history(n)) for n in names),
            EventKind.ALIAS_PROTECTED: len(reader.all(Protection)),
            EventKind.TRAFFIC_SET: sum(not rule.halted for rule in traffic),
            EventKind.TRAFFIC_HALTED: sum(bool(rule.halted) for rule in traffic),
            EventKind.CONTENT_REVOKED: len(reader.all(Revocation)),
            EventKind.KEY_TRUSTED: len(reader.all(TrustedKey)),
        }
    assert {kind: counts[kind] for kind in expected} == expected
    assert counts[EventKind.VERSION_SIGNED] <= len(signed)
    assert registry.head() == sum(counts.values())
