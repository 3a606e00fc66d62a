"""What the server does now as HTML: health, queue, traffic by version, and the last swaps."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from medley_server.page.server_view import table

_WIDTH = 1000
"""Units of a swap's bar."""

_LEAST = 8
"""So that a phase of a millisecond can be seen beside one of seconds."""


def live_view(health: Any, metrics: str) -> str:
    """All of it.

    Args:
        health: what the server says of itself (`medley.server_calls.Health`).
        metrics: its metrics in Prometheus's text format; may be empty.
    """
    facts = health.facts
    parts = [
        _section("Now", _now(health)),
        _section("Versions", _versions(facts, _totals(metrics))),
        _section("Queues", _queues(facts.get("admission") or {})),
        _section("Last swap of each alias", _swaps(facts.get("swaps") or [])),
    ]
    if trials := facts.get("traffic"):
        parts.append(_section("Canaries and shadows", _trials(trials)))
    return f"<div class=md-server>{''.join(parts)}</div>"


def failed_view(said: str) -> str:
    """Why there is nothing to be seen."""
    return f"<p class='md-notice md-bad'><b>Error: </b>{escape(said)}</p>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _now(health: Any) -> str:
    facts = health.facts
    door = facts.get("admission") or {}
    registry = facts.get("registry") or {}
    rows = {
        "Looked": f"{datetime.now(UTC):%H:%M:%S} UTC",
        "Running": door.get("running"),
        "Waiting": door.get("waiting"),
        "Adapter slots": _of(door.get("slots_used"), door.get("slots")),
        "Sequences": _of(door.get("sequences_taken"), door.get("sequences")),
        "In the engine": len(facts.get("resident") or ()),
        "Fetched ahead": len(facts.get("prefetched") or ()),
        "Leaving": len(facts.get("leaving") or ()),
        "Registry": "away: the last good state is served" if registry.get("failure") else "read",
    }
    told = "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in rows.items()
        if value is not None
    )
    kind, said = ("ok", "Ready") if health.is_ready else ("bad", "Not ready")
    return f"<div class=md-summary><p class='md-status md-{kind}'>{said}</p><dl>{told}</dl></div>"


def _of(part: Any, whole: Any) -> str | None:
    return None if part is None else f"{part} of {whole}"


Totals = Mapping[str, Mapping[str, float]]
"""By version, each number summed over its other labels."""


def _totals(metrics: str) -> Totals:
    from prometheus_client.parser import text_string_to_metric_families

    told: dict[str, dict[str, float]] = {}
    ours = "\n".join(line for line in metrics.splitlines() if line.startswith("medley_"))
    for family in text_string_to_metric_families(ours):
        for sample in family.samples:
            labels, name = sample.labels, sample.name
            if "version" not in labels or name.endswith("_bucket"):
                continue
            if labels.get("outcome") in ("4xx", "5xx", "left"):
                name = "medley_failed"
            of_version = told.setdefault(labels["version"], {})
            of_version[name] = of_version.get(name, 0.0) + sample.value
    return told


def _versions(facts: Mapping[str, Any], totals: Totals) -> str:
    resident = {row["version"]: row for row in facts.get("resident") or ()}
    asked = [name for name, one in totals.items() if one.get("medley_requests_total")]
    names = [*resident, *(name for name in asked if name not in resident and name != "none")]
    if not names:
        return "<p class=md-state>Nothing has been asked for, and no adapter is loaded.</p>"
    head = ("Version", "Aliases", "Running", "Answered", "Refused or left", "Tokens read",
            "Tokens written", "First token, ms", "Next token, ms")  # fmt: skip
    return table(head, [_version(name, resident.get(name), totals) for name in names], "versions")


