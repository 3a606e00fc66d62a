"""The registry's use cases.

Every change follows one order: bytes first, durable; then the row and its event, in one
transaction. A crash in between leaves bytes that nothing names, never a name without bytes.
"""

import logging
from pathlib import Path
from types import TracebackType
from typing import Self

from medley_registry import journal, lookup, rules
from medley_registry.adapters import (
    Adapter,
    Alias,
    AliasMove,
    MoveReason,
    Version,
    rollback_target,
)
from medley_registry.base_folder import Progress, read_base
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.checkout import check_out
from medley_registry.errors import NameTaken, NothingToRollBack
from medley_registry.events import Event
from medley_registry.index import Index
from medley_registry.publishing import add_version, take_in
from medley_registry.references import DEFAULT_ALIAS, Reference, check_alias, check_name

log = logging.getLogger(__name__)


class Registry:
    """What exists, and what the names in use mean; open one with `open_registry`.

    Safe to call from several threads. Methods that look something up raise the `NotFound` of its
    kind; those that change something also write one event, and name the `actor` in it.
    """

    def __init__(self, index: Index, blobs: BlobStore) -> None:
        self._index = index
        self._blobs = blobs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._index.close()

    def add_base(
        self, name: str, path: str | Path, *, actor: str, progress: Progress | None = None
    ) -> BaseModel:
        """Register a base model by the content of its folder; all weights are hashed.

        Adding the same content again under its name is allowed, and records where it lies now.

        Raises:
            AdmissionRefused: the folder holds no base model that adapters could be checked against.
            NameTaken: the name stands for other content, or for an adapter.
        """
        check_name(name)
        folder = Path(path).absolute()
        rules.check_text("the actor", actor)
        rules.check_text("the path", str(folder))
        base = read_base(name, folder, progress=progress)
        with self._index.write() as writer:
            known = writer.base(name)
            if known is None:
                rules.check_base_name(writer, name)
                journal.add_base(writer, base, actor=actor)
            elif known.base_id != base.base_id:
                raise NameTaken(f"{name!r} is base model {known.base_id}, not {base.base_id}")
            elif known.path != base.path:
                journal.move_base(writer, base, actor=actor)
            return lookup.find_base(writer, name)

    def base(self, name: str) -> BaseModel:
        with self._index.read() as reader:
            return lookup.find_base(reader, name)

    def bases(self) -> list[BaseModel]:
        with self._index.read() as reader:
            return reader.bases()

    def publish(
        self,
        folder: str | Path,
        *,
        name: str,
        base: str,
        actor: str,
        round: int | None = None,  # noqa: A002 the domain's word
        note: str = "",
    ) -> Version:
        """Add the adapter in a folder as the next version of `name`; no alias moves.

        Content that is a version of this adapter already gives that version, unchanged.

        Args:
            folder: Holds ``adapter_config.json``, ``adapter_model.safetensors``, perhaps a README.
            name: The adapter; it comes into being with its first version.
            base: The base model it was trained on.
            actor: Who publishes.
            round: The federated round it came from, counted from 1.
            note: One line for people.

        Raises:
            AdmissionRefused: the files break a rule of `medley_registry.admission`.
            BaseMismatch: the adapter's versions are for another base model.
            NameTaken: the name is a base model's, or reserved.
        """
        check_name(name)
        rules.check_text("the actor", actor)
        rules.check_text("the note", note, at_least=0)
        intake = take_in(Path(folder), base=self.base(base), blobs=self._blobs)
        with self._index.write() as writer:
            version = add_version(writer, intake, name=name, actor=actor, round_=round, note=note)
        log.info("%s is %s", version.reference, version.digest)
        return version

    def resolve(self, reference: Reference | str) -> Version:
        """The one version that a reference means now (see `medley_registry.references`).

        Raises:
            InvalidReference: it is not a reference, or its digest fits several versions.
            NotFound: the adapter, alias or version does not exist.
        """
        wanted = Reference.parse(reference) if isinstance(reference, str) else reference
        with self._index.read() as reader:
            return lookup.resolve(reader, wanted)

    def adapters(self) -> list[Adapter]:
        with self._index.read() as reader:
            return reader.adapters()

    def adapter(self, name: str) -> Adapter:
        with self._index.read() as reader:
            return lookup.find_adapter(reader, name)

    def versions(self, name: str) -> list[Version]:
        """All versions of an adapter, oldest first."""
        with self._index.read() as reader:
            lookup.find_adapter(reader, name)
            return reader.versions(name)

    def aliases(self, name: str | None = None) -> list[Alias]:
        """The aliases of one adapter, or of all."""
        with self._index.read() as reader:
            if name is not None:
                lookup.find_adapter(reader, name)
            return reader.aliases(name)

    def promote(
        self,
        name: str,
        number: int,
        *,
        alias: str = DEFAULT_ALIAS,
        actor: str,
        expected_generation: int | None = None,
    ) -> Alias:
        """Point an alias at a version; where it points there already, nothing moves.

        Args:
            name: The adapter.
            number: The version to point at.
            alias: Made by its first promotion.
            actor: Who promotes.
            expected_generation: Move only if the alias still has this generation, 0 meaning that
                it does not exist yet; None moves it whatever it is.

        Raises:
            StaleGeneration: somebody else has moved the alias.
        """
        check_alias(alias)
        rules.check_text("the actor", actor)
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            current = writer.alias(name, alias)
            rules.check_generation(current, expected=expected_generation)
            if current is not None and current.number == number:
                return current
            return journal.move_alias(
                writer, alias, version, current=current, actor=actor, reason=MoveReason.PROMOTE
            )

    def rollback(
        self,
        name: str,
        *,
        alias: str = DEFAULT_ALIAS,
        actor: str,
        expected_generation: int | None = None,
    ) -> Alias:
        """Point an alias at the version it had before; repeated, further back (`rollback_target`).

        Raises:
            NothingToRollBack: the alias is at the first version it ever pointed at.
            StaleGeneration: somebody else has moved the alias (see `promote`).
        """
        check_alias(alias)
        rules.check_text("the actor", actor)
        with self._index.write() as writer:
            current = lookup.find_alias(writer, name, alias)
            rules.check_generation(current, expected=expected_generation)
            number = rollback_target(writer.moves(name, alias))
            if number is None:
                raise NothingToRollBack(
                    f"'{current.reference}' has no target before version {current.number}"
                )
            version = lookup.find_version(writer, name, number)
            return journal.move_alias(
                writer, alias, version, current=current, actor=actor, reason=MoveReason.ROLLBACK
            )

    def history(self, name: str, *, alias: str | None = None) -> list[AliasMove]:
        """The moves of one alias, or of all aliases of the adapter, oldest first."""
        with self._index.read() as reader:
            lookup.find_adapter(reader, name)
            if alias is not None:
                lookup.find_alias(reader, name, alias)
            return reader.moves(name, alias)

    def head(self) -> int:
        """The newest event's number; cheap enough to ask many times a second."""
        with self._index.read() as reader:
            return reader.head()

    def events(self, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """The events that follow number `after`, oldest first, at most `limit` of them."""
        with self._index.read() as reader:
            return reader.events(after=after, limit=limit)

    def checkout(self, version: Version, folder: str | Path) -> Path:
        """Write a version's files, each verified, to a folder of its own under `folder`.

        Raises:
            Damaged: the store does not hold what was published; nothing is left behind as ready.
        """
        return check_out(version, Path(folder), blobs=self._blobs)
