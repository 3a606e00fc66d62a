"""Whose signatures count, and what they vouch for."""

from dataclasses import replace
from datetime import datetime

from medley_registry import journal, lookup, rules, timestamps
from medley_registry.adapters import Version
from medley_registry.errors import KeyNotFound, NameTaken
from medley_registry.events import EventKind
from medley_registry.index import Index
from medley_registry.keys import Signature, TrustedKey
from medley_registry.model_signature import load_public_key, public_pem
from medley_registry.signing import Signer, key_id_of
from medley_registry.trusting import check_signed, sign_version


class Trust:
    """The keys a registry trusts; with the first one it begins to ask for signatures."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def add(
        self, public_key: str, *, name: str, actor: str, valid_until: datetime | None = None
    ) -> TrustedKey:
        """Trust a public key (PEM) from now on; a key that is trusted already stays as it is.

        Raises:
            SignatureRefused: it is no key that can sign versions.
            NameTaken: it was distrusted before, which is final.
        """
        rules.check_text("the actor", actor)
        rules.check_text("the name", name)
        rules.check_time("the end of validity", valid_until)
        public_key = public_pem(load_public_key(public_key))  # nothing around it is kept
        key = TrustedKey(
            key_id=key_id_of(public_key),
            name=name,
            public_key=public_key,
            valid_from=timestamps.now(),
            valid_until=valid_until,
            added_by=actor,
        )
        with self._index.write() as writer:
            known = writer.one(TrustedKey, key_id=key.key_id)
            if known is not None:
                if known.distrusted_at is not None:
                    raise NameTaken(f"the key {key.key_id[:12]} was distrusted; use a new one")
                return known
            writer.add(key)
            journal.record(
                writer,
                EventKind.KEY_TRUSTED,
                subject=key.key_id,
                actor=actor,
                payload={
                    "key_id": key.key_id,
                    "name": name,
                    "valid_until": timestamps.to_text(valid_until) if valid_until else None,
                },
                at=key.valid_from,
                records=[key],
            )
        return key

    def distrust(self, key_id: str, *, actor: str, reason: str) -> TrustedKey:
        """Let none of a key's signatures count any more, old or new.

        Raises:
            KeyNotFound: no such key is trusted.
        """
        rules.check_text("the actor", actor)
        rules.check_text("the reason", reason)
        with self._index.write() as writer:
            known = writer.one(TrustedKey, key_id=key_id)
            if known is None or known.distrusted_at is not None:
                raise KeyNotFound(f"no key {key_id!r} is trusted")
            key = replace(known, distrusted_at=timestamps.now())
            writer.replace(key)
            journal.record(
                writer,
                EventKind.KEY_DISTRUSTED,
                subject=key_id,
                actor=actor,
                payload={"key_id": key_id, "name": key.name, "reason": reason},
                at=key.distrusted_at,
            )
        return key

    def keys(self) -> list[TrustedKey]:
        """Every key that is or was trusted."""
        with self._index.read() as reader:
            return reader.all(TrustedKey)

    def is_on(self) -> bool:
        """Whether this registry asks for signatures."""
        return bool(self.keys())

    def sign(self, name: str, number: int, *, signer: Signer, actor: str) -> Signature:
        """Add a signature to a version; the same key's again changes nothing.

        Raises:
            SignatureRefused: the key is not trusted.
        """
        rules.check_text("the actor", actor)
        with self._index.read() as reader:
            manifest = lookup.find_version(reader, name, number).manifest
        bundle = signer.sign(manifest)  # before the transaction: other writers wait for its end
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            return sign_version(writer, version, key_id=signer.key_id, bundle=bundle, by=actor)

    def signatures(self, name: str, number: int) -> list[Signature]:
        """The signatures on a version."""
        with self._index.read() as reader:
            lookup.find_version(reader, name, number)
            return reader.all(Signature, adapter=name, number=number)

    def verify(self, version: Version) -> TrustedKey | None:
        """The key whose signature vouches for a version; None where none is asked for.

        Raises:
            SignatureRefused: no signature counts.
        """
        with self._index.read() as reader:
            return check_signed(reader, version)
