"""`medley adapter promote`, `rollback`, `protect` and `approve`."""

import json
from pathlib import Path

import pytest
import typer
from medley_registry import Digest, EvidenceKind, Requirement, VariantKind
from medley_registry.commands.protection import requirement

from tests.builders import TINY, make_adapter, make_base
from tests.unit.registry.commands.shell import medley

SUITE = Digest.of(b"suite")
BOUND = "evaluation:held-out:f1>=0.8"


def add_evidence(home: Path, version: str, f1: float) -> None:
    (home / "machine.json").write_text('{"cpu": "two cores"}')
    done = medley(
        "adapter", "evidence", "add", version, "--kind", "evaluation", "--suite", "held-out",
        "--suite-digest", SUITE, "--metric", f"f1={f1}",
        "--environment", home / "machine.json",
    )  # fmt: skip
    assert done.exit_code == 0


def test_an_alias_moves_by_compare_and_set(home: Path) -> None:
    moved = medley("adapter", "promote", "notes:2", "--expect-generation", "1")
    stale = medley("adapter", "promote", "notes:1", "--expect-generation", "1")

    assert moved.stdout == "notes@production is notes:2, generation 2\n"
    assert stale.exit_code == 1
    assert stale.stderr == "error: the alias has generation 2, not the expected 1\n"


def test_a_rollback_goes_back_once_and_then_says_that_it_cannot(home: Path) -> None:
    medley("adapter", "promote", "notes:2")

    assert medley("adapter", "rollback", "notes").stdout.startswith("notes@production is notes:1")
    assert medley("adapter", "rollback", "notes").exit_code == 1


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            BOUND,
            Requirement(kind=EvidenceKind.EVALUATION, suite="held-out", metric="f1", at_least=0.8),
        ),
        (
            "benchmark:ward:3:ttft_p95_ms<=4e2@nf4",
            Requirement(
                kind=EvidenceKind.BENCHMARK,
                suite="ward:3",
                metric="ttft_p95_ms",
                at_most=400,
                variant=VariantKind.NF4,
            ),
        ),
        (
            f"evaluation:held-out@{SUITE}:f1>=0.8",
            Requirement(
                kind=EvidenceKind.EVALUATION,
                suite="held-out",
                metric="f1",
                at_least=0.8,
                suite_digest=SUITE,
            ),
        ),
    ],
)
def test_a_bound_is_read(text: str, meaning: Requirement) -> None:
    assert requirement(text) == meaning


@pytest.mark.parametrize(
    "text",
    ["", "f1>=0.8", "opinion:s:f1>=0.8", "evaluation:s:f1=0.8", "evaluation:s:f1>=x",
     "evaluation:s:f1>=0.8@fp4", "evaluation::f1>=1", "evaluation:s:>=1"],
)  # fmt: skip
def test_what_is_no_bound_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        requirement(text)


def test_a_protected_alias_says_what_a_version_lacks(home: Path) -> None:
    medley("adapter", "protect", "notes", "--require", BOUND, "--approvals", "1")
    add_evidence(home, "notes:2", 0.7)

    shown = medley("adapter", "protect", "notes", "--for", "notes:2")
    refused = medley("adapter", "promote", "notes:2")

    assert shown.stdout.splitlines() == [
        "notes@production demands:",
        "  evaluation held-out: f1 >= 0.8 (bf16)",
        "  approval by 1 person besides the one who promotes",
        "notes:2 lacks:",
        "  evaluation held-out: f1 >= 0.8 (bf16)",
        "  1 more approval by others than the promoter",
    ]
    assert refused.exit_code == 1
    assert "'notes@production' is protected; missing: evaluation held-out" in refused.stderr


def test_with_evidence_and_another_persons_approval_the_alias_moves(home: Path) -> None:
    medley("adapter", "protect", "notes", "--require", BOUND, "--approvals", "1")
    add_evidence(home, "notes:2", 0.9)

    approved = medley("adapter", "approve", "notes:2", LOGNAME="grace")
    moved = medley("adapter", "promote", "notes:2")

    assert approved.stdout == "grace approves notes:2 as notes@production\n"
    assert moved.stdout == "notes@production is notes:2, generation 2\n"


def test_what_is_given_is_the_whole_policy(home: Path) -> None:
    medley("adapter", "protect", "notes", "--require", BOUND)
    medley("adapter", "protect", "notes", "--approvals", "2")

    policy = json.loads(medley("adapter", "protect", "notes", "--json").stdout)

    assert (policy["requirements"], policy["approvals"], policy["unmet"]) == ([], 2, None)


def test_a_policy_is_cleared(home: Path) -> None:
    medley("adapter", "protect", "notes", "--approvals", "2")

    assert medley("adapter", "protect", "notes", "--clear").stdout == (
        "notes@production demands nothing\n"
    )
    assert medley("adapter", "promote", "notes:2").exit_code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--clear", "--approvals", "1"],
        ["--for", "other:1"],
        ["--for", "notes"],
        ["--require", "f1>=0.8"],
        ["--approvals", "11"],
    ],
)
def test_a_policy_that_makes_no_sense_is_wrong_usage(home: Path, options: list[str]) -> None:
    assert medley("adapter", "protect", "notes", *options).exit_code == 2


def test_a_signer_is_named_by_the_first_digits_of_its_key(empty_home: Path) -> None:
    key = json.loads(medley("registry", "init", "--json").stdout)["key_id"]
    medley("base", "add", TINY, make_base(empty_home / "base"))
    medley("adapter", "publish", make_adapter(empty_home / "1"), "--name", "notes", "--base", TINY)

    shown = medley("adapter", "protect", "notes", "--signer", key[:8], "--for", "notes:1")

    assert shown.stdout.splitlines()[1:] == [
        f"  a signature by {key[:12]}", "notes:1 has all of it"
    ]  # fmt: skip
    assert medley("adapter", "protect", "notes", "--signer", key[:7]).exit_code == 1
    assert medley("adapter", "protect", "notes", "--signer", "0" * 8).exit_code == 1
