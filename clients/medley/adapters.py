"""`client.adapters`: the registry's operations, over HTTP."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from medley_registry import (
    DEFAULT_ALIAS,
    Alias,
    AliasMove,
    AliasPolicy,
    Approval,
    Decision,
    Digest,
    Evidence,
    EvidenceKind,
    Item,
    Lineage,
    Protection,
    Signature,
    Tombstone,
    Traffic,
    Variant,
    VariantKind,
    Version,
    VersionState,
)
from medley_registry.canonical import Json

from medley import adapter_calls as calls
from medley.calls import Sender
from medley.transfer import publication, receiving
from medley.wire import ListedAdapter, Revoked, SteeredAlias

_PAGE = 100


class Adapters:
    """What exists, and what the names in use mean; got from a `Client`.

    Every method raises a `MedleyError`. Those that move an alias and are told which generation
    to expect are tried again when their answer was lost; if the first try had arrived after all,
    the second finds a later generation and raises StaleGeneration: read the alias then.
    """

    def __init__(self, client: Sender) -> None:
        self._client = client

    def list(self) -> tuple[ListedAdapter, ...]:
        """Every adapter, by name."""
        return self._client.send(calls.list_adapters())

    def get(self, name: str) -> ListedAdapter:
        return self._client.send(calls.get_adapter(name))

    def versions(self, name: str) -> Iterator[Version]:
        """Every version, newest first; asked for page by page as they are needed."""
        before: int | None = None
        while True:
            page = self._client.send(calls.list_versions(name, before=before, limit=_PAGE))
            yield from page.versions
            if (before := page.before) is None:
                return

    def version(self, reference: str) -> Version:
        """The version that a reference means now: `name`, `name@alias`, `name:7`, by digest."""
        return self._client.send(calls.get_version(reference))

    def publish(
        self,
        folder: str | Path,
        *,
        name: str,
        base: str,
        round: int | None = None,  # noqa: A002 the domain's word
        note: str = "",
        lineage: Lineage | None = None,
        state: VersionState = VersionState.ADMITTED,
        key: str | Path | None = None,
    ) -> Version:
        """Send the adapter in a folder; it becomes the next version of `name`.

        Content that is a version of this adapter already gives that version.

        Args:
            folder: holds `adapter_config.json`, `adapter_model.safetensors`, perhaps a README
                and `golden.json`.
            name: the adapter.
            base: the base model it was trained on, by its name on the server.
            round: the federated round it came from.
            note: one line for people.
            lineage: what it came from.
            state: where it begins.
            key: a private key in PEM; what it signs is sent along, it is not.

        Raises:
            InvalidArgument: the folder holds something else, or there is no such key.
            AdmissionRefused: the files break a rule.
            ContentMismatch: the server has taken in something else.
        """
        call = publication(
            folder,
            name=name,
            base=base,
            round=round,
            note=note,
            lineage=lineage,
            state=state,
            key=key,
        )
        return self._client.send(call)

    def download(self, reference: str, folder: str | Path) -> Version:
        """Write a version's files, each verified, into a folder that is not there or is empty.

        With `name@sha256:<64 hex>` nothing that a server says needs to be believed.

        Raises:
            ContentMismatch: what came in is not what it should be; the folder is as it was.
        """
        version = self.version(reference)
        with receiving(version, Path(folder), reference=reference) as sinks:
            for path, sink in sinks:
                with self._client.stream(path) as pieces, sink:
                    for piece in pieces:
                        sink.take(piece)
        return version

    def set_state(
        self, name: str, number: int, state: VersionState, *, reason: str = ""
    ) -> Version:
        """Validate, admit, deprecate or quarantine a version."""
        return self._client.send(calls.change_state(name, number, state, reason=reason))

    def revoke(self, name: str, number: int, *, reason: str) -> Revoked:
        """Take a version's content back for ever; aliases step back from it."""
        return self._client.send(calls.revoke(name, number, reason=reason))

    def delete(self, name: str, number: int, *, reason: str) -> Tombstone:
        """Give up a version's bytes; no alias may point at it."""
        return self._client.send(calls.delete(name, number, reason=reason))

    def variants(self, name: str, number: int) -> tuple[Variant, ...]:
        return self._client.send(calls.list_variants(name, number))

    def signatures(self, name: str, number: int) -> tuple[Signature, ...]:
        return self._client.send(calls.list_signatures(name, number))

    def evidence(self, name: str, number: int) -> tuple[Evidence, ...]:
        """Everything measured of a version's variants, oldest first."""
        return self._client.send(calls.list_evidence(name, number))

    def add_evidence(
        self,
        name: str,
        number: int,
        *,
        kind: EvidenceKind,
        suite: str,
        suite_digest: Digest,
        environment: Mapping[str, Json],
        metrics: Mapping[str, float],
        variant: VariantKind = VariantKind.BF16,
        items: Iterable[Item] = (),
    ) -> Evidence:
        """Append a result about one variant, perhaps with the items that it adds up from."""
        call = calls.add_evidence(
            name,
            number,
            variant=variant,
            kind=kind,
            suite=suite,
            suite_digest=suite_digest,
            environment=environment,
            metrics=metrics,
            items=items,
        )
        return self._client.send(call)

    def aliases(self, name: str) -> tuple[Alias, ...]:
        return self._client.send(calls.list_aliases(name))

    def promote(
        self,
        name: str,
        number: int,
        *,
        alias: str = DEFAULT_ALIAS,
        expected_generation: int | None = None,
    ) -> Alias:
        """Point an alias at a version.

        Args:
            name: the adapter.
            number: the version.
            alias: made by its first promotion.
            expected_generation: move only if the alias still has it; 0: if it does not exist.

        Raises:
            StaleGeneration: somebody else has moved the alias.
            AliasProtected: it demands what the version lacks.
        """
        call = calls.promote(name, number, alias=alias, expected_generation=expected_generation)
        return self._client.send(call)

    def rollback(
        self, name: str, *, alias: str = DEFAULT_ALIAS, expected_generation: int | None = None
    ) -> Alias:
        """Point an alias at the version it had before; repeated, further back."""
        return self._client.send(
            calls.roll_back(name, alias=alias, expected_generation=expected_generation)
        )

    def history(
        self, name: str, *, alias: str = DEFAULT_ALIAS, at: datetime | None = None
    ) -> tuple[AliasMove, ...]:
        """The moves of an alias, oldest first; with `at`, the one that told where it was then."""
        return self._client.send(calls.history(name, alias=alias, at=at))

    def policy(self, name: str, *, alias: str = DEFAULT_ALIAS) -> AliasPolicy:
        """What an alias demands."""
        return self._client.send(calls.get_policy(name, alias=alias))

    def protect(self, name: str, policy: AliasPolicy, *, alias: str = DEFAULT_ALIAS) -> Protection:
        """Let a policy be in force for an alias; an empty one demands nothing."""
        return self._client.send(calls.set_policy(name, policy, alias=alias))

    def traffic(self, name: str, *, alias: str = DEFAULT_ALIAS) -> SteeredAlias:
        """What becomes of requests that name an alias."""
        return self._client.send(calls.get_traffic(name, alias=alias))

    def set_traffic(
        self,
        name: str,
        traffic: Traffic,
        *,
        alias: str = DEFAULT_ALIAS,
        expected_revision: int | None = None,
    ) -> SteeredAlias:
        """Let a rule be in force for an alias: the whole rule, an empty one for none.

        Raises:
            StaleRevision: somebody else, or a server that took a canary off, has set another.
            AliasProtected: the alias demands what the canary lacks.
        """
        call = calls.set_traffic(name, traffic, alias=alias, expected_revision=expected_revision)
        return self._client.send(call)

    def decisions(self, name: str, *, alias: str = DEFAULT_ALIAS) -> tuple[Decision, ...]:
        """What was decided each time somebody asked to move the alias, and why; oldest first."""
        return self._client.send(calls.list_decisions(name, alias=alias))

    def approvals(self, name: str, *, alias: str = DEFAULT_ALIAS) -> tuple[Approval, ...]:
        """Every approval ever given; it counts while alias and policy stay as they were then."""
        return self._client.send(calls.list_approvals(name, alias=alias))

    def approve(self, name: str, number: int, *, alias: str = DEFAULT_ALIAS) -> Approval:
        """Consent to moving an alias to a version, as it stands now."""
        return self._client.send(calls.approve(name, number, alias=alias))
