"""Who takes part: the participants' keys, and when each of them counts."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from medley_registry import timestamps
from medley_registry.canonical import Json
from medley_registry.durable import (
    disk_errors,
    incoming_file,
    make_folder,
    seal_file,
    sync_folder,
)
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

from medley_training.errors import BadKey, IdentityError
from medley_training.identity.keys import PublicKey
from medley_training.identity.names import is_name

_VERSION = 1
_LEAST_DIGITS = 8
_NO_OVERLAP = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantKey:
    """One key of a participant: its signatures count from, until, and not once it is revoked."""

    public: PublicKey
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None

    def flaw(self, at: datetime) -> str | None:
        """Why a signature that comes in at that time does not count; None when it does.

        The word is a reason of `ContributionRefused`: ``revoked_key`` or ``expired_key``.
        """
        if self.revoked_at is not None and at >= self.revoked_at:
            return "revoked_key"
        if at < self.valid_from or (self.valid_until is not None and at > self.valid_until):
            return "expired_key"
        return None


_Entries: TypeAlias = Mapping[str, tuple[ParticipantKey, ...]]


class ParticipantBook:
    """The coordinator's list of participants, in a JSON file.

    Every question reads the file, so that a revocation counts at once for a coordinator that is
    running. Changes are made one at a time, written aside and renamed into place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def names(self) -> tuple[str, ...]:
        """The participants, sorted; none if there is no file yet."""
        return tuple(sorted(self._read()))

    def keys(self, name: str) -> tuple[ParticipantKey, ...]:
        """A participant's keys, as they were added; none for a stranger.

        Raises:
            BadKey: The file is damaged.
        """
        return self._read().get(name, ())

    def key_at(self, name: str, key_id: str, *, at: datetime) -> PublicKey:
        """The participant's key of that id, if its signatures count at that time.

        Raises:
            BadKey: It is not the participant's, or does not count then.
        """
        for key in self.keys(name):
            if key.public.key_id == key_id:
                if flaw := key.flaw(at):
                    raise BadKey(f"key {key_id[:12]} of {name} does not count: {flaw}")
                return key.public
        raise BadKey(f"key {key_id[:12]} is not {name}'s")

    def register(
        self,
        name: str,
        key: PublicKey,
        *,
        valid_from: datetime,
        valid_until: datetime | None = None,
    ) -> None:
        """Add a participant with a first key.

        Raises:
            BadKey: The key is somebody's already.
            IdentityError: The participant is known (`rotate` gives it another key), or the name or
                the span of time is none.
        """
        if not is_name(name):
            raise IdentityError(
                f"{name!a} is no name: letters, digits, '.', '_' and '-', 64 at most"
            )
        if valid_until is not None and valid_until < valid_from:
            raise IdentityError("the key would end before it begins")
        added = ParticipantKey(public=key, valid_from=valid_from, valid_until=valid_until)

        def change(entries: _Entries) -> _Entries:
            if name in entries:
                raise IdentityError(f"{name} takes part already; another key is a rotation")
            _require_new(entries, key)
            return {**entries, name: (added,)}

        self._change(change)

    def rotate(
        self, name: str, key: PublicKey, *, at: datetime, overlap: timedelta = _NO_OVERLAP
    ) -> None:
        """Give a participant another key; those before it count until `at` plus `overlap`.

        Raises:
            BadKey: The key is somebody's already.
            IdentityError: There is no such participant.
        """

        def change(entries: _Entries) -> _Entries:
            _require_known(entries, name)
            _require_new(entries, key)
            ended = tuple(_ended(known, at + overlap) for known in entries[name])
            return {**entries, name: (*ended, ParticipantKey(public=key, valid_from=at))}

        self._change(change)

    def revoke(self, name: str, key_id: str, *, at: datetime) -> ParticipantKey:
        """Let a key's signatures count no more from that time; there is no way back.

        A key that is revoked again keeps the earlier time. `key_id` is at least its first 8 digits.

        Raises:
            IdentityError: There is no such participant, or no one key is meant.
        """

        def change(entries: _Entries) -> _Entries:
            index = _meant(entries, name, key_id)
            keys = list(entries[name])
            before = keys[index].revoked_at
            keys[index] = replace(keys[index], revoked_at=min(before, at) if before else at)
            return {**entries, name: tuple(keys)}

        changed = self._change(change)
        return changed[name][_meant(changed, name, key_id)]

    def _change(self, change: Callable[[_Entries], _Entries]) -> _Entries:
        folder = self._path.absolute().parent
        with disk_errors(self._path):
            make_folder(folder)
            with _alone_in(folder):
                entries = change(self._read())
                with incoming_file(folder) as (incoming, stream):
                    stream.write(_text(entries))
                    seal_file(stream)
                    incoming.replace(self._path)
                sync_folder(folder)
        return entries

    def _read(self) -> _Entries:
        with disk_errors(self._path):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return {}
        try:
            return _entries(data)
        except (AdmissionRefused, BadKey, ValueError) as error:
            raise BadKey(f"{self._path} is no participants' book: {error}") from error


def _require_known(entries: _Entries, name: str) -> None:
    if name not in entries:
        known = ", ".join(sorted(entries)) or "nobody"
        raise IdentityError(f"there is no participant {name!a}; known: {known}")


def _require_new(entries: _Entries, key: PublicKey) -> None:
    for owner, keys in entries.items():
        if any(known.public == key for known in keys):
            raise BadKey(f"key {key.key_id[:12]} is {owner}'s already")


def _meant(entries: _Entries, name: str, key_id: str) -> int:
    _require_known(entries, name)
    found = [i for i, key in enumerate(entries[name]) if key.public.key_id.startswith(key_id)]
    if len(found) != 1 or len(key_id) < _LEAST_DIGITS:
        own = ", ".join(key.public.key_id[:12] for key in entries[name])
        raise IdentityError(f"no one key of {name} is meant by {key_id!a}; its keys: {own}")
    return found[0]


def _ended(key: ParticipantKey, end: datetime) -> ParticipantKey:
    is_longer = key.valid_until is None or key.valid_until > end
    return replace(key, valid_until=end) if is_longer else key


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time change a folder's book; the system ends it with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _text(entries: _Entries) -> bytes:
    participants = {name: [_written(key) for key in entries[name]] for name in sorted(entries)}
    return (
        json.dumps({"version": _VERSION, "participants": participants}, indent=2).encode() + b"\n"
    )


def _written(key: ParticipantKey) -> dict[str, Json]:
    until, revoked = key.valid_until, key.revoked_at
    return {
        "public_key": key.public.pem,
        "valid_from": timestamps.to_text(key.valid_from),
        "valid_until": timestamps.to_text(until) if until else None,
        "revoked_at": timestamps.to_text(revoked) if revoked else None,
    }


def _entries(data: bytes) -> _Entries:
    match parse_object(data, what="book"):
        case {"version": 1, "participants": dict(participants), **rest} if not rest:
            return {name: tuple(map(_key, _list(keys))) for name, keys in participants.items()}
        case _:
            raise ValueError("it is of another version or form")


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError("a participant's keys are no list")
    return value


def _key(value: Json) -> ParticipantKey:
    match value:
        case {
            "public_key": str(pem),
            "valid_from": str(since),
            "valid_until": None | str() as until,
            "revoked_at": None | str() as revoked,
            **rest,
        } if not rest:
            return ParticipantKey(
                public=PublicKey(pem),
                valid_from=timestamps.from_text(since),
                valid_until=None if until is None else timestamps.from_text(until),
                revoked_at=None if revoked is None else timestamps.from_text(revoked),
            )
        case _:
            raise ValueError("a key has another form")
