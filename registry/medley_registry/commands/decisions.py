"""`medley adapter decisions`: what a gate decided, and every number behind it."""

from typing import Annotated, Any

import typer

from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import AdapterArgument, AliasOption, JsonOption
from medley_registry.commands.recording import decision_record
from medley_registry.commands.screen import moment, print_json, print_line, print_table
from medley_registry.decisions import Decision
from medley_registry.references import DEFAULT_ALIAS
from medley_registry.registry import Registry

app = typer.Typer()

_TESTS = (
    "SITE",
    "CANDIDATE",
    "BASELINE",
    "DIFFERENCE",
    "AT LEAST",
    "P",
    "P (HOLM)",
    "CLUSTERS",
    "",
)


@app.command()
@on_registry
def decisions(
    registry: Registry,
    name: AdapterArgument,
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the last one with every number.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List what a gate decided, and show why.

    A decision is kept each time somebody asks to move an alias that demands something.

    \b
    Examples:
      medley adapter decisions discharge
      medley adapter decisions discharge --alias canary --explain
    """
    found = registry.protection.decisions(name, alias)
    if as_json:
        print_json([decision_record(decision) for decision in found])
    elif explain and found:
        print_decision(found[-1])
    else:
        rows = [
            (
                moment(decision.at),
                f"{decision.adapter}:{decision.number}",
                decision.outcome.value,
                _against(decision),
                decision.revision,
                decision.actor,
            )
            for decision in found
        ]
        print_table(("AT", "VERSION", "OUTCOME", "AGAINST", "POLICY", "ACTOR"), rows)


def print_decision(decision: Decision) -> None:
    """Every demand of a decision, with what was found."""
    report: dict[str, Any] = decision.report
    candidate = f"{decision.adapter}:{decision.number}"
    against = _against(decision) or "nothing: the alias pointed nowhere"
    print_line(
        f"{candidate} for {decision.adapter}@{decision.alias}: {decision.outcome}"
        f" (policy {decision.revision}, against {against})"
    )
    for demand in report["requirements"]:
        found = "no evidence" if demand["evidence"] is None else f"{demand['found']}"
        print_line(f"  {_verdict(demand)}  {demand['demand']}: {found}")
    for comparison in report["comparisons"]:
        _print_comparison(comparison, significance=report["significance"])
    for signer in report["signers"]:
        print_line(f"  {_verdict(signer)}  a signature by {signer['key_id'][:12]}")
    approvals = report["approvals"]
    if approvals["needed"]:
        by = ", ".join(approvals["by"]) or "nobody"
        print_line(f"  {_verdict(approvals)}  approvals by {approvals['needed']}: {by}")


def _print_comparison(comparison: dict[str, Any], *, significance: float) -> None:
    because = f": {comparison['because']}" if comparison["because"] else ""
    items = f", {comparison['items']} items" if comparison["items"] else ""
    print_line(f"  {_verdict(comparison)}  {comparison['demand']}{items}{because}")
    if not comparison["tests"]:
        return
    rows = [
        (
            test["site"] or "all",
            f"{test['candidate']:.4g}",
            f"{test['baseline']:.4g}",
            f"{test['difference']:+.4g}",
            "-" if test["lower_bound"] is None else f"{test['lower_bound']:+.4g}",
            f"{test['p_value']:.3g}",
            f"{test['p_adjusted']:.3g}",
            test["clusters"],
            _verdict(test),
        )
        for test in comparison["tests"]
    ]
    print_table(_TESTS, rows)
    print_line(f"  above 0 is better; p by Holm must be at most {significance:g}")


def _verdict(part: dict[str, Any]) -> str:
    return "met  " if part["is_met"] else "LACKS"


def _against(decision: Decision) -> str:
    baseline: Any = decision.report["baseline"]
    return f"{decision.adapter}:{baseline['number']}" if baseline else ""
