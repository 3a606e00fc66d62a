"""One record of each kind, as an index would be given them: what they name comes before them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from medley_registry import (
    AccessKey,
    Adapter,
    Alias,
    AliasMove,
    AliasPolicy,
    Approval,
    BaseModel,
    Bounds,
    Contribution,
    Decision,
    Digest,
    Event,
    EventKind,
    Evidence,
    EvidenceKind,
    FileEntry,
    Item,
    Lease,
    Lineage,
    Manifest,
    MoveReason,
    Outcome,
    Parent,
    Protection,
    Relation,
    Requirement,
    Revocation,
    Signature,
    Tombstone,
    Traffic,
    TrafficRule,
    TrustedKey,
    Variant,
    VariantKind,
    Version,
    VersionState,
)
from medley_registry.item_scores import ItemScores
from medley_registry.kinds import Record
from medley_registry.leases import Upload

AT = datetime(2026, 11, 21, 8, 46, 53, 120, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
SOME = Digest.of(b"some content")
BASE = BaseModel(
    name="tiny",
    path=Path("/models/tiny"),
    architecture="TinyForCausalLM",
    module_shapes={"model.q_proj": (4, 8)},
    weights_digest=Digest.of(b"weights"),
    config_digest=Digest.of(b"config"),
    tokenizer_digest=Digest.of(b"tokenizer"),
    chat_template_digest=None,
    created_at=AT,
)
QUANTIZED = BaseModel(
    name="tiny-nf4",
    path=Path("/models/tiny-nf4"),
    architecture="TinyForCausalLM",
    module_shapes={},
    weights_digest=Digest.of(b"smaller weights"),
    config_digest=Digest.of(b"config"),
    tokenizer_digest=Digest.of(b"tokenizer"),
    chat_template_digest=Digest.of(b"template"),
    created_at=AT,
    derived_from=BASE.base_id,
    recipe={"bits": 4, "double": True},
)
ADAPTER = Adapter("notes", BASE.name, BASE.base_id, AT)
LINEAGE = Lineage(
    parents=(Parent("notes:1", SOME, Relation.AGGREGATED_FROM),),
    contributions=(Contribution("st-mary", SOME, 0.25, "ab" * 32),),
    run="spring",
    recipe=SOME,
    strategy="fedavg",
)


def version(number: int, *, state: VersionState = VersionState.ADMITTED) -> Version:
    """A version with a content of its own."""
    file = FileEntry("adapter_config.json", number, Digest.of(bytes(number)), "application/json")
    manifest = Manifest((file,))
    return Version(
        adapter=ADAPTER.name,
        number=number,
        digest=manifest.digest,
        base=BASE.name,
        base_id=BASE.base_id,
        rank=8,
        alpha=16.5,
        target_modules=("q_proj", "v_proj"),
        round=number if number > 1 else None,
        state=state,
        note="ärztlich \N{SNOWMAN}",
        published_by="ada",
        created_at=AT,
        manifest=manifest,
        lineage=LINEAGE if number > 1 else Lineage(),
    )


def variant(kind: VariantKind = VariantKind.NF4) -> Variant:
    """A variant of version 1."""
    return Variant(
        adapter="notes",
        number=1,
        kind=kind,
        version_digest=version(1).digest,
        base=QUANTIZED.name,
        base_id=QUANTIZED.base_id,
        recipe={"bits": 4},
        made_by="ada",
        created_at=AT,
    )


def alias(generation: int, *, to: int) -> Alias:
    """Where `production` stands after so many moves."""
    return Alias("notes", "production", to, version(to).digest, generation, AT)


def move(generation: int, *, to: int) -> AliasMove:
    """The move that brought it there."""
    before = None if generation == 1 else to - 1
    return AliasMove("notes", "production", generation, before, to, "ada", MoveReason.PROMOTE, AT)


def event(previous: Event | None) -> Event:
    """The event that follows."""
    return Event.following(
        previous,
        at=AT,
        kind=EventKind.BASE_ADDED,
        subject="tiny",
        actor="ada",
        payload={"list": [1, None, True], "text": "ä"},
    )


_REQUIREMENT = Requirement(
    kind=EvidenceKind.EVALUATION, suite="medqa", metric="accuracy", at_least=0.5
)
_POLICY = AliasPolicy(requirements=(_REQUIREMENT,), signers=("ab" * 32,), approvals=2)

EVERY_KIND: tuple[Record, ...] = (
    BASE,
    QUANTIZED,
    ADAPTER,
    version(1),
    version(2, state=VersionState.QUARANTINED),
    variant(),
    Evidence.of(
        variant(),
        kind=EvidenceKind.BENCHMARK,
        suite="load",
        suite_digest=SOME,
        environment={"cpu": "two cores", "threads": 2},
        metrics={"tokens_per_s": 340.5, "errors": 0},
        actor="ada",
        at=AT,
    ),
    ItemScores("notes", 1, 1, (Item("ä", "patient-1", "north", {"f1": (2.5, 4.0), "no": (0, 0)}),)),
    TrustedKey(
        key_id="ab" * 32,
        name="st-mary",
        public_key="-----BEGIN PUBLIC KEY-----\n…\n",
        valid_from=AT,
        valid_until=LATER,
        added_by="ada",
    ),
    Signature(adapter="notes", number=1, key_id="ab" * 32, bundle="{}", by="ada", at=AT),
    alias(1, to=1),
    move(1, to=1),
    Protection("notes", "production", 1, _POLICY, "eve", AT),
    Approval("notes", "production", 1, 1, "eve", version(1).digest, AT),
    Decision(
        adapter="notes",
        alias="production",
        generation=1,
        ordinal=1,
        number=1,
        digest=version(1).digest,
        revision=1,
        outcome=Outcome.REFUSED,
        report={"baseline": None, "draws": 10_000, "comparisons": [{"p_value": 0.25}]},
        actor="ada",
        at=AT,
    ),
    TrafficRule(
        adapter="notes",
        alias="production",
        revision=1,
        generation=1,
        traffic=Traffic(canary=2, weight=2.5, bounds=Bounds(max_error_rate=0.02)),
        halted="",
        actor="ada",
        at=AT,
    ),
    AccessKey(
        key_id="0123456789abcdef",
        name="ci",
        secret_hash="cd" * 32,
        scopes=("infer", "promote:canary"),
        created_by="ada",
        created_at=AT,
        expires_at=None,
    ),
    Revocation(SOME, "poisoned", "eve", AT),
    Tombstone("notes", 2, version(2).digest, "a mistake", "eve", AT),
    Lease("replica-1", SOME, LATER),
    Upload("0" * 32, SOME, LATER),
)
