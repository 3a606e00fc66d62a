"""What ``--json`` prints: keys are stable, added to and never renamed.

Digests are ``sha256:<hex>`` (a file's ``sha256`` is the bare hex), points in time RFC 3339 in
UTC, sizes bytes.
"""

from medley_registry.adapters import Adapter, Alias, AliasMove, Version
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.events import Event
from medley_registry.timestamps import to_text

Record = dict[str, Json]


def base_record(base: BaseModel) -> Record:
    template = base.chat_template_digest
    return {
        "name": base.name,
        "base_id": str(base.base_id),
        "architecture": base.architecture,
        "path": str(base.path),
        "weights_digest": str(base.weights_digest),
        "config_digest": str(base.config_digest),
        "tokenizer_digest": str(base.tokenizer_digest),
        "chat_template_digest": str(template) if template else None,
        "created_at": to_text(base.created_at),
    }


def adapter_record(adapter: Adapter, *, versions: int, aliases: list[Alias]) -> Record:
    return {
        "name": adapter.name,
        "base": adapter.base,
        "base_id": str(adapter.base_id),
        "versions": versions,
        "aliases": {alias.name: alias.number for alias in aliases},
        "created_at": to_text(adapter.created_at),
    }


def version_record(version: Version, *, aliases: list[Alias]) -> Record:
    return {
        "reference": version.reference,
        "adapter": version.adapter,
        "number": version.number,
        "digest": str(version.digest),
        "base": version.base,
        "base_id": str(version.base_id),
        "rank": version.rank,
        "alpha": version.alpha,
        "target_modules": [*version.target_modules],
        "size_bytes": version.size_bytes,
        "round": version.round,
        "state": version.state.value,
        "note": version.note,
        "published_by": version.published_by,
        "created_at": to_text(version.created_at),
        "aliases": [alias.name for alias in aliases if alias.number == version.number],
        "files": [
            {
                "path": entry.path,
                "size": entry.size,
                "sha256": entry.sha256.hex,
                "media_type": entry.media_type,
            }
            for entry in version.manifest.files
        ],
    }


def move_record(move: AliasMove) -> Record:
    return {
        "adapter": move.adapter,
        "alias": move.alias,
        "generation": move.generation,
        "from_number": move.from_number,
        "to_number": move.to_number,
        "reason": move.reason.value,
        "actor": move.actor,
        "at": to_text(move.at),
    }


def event_record(event: Event) -> Record:
    return {
        "seq": event.seq,
        "at": to_text(event.at),
        "kind": event.kind.value,
        "subject": event.subject,
        "actor": event.actor,
        "payload": event.payload,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }
