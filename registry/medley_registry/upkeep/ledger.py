"""What the log tells of: the records that must be there, and how those that change must stand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from medley_registry.adapters import FIRST_STATES, NEXT_STATES, Adapter, Version, VersionState
from medley_registry.aliases import Alias, AliasMove
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.decisions import Decision
from medley_registry.digest import Digest
from medley_registry.errors import RegistryError
from medley_registry.events import Event, EventKind
from medley_registry.evidence import Evidence
from medley_registry.findings import Code, Finding
from medley_registry.fingerprint import kind_name
from medley_registry.item_scores import ItemScores
from medley_registry.keys import AccessKey, Signature, TrustedKey
from medley_registry.policies import Approval, Protection
from medley_registry.references import Reference
from medley_registry.traffic import TrafficRule
from medley_registry.upkeep.naming import Name, named
from medley_registry.variants import Variant, VariantKind
from medley_registry.withdrawals import Revocation, Tombstone

_VersionKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """What an event told of a record it was written with.

    ``fingerprint`` is None, and ``payload`` all there is, in events of the first release.
    """

    seq: int
    fingerprint: Json
    payload: dict[str, Json] | None


class Ledger:
    """The log replayed.

    Attributes:
        told: What was told of each record, by its kind and key.
        states: Where each version must stand now.
        paths: Where each base model must lie now.
        ended: Since when a trusted key or an access key must not count any more.
    """

    def __init__(self) -> None:
        self.told: dict[Name, Told] = {}
        self.states: dict[_VersionKey, VersionState] = {}
        self.paths: dict[str, Json] = {}
        self.ended: dict[Name, datetime] = {}

    def follow(self, event: Event) -> Iterator[Finding]:
        """Take the next event in; what does not follow from those before is found."""
        try:
            for name in _RECORDS.get(event.kind, _none)(event):
                if name in self.told:
                    yield _repeated(event, name)
                self.told[name] = _told(event, name)
            yield from self._change(event)
        except (KeyError, TypeError, ValueError, AttributeError, RegistryError) as error:
            yield Finding(Code.EVENT_UNREADABLE, f"event {event.seq}", f"{event.kind}: {error!r}")

    def _change(self, event: Event) -> Iterator[Finding]:
        payload: dict[str, Any] = event.payload
        match event.kind:
            case EventKind.BASE_ADDED | EventKind.BASE_MOVED:
                self.paths[payload["name"]] = payload["path"]
            case EventKind.KEY_DISTRUSTED | EventKind.ACCESS_REVOKED:
                self.ended[_ENDS[event.kind], (payload["key_id"],)] = event.at
            case EventKind.VERSION_PUBLISHED:
                # The first release knew one state only, and did not tell it.
                state = VersionState(payload.get("state", VersionState.ADMITTED))
                self.states[_version(payload)] = state
                if state not in FIRST_STATES:
                    yield _illegal(event, f"no version begins {state}")
            case EventKind.VERSION_STATE_CHANGED:
                yield from self._step(event, _version(payload), payload["from"], payload["to"])
            case EventKind.VERSION_DELETED:
                state = VersionState.DELETED
                yield from self._step(event, _version(payload), payload["from"], state)
            case EventKind.CONTENT_REVOKED:
                yield from self._revoke(event, payload["versions"])

    def _revoke(self, event: Event, states: dict[str, str]) -> Iterator[Finding]:
        for text, before in states.items():
            reference = Reference.parse(text)
            key = (reference.adapter, reference.number or 0)
            if before != VersionState.DELETED:
                yield from self._step(event, key, before, VersionState.REVOKED)

    def _step(self, event: Event, key: _VersionKey, before: str, after: str) -> Iterator[Finding]:
        known, told, state = self.states.get(key), VersionState(before), VersionState(after)
        if known is not told:
            yield _illegal(event, f"{key[0]}:{key[1]} was {known}, not {told}")
        if state not in NEXT_STATES[told]:
            yield _illegal(event, f"no way leads from {told} to {state}")
        self.states[key] = state


_ENDS = {EventKind.KEY_DISTRUSTED: TrustedKey, EventKind.ACCESS_REVOKED: AccessKey}


def _told(event: Event, name: Name) -> Told:
    records = event.payload.get("records")
    if isinstance(records, dict):
        return Told(event.seq, records.get(kind_name(name[0])), None)
    return Told(event.seq, None, event.payload)


def _illegal(event: Event, because: str) -> Finding:
    return Finding(Code.VERSION_STATE, f"event {event.seq}", because)


def _repeated(event: Event, name: Name) -> Finding:
    return Finding(Code.EVENT_WITHOUT_ROW, f"event {event.seq}", f"tells again of {named(name)}")


def _version(payload: dict[str, Any]) -> _VersionKey:
    return payload["adapter"], payload["number"]


def _none(event: Event) -> list[Name]:
    return []


def _published(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    key = _version(payload)
    names: list[Name] = [(Version, key), (Variant, (*key, VariantKind.BF16))]
    if payload["number"] == 1:
        names.append((Adapter, (payload["adapter"],)))
    if signer := payload.get("signed_by"):
        names.append((Signature, (*key, signer)))
    return names


def _signed(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    return [(Signature, (*_version(payload), payload["key_id"]))]


def _deleted(event: Event) -> list[Name]:
    return [(Tombstone, _version(event.payload))]


def _varied(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    return [(Variant, (*_version(payload), VariantKind(payload["kind"])))]


def _measured(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    key = (*_version(payload), payload["ordinal"])
    names: list[Name] = [(Evidence, key)]
    return [*names, (ItemScores, key)] if payload.get("items") else names


def _moved(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    alias = (payload["adapter"], payload["alias"])
    names: list[Name] = [(AliasMove, (*alias, payload["generation"]))]
    return [*names, (Alias, alias)] if payload["generation"] == 1 else names


def _protected(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    return [(Protection, (payload["adapter"], payload["alias"], payload["revision"]))]


def _approved(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    key = tuple(payload[name] for name in ("adapter", "alias", "generation", "revision", "number"))
    return [(Approval, (*key, event.actor))]


_DECISION = ("adapter", "alias", "generation", "ordinal")


def _decided(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    return [(Decision, tuple(payload[key] for key in _DECISION))]


def _steered(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    return [(TrafficRule, (payload["adapter"], payload["alias"], payload["revision"]))]


def _revoked(event: Event) -> list[Name]:
    payload: dict[str, Any] = event.payload
    return [(Revocation, (Digest.parse(payload["digest"]),))]


_RECORDS: dict[EventKind, Callable[[Event], list[Name]]] = {
    EventKind.BASE_ADDED: lambda event: [(BaseModel, (event.payload["name"],))],
    EventKind.VERSION_PUBLISHED: _published,
    EventKind.VERSION_SIGNED: _signed,
    EventKind.VERSION_DELETED: _deleted,
    EventKind.VARIANT_ADDED: _varied,
    EventKind.EVIDENCE_ADDED: _measured,
    EventKind.ALIAS_MOVED: _moved,
    EventKind.ALIAS_PROTECTED: _protected,
    EventKind.ALIAS_APPROVED: _approved,
    EventKind.GATE_DECIDED: _decided,
    EventKind.TRAFFIC_SET: _steered,
    EventKind.TRAFFIC_HALTED: _steered,
    EventKind.CONTENT_REVOKED: _revoked,
    EventKind.KEY_TRUSTED: lambda event: [(TrustedKey, (event.payload["key_id"],))],
    EventKind.ACCESS_GRANTED: lambda event: [(AccessKey, (event.payload["key_id"],))],
}
"""The records that an event of each kind is written with."""
