"""Rows and the log: each record was told of once, and is what it was said to be."""

from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from typing import Any

from medley_registry.adapters import Version
from medley_registry.bases import BaseModel
from medley_registry.digest import Digest
from medley_registry.findings import Code, Finding
from medley_registry.fingerprint import fingerprint
from medley_registry.keys import AccessKey, TrustedKey
from medley_registry.kinds import KINDS, Record, key_of
from medley_registry.upkeep.facts import Facts
from medley_registry.upkeep.ledger import Told
from medley_registry.upkeep.naming import name_of, named


def check_rows(facts: Facts) -> Iterator[Finding]:
    """Compare every record that stays with the event it was written with, and the reverse."""
    told_of = facts.ledger.told
    for kind in [kind for kind, rules in KINDS.items() if not rules.is_passing]:
        for record in facts.all(kind):
            name = (kind, key_of(record))
            told = told_of.get(name)
            if told is None:
                yield Finding(Code.ROW_WITHOUT_EVENT, named(name), "no event tells of it")
            elif not _is_as_told(record, told):
                because = f"is not what event {told.seq} was written with"
                yield Finding(Code.ROW_ALTERED, named(name), because)
    for name, told in told_of.items():
        if facts.one(name[0], *name[1]) is None:
            because = f"event {told.seq} tells of it, and it is not there"
            yield Finding(Code.EVENT_WITHOUT_ROW, named(name), because)
    yield from _check_changeable(facts)


def _is_as_told(record: Record, told: Told) -> bool:
    if told.fingerprint is not None:
        return fingerprint(record) == told.fingerprint
    payload, changeable = told.payload or {}, KINDS[type(record)].changeable
    names = {field.name for field in fields(record)} | {"base_id"}
    return all(
        _form(getattr(record, name)) == payload[name]
        for name in (names & payload.keys()) - changeable
        if hasattr(record, name)
    )


def _form(value: Any) -> Any:
    """A field as the first release's events tell it."""
    return str(value) if isinstance(value, Digest | StrEnum) else value


def _check_changeable(facts: Facts) -> Iterator[Finding]:
    """What is no part of a fingerprint; aliases have checks of their own."""
    ledger = facts.ledger
    for base in facts.all(BaseModel):
        if ledger.paths.get(base.name) != str(base.path):
            yield _altered(base, f"lies at {base.path} and not where the log says")
    for key in facts.all(TrustedKey):
        if ledger.ended.get((TrustedKey, key_of(key))) != key.distrusted_at:
            yield _altered(key, "is distrusted otherwise than the log says")
    for access in facts.all(AccessKey):
        if ledger.ended.get((AccessKey, key_of(access))) != access.revoked_at:
            yield _altered(access, "is revoked otherwise than the log says")
    for version in facts.all(Version):
        state = ledger.states.get((version.adapter, version.number))
        if state is not version.state:
            because = f"is {version.state}, and by the log {state}"
            yield Finding(Code.VERSION_STATE, name_of(version), because)


def _altered(record: Record, because: str) -> Finding:
    return Finding(Code.ROW_ALTERED, name_of(record), because)
