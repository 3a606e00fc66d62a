"""What a server reads of the registry to follow it: all at first, then what has changed."""

from collections.abc import Iterable
from dataclasses import dataclass

from medley_registry import Alias, Event, EventKind, Reference, Registry, Version
from medley_registry.errors import NotARegistry
from medley_registry.traffic import Steered

from medley_server.served_base import ServedBase

MOST_EVENTS = 1000
"""After more events than these, everything is read anew."""

Key = tuple[str, int]
"""Adapter and number of a version."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The registry at one moment, as far as it concerns one base model.

    Attributes:
        head: the newest event it tells of.
        versions: in every state; those that changed, or all.
        is_whole: whether they are all.
        aliases: every alias.
        steered: those that have a rule of traffic, with it.
    """

    head: int
    versions: list[Version]
    is_whole: bool
    aliases: list[Alias]
    steered: list[Steered]


def read(registry: Registry, base: ServedBase, *, after: int) -> Reading:
    """Reads what has changed since event `after`; everything where that is 0.

    The states are read, not replayed: events only tell which, so one seen twice changes nothing.

    Raises:
        RegistryError: the registry cannot be read, or is another one, which does not know the base.
    """
    # The head first: what happens in between is then seen again, not missed.
    head = registry.head()
    is_whole = after == 0 or not after <= head <= after + MOST_EVENTS  # behind: it was restored
    if is_whole:
        _check_same(registry, base)
        versions = versions_for(registry, base)
    else:
        events = registry.events(after=after, limit=MOST_EVENTS)
        versions = [
            version
            for name, number in sorted(_changed(events))
            for version in registry.versions(name, before=number + 1, limit=1)
            if version.base_id in base.base_ids
        ]
    steered = registry.traffic.steered()
    return Reading(head, versions, is_whole, registry.aliases(), steered)


def versions_for(registry: Registry, base: ServedBase) -> list[Version]:
    """Every version in the registry that fits this base, in whatever state."""
    return [
        version
        for adapter in registry.adapters()
        if adapter.base_id in base.base_ids
        for version in registry.versions(adapter.name)
    ]


def _check_same(registry: Registry, base: ServedBase) -> None:
    """Where another registry was put in its place, all that is served would seem to be gone."""
    if not any(known.base_id in base.base_ids for known in registry.bases()):
        raise NotARegistry(f"this registry does not know base {base.name}: it is another one")


def _changed(events: Iterable[Event]) -> set[Key]:
    changed: set[Key] = set()
    for event in events:
        match event.payload:
            case {"adapter": str(name), "number": int(number)}:
                changed.add((name, number))
            case {"adapter": str(name), "to_number": int(number)}:
                changed.add((name, number))
            case {"versions": dict(states)} if event.kind is EventKind.CONTENT_REVOKED:
                changed |= {_key(reference) for reference in states}
    return changed


def _key(reference: str) -> Key:
    parsed = Reference.parse(reference)
    assert parsed.number is not None  # what is revoked is named by number
    return parsed.adapter, parsed.number
