"""The registry's use cases.

Every change follows one order: bytes first, durable; then the row and its event, in one
transaction. A crash in between leaves bytes that nothing names, never a name without bytes.
"""

import logging
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from medley_registry import journal, lookup, promotion, rules
from medley_registry.adapters import Version, VersionState
from medley_registry.aliases import Alias, MoveReason
from medley_registry.base_folder import Progress, read_base
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.canonical import Json
from medley_registry.checkout import check_out, write_out
from medley_registry.errors import AliasProtected, Conflict, NameTaken
from medley_registry.events import EventKind
from medley_registry.index import Index
from medley_registry.lineage import Lineage
from medley_registry.publishing import Publication, add_version, take_in
from medley_registry.reading import RegistryReader
from medley_registry.references import DEFAULT_ALIAS, check_alias, check_name
from medley_registry.services.access import Access
from medley_registry.services.evidence import EvidenceBook
from medley_registry.services.leasing import Leases
from medley_registry.services.lifecycle import Lifecycle
from medley_registry.services.protection import Protections
from medley_registry.services.traffic import TrafficRules
from medley_registry.services.trust import Trust
from medley_registry.signing import Signer
from medley_registry.trusting import check_signed

log = logging.getLogger(__name__)

_TRIES = 5
"""How often a promotion is weighed when what it depends on changes meanwhile."""