def _version(name: str, row: Mapping[str, Any] | None, totals: Totals) -> Sequence[str]:
    numbers = totals.get(name, {})
    return (
        name,
        ", ".join(row["aliases"]) if row else "",
        str(row["requests"]) if row else "",
        f"{numbers.get('medley_requests_total', 0):.0f}",
        f"{numbers.get('medley_failed', 0):.0f}",
        f"{numbers.get('medley_prompt_tokens_total', 0):.0f}",
        f"{numbers.get('medley_completion_tokens_total', 0):.0f}",
        _mean_ms(numbers, "medley_time_to_first_token_seconds"),
        _mean_ms(numbers, "medley_inter_token_seconds"),
    )


def _mean_ms(numbers: Mapping[str, float], name: str) -> str:
    count = numbers.get(f"{name}_count", 0)
    return f"{numbers[f'{name}_sum'] / count * 1000:.0f}" if count else ""


def _queues(door: Mapping[str, Any]) -> str:
    rows = [
        (
            str(one["model"]),
            "yes" if one["has_slot"] else "no",
            str(one["running"]),
            str(one["waiting"]),
            f"{one['waited_s']:.1f}",
        )
        for one in door.get("queues") or ()
    ]
    if not rows:
        return "<p class=md-state>Nobody waits, and nothing runs.</p>"
    head = ("Queue", "Has a slot", "Running", "Waiting", "Oldest waits, s")
    return table(head, rows, "queues")


def _swaps(swaps: Iterable[Mapping[str, Any]]) -> str:
    newest = sorted(swaps, key=lambda one: one["started"], reverse=True)
    if not newest:
        return "<p class=md-state>No alias has been swapped since this server started.</p>"
    return f"<ul class=md-swaps>{''.join(map(_swap, newest))}</ul>"


def _swap(swap: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(swap["started"], UTC)
    before = f"{swap['previous']} → " if swap["previous"] else ""
    failure = swap["failure"]
    kind, said = ("bad", f"failed: {failure}") if failure else ("ok", "the new version answers")
    if not failure and "live" not in swap["phases_s"]:
        kind, said = "run", "on its way"
    title = f"{swap['alias']}: {before}{swap['version']}"
    return (
        f"<li><h3>{escape(title)} <small>{at:%Y-%m-%d %H:%M:%S} UTC</small></h3>"
        f"<p class='md-status md-{kind}'>{escape(said)}</p>{_timeline(swap['phases_s'])}</li>"
    )


def _timeline(phases_s: Mapping[str, float]) -> str:
    """A bar of the phases, as long as they took, and the same in words."""
    took: list[tuple[str, float]] = []
    before = 0.0
    for name, at in phases_s.items():
        took.append((name, max(at - before, 0.0)))
        before = at
    whole = sum(seconds for _, seconds in took) or 1.0
    scale = (_WIDTH - _LEAST * len(took)) / whole
    left, bars = 0.0, []
    for place, (name, seconds) in enumerate(took):
        width = _LEAST + seconds * scale
        bars.append(f"<rect class=md-phase{place % 8} x={left:.1f} y=0 width={width:.1f} "
                    f"height=20><title>{escape(name)}</title></rect>")  # fmt: skip
        left += width
    words = "".join(
        f"<li><i class=md-phase{place % 8} aria-hidden=true></i>{escape(name)} "
        f"{_span(seconds)}</li>"
        for place, (name, seconds) in enumerate(took)
    )
    drawn = f"<svg viewBox='0 0 {_WIDTH} 20' preserveAspectRatio=none aria-hidden=true>"
    return f"<div class=md-timeline>{drawn}{''.join(bars)}</svg><ol>{words}</ol></div>"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _trials(trials: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (
            str(trial["alias"]),
            side,
            str(row["requests"]),
            str(row["failed"]),
            "" if row.get("agreement") is None else f"{row['agreement']:.0%}",
            str(trial["halted"] or ""),
        )
        for trial in trials
        for side, row in trial["sides"].items()
    ]
    head = ("Alias", "Side", "Requests", "Failed", "Agrees", "Halted")
    return table(head, rows, "canaries and shadows")
