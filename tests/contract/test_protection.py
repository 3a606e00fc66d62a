"""Aliases that demand evidence, signatures and consent."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import (
    AdmissionRefused,
    AliasPolicy,
    AliasProtected,
    EventKind,
    EvidenceKind,
    NotServable,
    Registry,
    Requirement,
    VariantKind,
    make_key,
)
from medley_registry.digest import Digest
from medley_registry.signing import public_key_of

from tests.builders import TINY

Folders = Callable[[int], Path]
SUITE = Digest.of(b"medqa")
AT_LEAST_HALF = Requirement(
    kind=EvidenceKind.EVALUATION, suite="medqa", metric="accuracy", at_least=0.5
)


@pytest.fixture
def two(registry: Registry, adapter_folder: Folders) -> Registry:
    """`notes` in two versions, the first in production."""
    for content in (1, 2):
        registry.publish(adapter_folder(content), name="notes", base=TINY, actor="ada")
    registry.promote("notes", 1, actor="ada")
    return registry


def demand(registry: Registry, **policy: object) -> None:
    registry.protection.set("notes", "production", AliasPolicy(**policy), actor="eve")  # type: ignore[arg-type]


def measure(registry: Registry, number: int, accuracy: float) -> None:
    registry.evidence.add(
        "notes",
        number,
        kind=EvidenceKind.EVALUATION,
        suite="medqa",
        suite_digest=SUITE,
        environment={"device": "cpu"},
        metrics={"accuracy": accuracy},
        actor="bench",
    )


def test_an_alias_without_a_policy_demands_nothing(two: Registry) -> None:
    assert two.protection.of("notes", "production") == AliasPolicy()
    assert two.protection.unmet("notes", 2, alias="production") == []


def test_a_version_without_the_demanded_evidence_is_not_promoted(two: Registry) -> None:
    demand(two, requirements=(AT_LEAST_HALF,))

    with pytest.raises(AliasProtected, match="medqa: accuracy") as refused:
        two.promote("notes", 2, actor="ada")
    assert refused.value.unmet == ("evaluation medqa: accuracy >= 0.5 (bf16)",)
    assert two.resolve("notes").number == 1

    measure(two, 2, 0.6)
    assert two.promote("notes", 2, actor="ada").number == 2


def test_the_newest_evidence_counts(two: Registry) -> None:
    demand(two, requirements=(AT_LEAST_HALF,))
    measure(two, 2, 0.6)
    measure(two, 2, 0.4)

    with pytest.raises(AliasProtected):
        two.promote("notes", 2, actor="ada")


def test_evidence_about_another_version_does_not_count(two: Registry) -> None:
    demand(two, requirements=(AT_LEAST_HALF,))
    measure(two, 1, 0.9)

    with pytest.raises(AliasProtected):
        two.promote("notes", 2, actor="ada")


def test_evidence_about_another_variant_does_not_count(two: Registry) -> None:
    nf4 = Requirement(
        kind=EvidenceKind.EVALUATION,
        suite="medqa",
        metric="accuracy",
        at_least=0.5,
        variant=VariantKind.NF4,
    )
    demand(two, requirements=(nf4,))
    measure(two, 2, 0.9)

    assert two.protection.unmet("notes", 2, alias="production") == [
        "evaluation medqa: accuracy >= 0.5 (nf4)"
    ]


def test_one_approval_means_two_people(two: Registry) -> None:
    demand(two, approvals=1)
    two.protection.approve("notes", 2, alias="production", actor="ada")

    with pytest.raises(AliasProtected, match="1 more approval by others"):
        two.promote("notes", 2, actor="ada")

    assert two.promote("notes", 2, actor="bob").number == 2


def test_two_approvals_come_from_two_people(two: Registry) -> None:
    demand(two, approvals=2)
    for _ in range(2):
        two.protection.approve("notes", 2, alias="production", actor="bob")
    with pytest.raises(AliasProtected, match="1 more approval"):
        two.promote("notes", 2, actor="ada")

    two.protection.approve("notes", 2, alias="production", actor="cas")
    assert two.promote("notes", 2, actor="ada").number == 2


def test_an_approval_does_not_outlive_a_move_of_the_alias(two: Registry) -> None:
    demand(two, approvals=1)
    two.protection.approve("notes", 2, alias="production", actor="bob")
    two.promote("notes", 2, actor="ada")
    two.rollback("notes", actor="ada")

    with pytest.raises(AliasProtected):
        two.promote("notes", 2, actor="ada")


def test_an_approval_is_for_one_alias(two: Registry) -> None:
    demand(two, approvals=1)
    two.protection.approve("notes", 2, alias="canary", actor="bob")

    with pytest.raises(AliasProtected):
        two.promote("notes", 2, actor="ada")


def test_going_back_needs_no_one(two: Registry) -> None:
    two.promote("notes", 2, actor="ada")
    demand(two, requirements=(AT_LEAST_HALF,), approvals=2)

    assert two.rollback("notes", actor="ada").number == 1


def test_a_demanded_signer_must_have_signed(
    two: Registry, adapter_folder: Folders, tmp_path: Path
) -> None:
    signers = {}
    for name in ("hospital", "vendor"):
        signers[name] = make_key(tmp_path / f"{name}.pem")
        two.trust.add(public_key_of(tmp_path / f"{name}.pem"), name=name, actor="eve")
    demand(two, signers=(signers["hospital"].key_id,))
    version = two.publish(
        adapter_folder(3), name="notes", base=TINY, actor="ada", signer=signers["vendor"]
    )

    with pytest.raises(AliasProtected, match="a signature by"):
        two.promote("notes", version.number, actor="ada")

    two.trust.sign("notes", version.number, signer=signers["hospital"], actor="eve")
    assert two.promote("notes", version.number, actor="ada").number == version.number


@pytest.mark.parametrize(
    "policy",
    [
        AliasPolicy(approvals=-1),
        AliasPolicy(signers=("ab" * 32,)),
        AliasPolicy(
            requirements=(Requirement(kind=EvidenceKind.BENCHMARK, suite="s", metric="m"),)
        ),
    ],
)
def test_a_policy_that_says_nothing_or_could_never_be_met_is_refused(
    two: Registry, policy: AliasPolicy
) -> None:
    with pytest.raises(AdmissionRefused, match="policy"):
        two.protection.set("notes", "production", policy, actor="eve")


def test_policies_are_kept_and_the_newest_is_in_force(two: Registry) -> None:
    demand(two, approvals=2)
    demand(two)

    assert two.promote("notes", 2, actor="ada").number == 2
    assert [p.policy.approvals for p in two.protection.history("notes", "production")] == [2, 0]
    kinds = [event.kind for event in two.events()]
    assert kinds.count(EventKind.ALIAS_PROTECTED) == 2


def test_what_cannot_be_promoted_cannot_be_approved(two: Registry) -> None:
    two.lifecycle.quarantine("notes", 2, actor="eve", reason="odd")

    with pytest.raises(NotServable):
        two.protection.approve("notes", 2, alias="production", actor="bob")


def test_evidence_of_a_suite_with_other_content_does_not_count(two: Registry) -> None:
    pinned = replace(AT_LEAST_HALF, suite_digest=Digest.of(b"the real suite"))
    demand(two, requirements=(pinned,))
    measure(two, 2, 0.9)

    with pytest.raises(AliasProtected):
        two.promote("notes", 2, actor="ada")

    demand(two, requirements=(replace(pinned, suite_digest=SUITE),))
    assert two.promote("notes", 2, actor="ada").number == 2


def test_an_approval_does_not_outlive_a_change_of_the_policy(two: Registry) -> None:
    demand(two, approvals=1)
    two.protection.approve("notes", 2, alias="production", actor="bob")
    demand(two, approvals=1)

    with pytest.raises(AliasProtected):
        two.promote("notes", 2, actor="ada")


def test_names_do_not_differ_by_what_nobody_sees(two: Registry) -> None:
    with pytest.raises(AdmissionRefused, match="actor"):
        two.protection.approve("notes", 2, alias="production", actor="bob ")


def test_a_policy_cannot_demand_what_excludes_itself(two: Registry) -> None:
    with pytest.raises(AdmissionRefused, match="policy"):
        demand(two, requirements=(replace(AT_LEAST_HALF, at_most=0.4),))
