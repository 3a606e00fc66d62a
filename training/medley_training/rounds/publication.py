"""Publishing a round's aggregate: a version with its lineage, and its evaluation as evidence."""

import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.digest import Digest
from medley_registry.errors import AdmissionRefused, AliasProtected
from medley_registry.evidence import EvidenceKind
from medley_registry.item_scores import Item
from medley_registry.lineage import Contribution, Lineage, Parent, Relation
from medley_registry.registry import Registry
from medley_registry.signing import Signer

log = logging.getLogger(__name__)

ACTOR = "medley train"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """What is published of a round.

    Attributes:
        folder: The adapter's folder.
        parent: The version of the round before, as its reference and digest.
        suite, suite_digest: What was evaluated on, and its content.
        metrics: What evidence is recorded, by name; empty where nothing was evaluated.
        items: What each held-out document contributed, if the sites said so.
    """

    run: str
    recipe: Digest
    strategy: str
    round: int
    folder: Path
    contributions: tuple[Contribution, ...]
    parent: tuple[str, Digest] | None
    suite: str
    suite_digest: Digest
    metrics: Mapping[str, float]
    items: tuple[Item, ...] = ()


class Publisher:
    """Puts rounds into a registry; what is there already stays as it is, so doing it twice is safe.

    Args:
        registry: Where to.
        base: The base model, as registered there.
        adapter: The name that versions get.
        signer: Signs versions, where the registry asks for it.
        alias: To be pointed at each round's version, if the alias's policy lets it.
    """

    def __init__(
        self,
        registry: Registry,
        base: BaseModel,
        adapter: str,
        signer: Signer | None,
        *,
        alias: str | None = None,
    ) -> None:
        self._registry = registry
        self._base = base
        self._adapter = adapter
        self._signer = signer
        self.alias = alias

    def publish(self, result: RoundResult) -> Version:
        """Add the aggregate as a version, with its lineage and its evaluation.

        Raises:
            RegistryError: The registry refuses it.
        """
        version = self._registry.publish(
            result.folder,
            name=self._adapter,
            base=self._base.name,
            actor=ACTOR,
            round=result.round,
            note=f"round {result.round} of {result.run}",
            lineage=_lineage(result),
            signer=self._signer,
        )
        if result.metrics:
            self._record(version, result)
        return version

    def promote(self, version: Version) -> list[str]:
        """Point the alias at a version, unless the version lacks something; gives what it lacks.

        The registry keeps the decision with its numbers (docs/gate.md).

        Raises:
            RegistryError: It cannot be promoted whatever the alias demands.
        """
        if self.alias is None:
            return []
        try:
            self._registry.promote(version.adapter, version.number, alias=self.alias, actor=ACTOR)
        except AliasProtected as refused:
            return [*refused.unmet]
        return []

    def _record(self, version: Version, result: RoundResult) -> None:
        known = self._registry.evidence.of(version.adapter, version.number)
        if any(found.suite_digest == result.suite_digest for found in known):
            return
        add = partial(
            self._registry.evidence.add,
            version.adapter,
            version.number,
            kind=EvidenceKind.EVALUATION,
            suite=result.suite,
            suite_digest=result.suite_digest,
            environment=_environment(),
            metrics=dict(result.metrics),
            actor=ACTOR,
        )
        try:
            add(items=result.items)
        except AdmissionRefused as refused:
            if not result.items:
                raise
            log.warning("round %d: recorded without its documents: %s", result.round, refused)
            add()


def _lineage(result: RoundResult) -> Lineage:
    parents: tuple[Parent, ...] = ()
    if result.parent:
        reference, digest = result.parent
        parents = (Parent(reference, digest, Relation.AGGREGATED_FROM),)
    return Lineage(
        parents=parents,
        contributions=result.contributions,
        run=result.run,
        recipe=result.recipe,
        strategy=result.strategy,
    )


def _environment() -> dict[str, Json]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: installed(name) for name in ("torch", "transformers", "peft")},
    }