class Registry(RegistryReader):
    """What exists, and what the names in use mean; open one with `open_registry`.

    Safe to call from several threads. Methods that look something up raise the `NotFound` of its
    kind; those that change something also write one event, and name the `actor` in it.

    Attributes:
        lifecycle: admit, quarantine, deprecate, revoke and delete versions.
        protection: what aliases demand, and approvals.
        traffic: canaries and shadows of aliases.
        evidence: variants, evaluations and benchmarks.
        trust: whose signatures count.
        access: who may call over HTTP.
        leases: versions in use, whose bytes must stay.
        index, blobs: the stores, for what works on all of them (`medley_registry.upkeep`).
    """

    def __init__(self, index: Index, blobs: BlobStore) -> None:
        super().__init__(index, blobs)
        self.lifecycle = Lifecycle(index, blobs)
        self.protection = Protections(index)
        self.traffic = TrafficRules(index)
        self.evidence = EvidenceBook(index)
        self.trust = Trust(index)
        self.access = Access(index)
        self.leases = Leases(index)

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
        self.index.close()

    def add_base(
        self,
        name: str,
        path: str | Path,
        *,
        actor: str,
        progress: Progress | None = None,
        derived_from: str | None = None,
        recipe: dict[str, Json] | None = None,
    ) -> BaseModel:
        """Register a base model by the content of its folder; all weights are hashed.

        Adding the same content again under its name is allowed, and records where it lies now.

        Args:
            name: What it is called here.
            path: A Hugging Face model folder.
            actor: Who adds it.
            progress: Called while hashing.
            derived_from: The base it was quantized from, by name.
            recipe: How it was quantized.

        Raises:
            AdmissionRefused: the folder holds no base model that adapters could be checked against.
            NameTaken: the name stands for other content, or for an adapter.
        """
        check_name(name)
        folder = Path(path).absolute()
        rules.check_text("the actor", actor)
        rules.check_text("the path", str(folder))
        origin = self.base(derived_from).base_id if derived_from else None
        base = read_base(name, folder, progress=progress)
        base = replace(base, derived_from=origin, recipe=recipe)
        with self.index.write() as writer:
            rules.check_base_name(writer, name)
            known = writer.one(BaseModel, name=name)
            if known is None:
                writer.add(base)
                journal.record_base(writer, EventKind.BASE_ADDED, base, actor=actor)
            elif known.base_id != base.base_id:
                raise NameTaken(f"{name!r} is base model {known.base_id}, and this is another")
            elif derived_from and (known.derived_from, known.recipe) != (origin, recipe):
                raise NameTaken(f"{name!r} is known with another origin or recipe")
            elif known.path != base.path:
                writer.replace(replace(known, path=base.path))
                journal.record_base(writer, EventKind.BASE_MOVED, base, actor=actor)
            return lookup.find_base(writer, name)

    def publish(
        self,
        folder: str | Path,
        *,
        name: str,
        base: str,
        actor: str,
        round: int | None = None,  # noqa: A002 the domain's word
        note: str = "",
        lineage: Lineage | None = None,
        state: VersionState = VersionState.ADMITTED,
        signer: Signer | None = None,
        progress: Progress | None = None,
    ) -> Version:
        """Add the adapter in a folder as the next version of `name`; no alias moves.

        Content that is a version of this adapter already gives that version, unchanged.

        Args:
            folder: Holds ``adapter_config.json``, ``adapter_model.safetensors``, and maybe a README
                and ``golden.json`` (`medley_registry.golden`).
            name: The adapter; it comes into being with its first version.
            base: The base model it was trained on.
            actor: Who publishes.
            round: The federated round it came from, counted from 1.
            note: One line for people.
            lineage: What it came from; parents must exist.
            state: Where it begins (`medley_registry.adapters.FIRST_STATES`).
            signer: Signs it; needed where the registry trusts keys.
            progress: Called while the files are checked.

        Raises:
            AdmissionRefused: the files break a rule of `medley_registry.admission`.
            BaseMismatch: the adapter's versions are for another base model.
            NameTaken: the name is a base model's, or reserved.
            SignatureRefused: the registry asks for a signature by a key it trusts.
            Withdrawn: this content was revoked, or deleted from this adapter.
        """
        check_name(name)
        rules.check_text("the actor", actor)
        rules.check_text("the note", note, at_least=0)
        rules.check_round(round)
        rules.check_first_state(state)
        publication = Publication(
            name=name,
            actor=actor,
            round=round,
            note=note,
            lineage=lineage or Lineage(),
            state=state,
        )
        model = self.base(base)
        with (
            take_in(
                Path(folder),
                base=model,
                index=self.index,
                blobs=self.blobs,
                signer=signer,
                progress=progress,
            ) as intake,
            self.index.write() as writer,
        ):
            version = add_version(writer, intake, publication)
        log.info("%s is %s", version.reference, version.digest)
        return version

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
            NotServable: the version is not admitted.
            Conflict: what it depends on kept changing while it was weighed.
            AliasProtected: the alias demands what the version lacks; the decision is recorded.
        """
        check_alias(alias)
        rules.check_text("the actor", actor)
        for _ in range(_TRIES):
            with self.index.read() as reader:
                version = lookup.find_version(reader, name, number)
                weighing = promotion.weigh_demands(
                    reader, version, alias=alias, expected=expected_generation
                )
            with self.index.write() as writer:
                outcome = promotion.promote(
                    writer,
                    lookup.find_version(writer, name, number),
                    alias=alias,
                    actor=actor,
                    expected=expected_generation,
                    weighing=weighing,
                )
            if isinstance(outcome, AliasProtected):
                raise outcome
            if outcome is not None:
                return outcome
        raise Conflict(f"what {name}@{alias} depends on changed {_TRIES} times; try again")

    def rollback(
        self,
        name: str,
        *,
        alias: str = DEFAULT_ALIAS,
        actor: str,
        expected_generation: int | None = None,
    ) -> Alias:
        """Point an alias at the version it had before; repeated, further back.

        Versions that may not be served any more are passed over (`rollback_targets`).

        Raises:
            NothingToRollBack: there is no earlier version to go back to.
            StaleGeneration: somebody else has moved the alias (see `promote`).
        """
        check_alias(alias)
        rules.check_text("the actor", actor)
        with self.index.write() as writer:
            current = lookup.find_alias(writer, name, alias)
            rules.check_generation(current, expected=expected_generation)
            return promotion.step_back(writer, current, actor=actor, reason=MoveReason.ROLLBACK)

    def checkout(self, version: Version, folder: str | Path) -> Path:
        """Write a version's files, each verified, to a folder of its own under `folder`.

        Raises:
            NotServable: its state forbids it, now that it is asked for.
            SignatureRefused: this registry trusts keys, and none of them vouches for it.
            Damaged: the store does not hold what was published; nothing is left behind as ready.
        """
        current = self._readable(version, to_serve=True)
        return check_out(current, Path(folder), blobs=self.blobs)

    def pull(self, version: Version, folder: str | Path) -> Path:
        """Write a version's files, each verified, to a new folder.

        Raises:
            NotServable: it is revoked.
            SignatureRefused, Damaged: as for `checkout`.
            NameTaken: the folder is there and not empty.
            Unavailable: it cannot be written.
        """
        current = self._readable(version, to_serve=False)
        return write_out(current, Path(folder), blobs=self.blobs)

    def _readable(self, version: Version, *, to_serve: bool) -> Version:
        """The version as it stands now, which is not what the caller may have kept."""
        with self.index.read() as reader:
            current = lookup.find_version(reader, version.adapter, version.number)
            rules.check_readable(current, to_serve=to_serve)
            check_signed(reader, current)
        return current
