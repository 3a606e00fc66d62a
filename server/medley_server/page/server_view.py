"""Adapters, benchmarks and health as tables."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import islice
from typing import Any

from medley import AsyncClient, ListedAdapter, MedleyError
from medley_registry import Version
from medley_registry.commands.screen import counted

_MOST_VERSIONS = 20
_GIB = 1 << 30


async def server_view(client: AsyncClient) -> str:
    """All of it, in the API's words where a part is refused."""
    parts = [_health(await client.health())]
    for title, part in (("Adapters", _adapters), ("Benchmarks", _benchmarks)):
        try:
            body = await part(client)
        except MedleyError as error:
            body = f"<p class='md-notice md-bad'><b>Error: </b>{escape(str(error))}</p>"
        parts.append(f"<section><h2>{title}</h2>{body}</section>")
    return f"<div class=md-server>{''.join(parts)}</div>"


def _health(health: Any) -> str:
    facts = {"Base": health.base, "State": health.status}
    extraction = health.facts.get("extraction") or {}
    limits = extraction.get("limits") or {}
    facts |= {
        "Documents running": extraction.get("running"),
        "Documents waiting": extraction.get("waiting"),
        "Longest document": f"{limits['max_upload_bytes'] / 1e6:g} MB" if limits else None,
        "Most pages": limits.get("max_pages"),
    }
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in facts.items()
        if value is not None
    )
    kind, said = ("ok", "Ready") if health.is_ready else ("bad", "Not ready")
    return (
        f"<section><h2>Health</h2><div class=md-summary><p class='md-status md-{kind}'>{said}</p>"
        f"<dl>{rows}</dl></div></section>"
    )


async def _adapters(client: AsyncClient) -> str:
    adapters = await client.adapters.list()
    if not adapters:
        return "<p class=md-state>The registry holds no adapter.</p>"
    return "".join([await _adapter(client, one) for one in adapters])


async def _adapter(client: AsyncClient, adapter: ListedAdapter) -> str:
    pointing: dict[int, list[str]] = {}
    for alias, number in sorted(adapter.aliases.items()):
        pointing.setdefault(number, []).append(alias)
    versions: list[Version] = []
    async for version in client.adapters.versions(adapter.name):
        versions.append(version)
        if len(versions) == _MOST_VERSIONS:
            break
    rows = [
        (
            one.reference,
            ", ".join(pointing.get(one.number, ())),
            one.state.value,
            "" if one.round is None else str(one.round),
            str(one.digest)[:19] + "…",
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )
        for one in versions
    ]
    head = ("Version", "Aliases", "State", "Round", "Digest", "Published (UTC)")
    more = f", the newest {_MOST_VERSIONS}" if adapter.versions > _MOST_VERSIONS else ""
    name = f"{escape(adapter.name)} <small>{counted(adapter.versions, 'version')}{more}</small>"
    return f"<h3>{name}</h3>{table(head, rows, adapter.name)}"


async def _benchmarks(client: AsyncClient) -> str:
    told = await client.benchmark()
    memory = told.get("memory_bytes") or {}
    facts = {
        "Base": f"{told['base']}, {told['variant']}",
        "Engine": f"{told['engine']} on {told['device']}, {told['dtype']}",
        "KV cache": f"{told['kv_cache_tokens']} tokens",
        "Memory": f"{(memory.get('total') or 0) / _GIB:.2f} GiB",
        "Start of the engine": f"{told['load_s']:.1f} s",
    }
    rows = "".join(f"<div><dt>{n}</dt><dd>{escape(v)}</dd></div>" for n, v in facts.items())
    return f"<div class=md-summary><dl>{rows}</dl></div>{_measured(told.get('rows') or [])}"


def _measured(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p class=md-state>The registry holds no benchmark of what is served here.</p>"
    body = [
        (
            str(row["version"]),
            str(row["suite"]),
            ", ".join(f"{name} {value}" for name, value in (row.get("load") or {}).items()),
            _numbers(row.get("latency_ms")),
            _numbers(row.get("ttft_ms")),
            _numbers(row.get("tokens_per_s")),
        )
        for row in rows
    ]
    head = ("Version", "Suite", "Load", "Latency, ms", "First token, ms", "Tokens per s")
    return table(head, body, "benchmarks")


def _numbers(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_numbers(one)}" for name, one in islice(value.items(), 3))
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], name: str) -> str:
    """A table that scrolls by itself, and that the keyboard reaches."""
    titles = "".join(f"<th scope=col>{title}</th>" for title in head)
    body = "".join(
        f"<tr><th scope=row>{escape(first)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f"<div class=md-scroll tabindex=0 role=region aria-label='Table: {escape(name)}'><table>"
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )
