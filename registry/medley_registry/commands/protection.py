"""`medley adapter protect` and `approve`: what aliases demand, and who consents."""

import re
from pathlib import Path
from typing import Annotated

import typer

from medley_registry.commands.actor import actor
from medley_registry.commands.arguments import Numbered, numbered
from medley_registry.commands.completing import version_references
from medley_registry.commands.keys import found_key
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    AdapterArgument,
    AliasOption,
    JsonOption,
    VersionArgument,
)
from medley_registry.commands.recording import approval_record, protection_record
from medley_registry.commands.screen import print_json, print_line
from medley_registry.digest import Digest
from medley_registry.evidence import EvidenceKind
from medley_registry.policies import AliasPolicy, Requirement
from medley_registry.references import DEFAULT_ALIAS
from medley_registry.registry import Registry
from medley_registry.variants import VariantKind

app = typer.Typer()

_REQUIREMENT = re.compile(
    rf"(?P<kind>{'|'.join(EvidenceKind)}):(?P<suite>.+?)(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
    rf":(?P<metric>[^:<>=]+)"
    rf"(?P<bound>>=|<=)(?P<value>[^@]+)(?:@(?P<variant>{'|'.join(VariantKind)}))?"
)


def requirement(text: str) -> Requirement:
    """Read ``evaluation:held-out:f1>=0.8``, perhaps with ``@nf4`` behind it.

    The suite may be given with its digest: ``held-out@sha256:<64 hex>``.
    """
    found = _REQUIREMENT.fullmatch(text)
    try:
        value = float(found["value"]) if found else None
    except ValueError:
        value = None
    if found is None or value is None:
        raise typer.BadParameter("give KIND:SUITE[@sha256:HEX]:METRIC>=NUMBER[@VARIANT] (or <=)")
    is_floor = found["bound"] == ">="
    return Requirement(
        kind=EvidenceKind(found["kind"]),
        suite=found["suite"],
        metric=found["metric"],
        at_least=value if is_floor else None,
        at_most=None if is_floor else value,
        variant=VariantKind(found["variant"] or VariantKind.BF16),
        suite_digest=Digest.parse(found["digest"]) if found["digest"] else None,
    )


@app.command()
@on_registry
def protect(
    registry: Registry,
    name: AdapterArgument,
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    requirements: Annotated[
        list[Requirement] | None,
        typer.Option(
            "--require",
            parser=requirement,
            metavar="KIND:SUITE:METRIC>=N",
            help="A bound on the newest evidence; may be repeated.",
            show_default=False,
        ),
    ] = None,
    signers: Annotated[
        list[str] | None,
        typer.Option(
            "--signer",
            metavar="KEYID",
            help="A trusted key that must have signed; may be repeated.",
            show_default=False,
        ),
    ] = None,
    approvals: Annotated[
        int,
        typer.Option("--approvals", min=0, max=10, help="People, besides the one who promotes."),
    ] = 0,
    file: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar="FILE.toml",
            exists=True,
            dir_okay=False,
            help="The whole policy, comparisons among it: docs/gate.md.",
            show_default=False,
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Demand nothing any more.")] = False,
    candidate: Annotated[
        Numbered | None,
        typer.Option(
            "--for",
            metavar="NAME:NUMBER",
            parser=numbered,
            help="Show what this version lacks.",
            show_default=False,
            autocompletion=version_references,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an alias demands of a version, or show it.

    What is given is the whole policy; without any of it, the one in force is shown. KIND is
    evaluation or benchmark. SUITE@sha256:HEX means the suite with just that content, @VARIANT
    behind a bound evidence of that variant (else bf16).

    \b
    Examples:
      medley adapter protect discharge --approvals 1 \\
        --require "evaluation:held-out:f1>=0.8" \\
        --require "benchmark:ward:ttft_p95_ms<=400@nf4"
      medley adapter protect discharge --policy gate.toml
      medley adapter protect discharge --for discharge:3
      medley adapter protect discharge --alias canary --clear
    """
    if candidate is not None and candidate.name != name:
        raise typer.BadParameter(f"{candidate.name!r} is not {name!r}", param_hint="--for")
    named = AliasPolicy(
        requirements=tuple(requirements or ()),
        signers=tuple(found_key(registry, key_id).key_id for key_id in signers or ()),
        approvals=approvals,
    )
    if [not named.is_empty(), file is not None, clear].count(True) > 1:
        raise typer.BadParameter("it goes alone", param_hint="--clear" if clear else "--policy")
    if file is not None:
        from medley_registry.commands.policy_file import read_policy  # pydantic: 0.1 s

        named = read_policy(file, key_id=lambda text: found_key(registry, text).key_id)
    if clear or file or not named.is_empty():
        registry.protection.set(name, alias, named, actor=actor())
    unmet = registry.protection.unmet(*candidate, alias=alias) if candidate else None
    policy = registry.protection.of(name, alias)
    if as_json:
        print_json(protection_record(name, alias, policy, unmet=unmet))
    else:
        _print_policy(f"{name}@{alias}", policy, candidate=candidate, unmet=unmet)


def _print_policy(
    alias: str, policy: AliasPolicy, *, candidate: Numbered | None, unmet: list[str] | None
) -> None:
    demands = [str(demand) for demand in (*policy.requirements, *policy.comparisons)]
    demands += [f"a signature by {key_id[:12]}" for key_id in policy.signers]
    if policy.approvals:
        people = "person" if policy.approvals == 1 else "people"
        demands.append(f"approval by {policy.approvals} {people} besides the one who promotes")
    print_line(f"{alias} demands{':' if demands else ' nothing'}")
    for demand in demands:
        print_line(f"  {demand}")
    if candidate is not None:
        version = f"{candidate.name}:{candidate.number}"
        print_line(f"{version} lacks:" if unmet else f"{version} has all of it")
        for lack in unmet or ():
            print_line(f"  {lack}")


@app.command()
@on_registry
def approve(
    registry: Registry,
    version: VersionArgument,
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    as_json: JsonOption = False,
) -> None:
    """Consent to moving an alias to a version, as things stand now.

    It no longer counts once the alias has moved.

    \b
    Example:
      medley adapter approve discharge:3 --alias production
    """
    approval = registry.protection.approve(*version, alias=alias, actor=actor())
    if as_json:
        print_json(approval_record(approval))
        return
    reference = f"{version.name}:{version.number}"
    print_line(f"{approval.actor} approves {reference} as {version.name}@{alias}")
    for lack in registry.protection.unmet(*version, alias=alias):
        print_line(f"  still lacks {lack}")
