"""`medley adapter traffic`: canary, shadow, and when either is taken off again."""

from dataclasses import replace
from typing import Annotated, Any, cast

import typer

from medley_registry.commands.actor import actor
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import AdapterArgument, AliasOption, JsonOption
from medley_registry.commands.policy_records import TrafficRecord
from medley_registry.commands.screen import print_json, print_line
from medley_registry.references import DEFAULT_ALIAS
from medley_registry.registry import Registry
from medley_registry.timestamps import to_text
from medley_registry.traffic import Bounds, Stick, Traffic, TrafficRule

app = typer.Typer()


def _option(name: str, words: str, **more: Any) -> Any:
    return typer.Option(name, help=words, show_default=False, **more)


@app.command()
@on_registry
def traffic(
    registry: Registry,
    name: AdapterArgument,
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    canary: Annotated[
        int | None, _option("--canary", "The version that answers some requests.", min=1)
    ] = None,
    weight: Annotated[
        float | None, _option("--weight", "How many percent it answers.", min=0, max=100)
    ] = None,
    stick: Annotated[Stick | None, _option("--stick", "What stays on one side.")] = None,
    shadow: Annotated[
        int | None, _option("--shadow", "The version that is asked the same, unheard.", min=1)
    ] = None,
    share: Annotated[
        float | None, _option("--share", "How many percent it is asked.", min=0, max=100)
    ] = None,
    max_error_rate: Annotated[
        float | None, _option("--max-error-rate", "Failed requests, as a share: 0.02.")
    ] = None,
    max_latency_ratio: Annotated[
        float | None, _option("--max-latency-ratio", "Canary's p95 over the target's: 1.5.")
    ] = None,
    min_agreement: Annotated[
        float | None, _option("--min-agreement", "Of the shadow's answers, as a share: 0.95.")
    ] = None,
    min_requests: Annotated[
        int | None, _option("--min-requests", "How many before anything is judged (50).", min=1)
    ] = None,
    window_s: Annotated[
        int | None, _option("--window", "Seconds back that requests count (300).", min=1)
    ] = None,
    watch_s: Annotated[
        int | None,
        _option("--watch", "Seconds after a promotion in which errors roll it back.", min=0),
    ] = None,
    expected_revision: Annotated[
        int | None, _option("--expect-revision", "Set only if this rule is in force.", min=0)
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="No canary, shadow or bounds.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Try a version on some requests of an alias, or show the rule.

    What is given changes the rule in force, and the rest of it stays. A move of the alias ends
    canary and shadow; the bounds stay.

    \b
    Examples:
      medley adapter traffic discharge --canary 3 --weight 5 \\
        --max-error-rate 0.02 --max-latency-ratio 1.5
      medley adapter traffic discharge --weight 25
      medley adapter traffic discharge --shadow 4 --share 10 --min-agreement 0.95
      medley adapter traffic discharge --watch 600
      medley adapter traffic discharge --weight 0
      medley adapter traffic discharge --clear
    """
    told = {"canary": canary, "weight": weight, "stick": stick, "shadow": shadow, "share": share}
    bounds = {
        "max_error_rate": max_error_rate,
        "max_latency_ratio": max_latency_ratio,
        "min_agreement": min_agreement,
        "min_requests": min_requests,
        "window_s": window_s,
        "watch_s": watch_s,
    }
    given, given_bounds = _given(told), _given(bounds)
    if clear and (given or given_bounds):
        raise typer.BadParameter("it goes alone", param_hint="--clear")
    rule = registry.traffic.of(name, alias)
    if clear or given or given_bounds:
        before = Traffic() if clear or rule is None else rule.traffic
        # As the rule was read: what somebody else has set meanwhile is not overwritten unseen.
        seen = (rule.revision if rule else 0) if expected_revision is None else expected_revision
        rule = registry.traffic.set(
            name,
            alias,
            _changed(before, given, given_bounds),
            actor=actor(),
            expected_revision=seen,
        )
    if as_json:
        print_json(_record(name, alias, rule))
    else:
        _print_rule(f"{name}@{alias}", rule)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _changed(before: Traffic, told: dict[str, Any], bounds: dict[str, Any]) -> Traffic:
    """The rule with what was given; a version that takes another's place begins at nothing."""
    for version, percent in (("canary", "weight"), ("shadow", "share")):
        if version in told and told[version] != getattr(before, version):
            told = {percent: 0, **told}
    return replace(before, **told, bounds=replace(before.bounds, **bounds))


def _print_rule(alias: str, rule: TrafficRule | None) -> None:
    traffic = rule.traffic if rule else Traffic()
    if traffic.canary is None and traffic.shadow is None:
        print_line(f"{alias} leaves all requests to its target")
    if traffic.canary is not None:
        print_line(
            f"{alias} gives {traffic.weight:g}% to version {traffic.canary}, by {traffic.stick}"
        )
    if traffic.shadow is not None:
        print_line(f"{alias} shows {traffic.share:g}% to version {traffic.shadow}")
    for words in _bounds(traffic.bounds):
        print_line(f"  {words}")
    if rule and rule.halted:
        print_line(f"  halted by {rule.actor}: {rule.halted}")


def _bounds(bounds: Bounds) -> list[str]:
    found = {
        "errors at most {:g}": bounds.max_error_rate,
        "p95 at most {:g} times the target's": bounds.max_latency_ratio,
        "agreement at least {:g}": bounds.min_agreement,
    }
    words = [text.format(value) for text, value in found.items() if value is not None]
    if words:
        words.append(f"judged from {bounds.min_requests} requests on, over {bounds.window_s} s")
    if bounds.watch_s:
        words.append(f"a promotion is watched for {bounds.watch_s} s")
    return words


def _record(name: str, alias: str, rule: TrafficRule | None) -> TrafficRecord:
    """The rule in force; None: none was ever set."""
    traffic = rule.traffic if rule else Traffic()
    record = {
        "adapter": name,
        "alias": alias,
        "revision": rule.revision if rule else 0,
        **traffic.to_json(),
        "halted": rule.halted or None if rule else None,
        "actor": rule.actor if rule else None,
        "at": to_text(rule.at) if rule else None,
    }
    return cast(TrafficRecord, record)
