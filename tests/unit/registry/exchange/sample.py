"""One version's record with everything in it, some of it hostile, and the files made from it.

``python -m tests.unit.registry.exchange.sample`` writes the golden files anew.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from medley_registry import (
    Contribution,
    Digest,
    Evidence,
    EvidenceKind,
    FileEntry,
    Lineage,
    Manifest,
    Parent,
    Relation,
    Variant,
    VariantKind,
    Version,
    VersionState,
)
from medley_registry.exchange.bom import bill_of_materials
from medley_registry.exchange.card import model_card
from medley_registry.exchange.record import BaseIdentity, CarriedSignature, VersionRecord

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 21, 8, 46, 53, 120, tzinfo=UTC)
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
CLAIMED_BASE = "example/Tiny-1B"
README = (
    "---\nlicense: apache-2.0\ntags: [theirs]\n---\n# Notes\n\nFor `notes`. <script>x</script>\n"
)
NOTE = "first | `light` <b>bold</b> [a link](https://example.org) --- # not a heading"


def _digest(text: str) -> Digest:
    return Digest.of(text.encode())


def _manifest() -> Manifest:
    contents = {
        "README.md": (README.encode(), "text/markdown"),
        "adapter_config.json": (b"{}", "application/json"),
        "adapter_model.safetensors": (b"weights", "application/vnd.safetensors"),
    }
    return Manifest(
        tuple(
            FileEntry(name, len(content), Digest.of(content), media_type)
            for name, (content, media_type) in contents.items()
        )
    )


def _lineage() -> Lineage:
    return Lineage(
        parents=(Parent("notes:6", _digest("notes:6"), Relation.AGGREGATED_FROM),),
        contributions=(
            Contribution("hospital-a", _digest("a"), 0.75, _digest("key a").hex),
            Contribution("hospital-b", _digest("b"), 0.25),
        ),
        run="run-3",
        recipe=_digest("recipe"),
        strategy="fedavg",
    )


def _version(base: BaseIdentity) -> Version:
    manifest = _manifest()
    return Version(
        adapter="notes",
        number=7,
        digest=manifest.digest,
        base=base.name,
        base_id=base.base_id,
        rank=8,
        alpha=16,
        target_modules=("q_proj", "v_proj"),
        round=3,
        state=VersionState.ADMITTED,
        note=NOTE,
        published_by="ada",
        created_at=AT,
        manifest=manifest,
        lineage=_lineage(),
    )


def _variant(version: Version, kind: VariantKind) -> Variant:
    is_own = kind is VariantKind.BF16
    return Variant(
        adapter=version.adapter,
        number=version.number,
        kind=kind,
        version_digest=version.digest,
        base=version.base if is_own else f"{version.base}-{kind}",
        base_id=version.base_id if is_own else _digest(kind),
        recipe={} if is_own else {"method": kind.value, "bits": 4},
        made_by="ada",
        created_at=AT,
    )


def make_record() -> VersionRecord:
    base = BaseIdentity(
        name="tiny",
        architecture="TinyForCausalLM",
        base_id=_digest("base"),
        weights_digest=_digest("weights"),
        config_digest=_digest("config"),
        tokenizer_digest=_digest("tokenizer"),
        chat_template_digest=None,
    )
    version = _version(base)
    own, small = (_variant(version, kind) for kind in (VariantKind.BF16, VariantKind.NF4))
    evaluation = Evidence.of(
        own,
        kind=EvidenceKind.EVALUATION,
        suite="held | out",
        suite_digest=_digest("suite"),
        environment={"gpu": "none"},
        metrics={"f1": 0.875, "loss": 1e-07},
        actor="ada",
        at=AT + timedelta(hours=1),
    )
    benchmark = Evidence.of(
        small,
        kind=EvidenceKind.BENCHMARK,
        suite="decode",
        suite_digest=_digest("decode"),
        environment={"gpu": {"name": "some", "count": 1}},
        metrics={"tokens_per_s": 412.0},
        actor="grace",
        at=AT + timedelta(hours=2),
    )
    return VersionRecord(
        version=version,
        base=base,
        variants=(own, small),
        evidence=(evaluation, benchmark),
        signatures=(CarriedSignature(public_key=PUBLIC_KEY, bundle="{}", by="ada", at=AT),),
    )


def golden_files() -> dict[str, bytes]:
    """Every file that is made from the record alone, by its name in the golden folder."""
    record = make_record()
    card = model_card(record, claimed_base=CLAIMED_BASE, readme=README)
    return {
        "card.md": card.encode(),
        "version.json": record.to_json(),
        "bom.cdx.json": bill_of_materials(record, readme=README),
    }


if __name__ == "__main__":
    for name, content in golden_files().items():
        (GOLDEN / name).write_bytes(content)
