"""What the gate decided, with the numbers that it kept."""

from typing import Any

from medley_registry import Decision
from medley_registry.commands.screen import moment

from medley_training.reports.records.content import Block, Cell, Quantity, Section, Table
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.quantities import ABSENT, digits, signed

TITLE = "Gate"
_HEAD = ("at", "version", "for", "outcome", "against", "policy", "asked by")
_DEMANDS_HEAD = ("demand", "found", "met")
_TESTS_HEAD = (
    *("demand", "site", "candidate", "in production", "difference", "at least"),
    *("p", "p by Holm", "clusters", "met"),
)


def gate_section(findings: Findings) -> Section:
    """Every decision in a row; of the last about each alias every demand."""
    decisions = findings.records.decisions
    if not decisions:
        return Section(TITLE)
    blocks: list[Block] = [Table.of(_HEAD, [_row(each) for each in decisions])]
    last = {(each.adapter, each.alias): each for each in decisions}
    for each in last.values():
        blocks += _explained(each)
    return Section(TITLE, tuple(blocks))


def _row(each: Decision) -> tuple[Cell, ...]:
    baseline: Any = each.report.get("baseline")
    return (
        moment(each.at),
        f"{each.adapter}:{each.number}",
        each.alias,
        each.outcome.value,
        f"{each.adapter}:{baseline['number']}" if baseline else "",
        Quantity(each.revision, str(each.revision)),
        each.actor,
    )


def _explained(each: Decision) -> list[Block]:
    report: dict[str, Any] = each.report
    what = f"{each.adapter}:{each.number} for {each.alias}, {each.outcome}"
    demands = [_demand(one) for one in report.get("requirements", [])]
    demands += [
        (one["demand"], one["because"] or f"{one['items']} items", _met(one))
        for one in report.get("comparisons", [])
    ]
    demands += [
        (f"a signature by {one['key_id'][:12]}", "", _met(one)) for one in report.get("signers", [])
    ]
    approvals = report.get("approvals") or {}
    if approvals.get("needed"):
        by = ", ".join(approvals["by"]) or "nobody"
        demands.append((f"{approvals['needed']} approvals", by, _met(approvals)))
    tests = [
        _test(one["demand"], test)
        for one in report.get("comparisons", [])
        for test in one.get("tests", [])
    ]
    blocks: list[Block] = [Table.of(_DEMANDS_HEAD, demands, f"{what}.")] if demands else []
    return [*blocks, *([Table.of(_TESTS_HEAD, tests, f"Tests: {what}.")] if tests else [])]


def _demand(one: dict[str, Any]) -> tuple[Cell, ...]:
    found = one.get("found")
    return one["demand"], "no evidence" if found is None else _number(found), _met(one)


def _test(demand: str, test: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        demand,
        test["site"] or "all",
        _number(test["candidate"]),
        _number(test["baseline"]),
        signed(test["difference"]),
        signed(test["lower_bound"]),
        _number(test["p_value"]),
        _number(test["p_adjusted"]),
        Quantity(test["clusters"], f"{test['clusters']:,}"),
        _met(test),
    )


def _number(value: float | None) -> Quantity:
    return Quantity(None, ABSENT) if value is None else Quantity(value, digits(value))


def _met(part: dict[str, Any]) -> str:
    return "yes" if part["is_met"] else "no"
