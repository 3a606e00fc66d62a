"""The JSON Schema of all that ``--json`` prints, made from the record types."""

from itertools import chain
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from medley_registry.commands import difference_records, policy_records, records, upkeep_records
from medley_registry.commands.difference_records import DifferenceRecord
from medley_registry.commands.policy_records import (
    ApprovalRecord,
    DecisionRecord,
    ProtectionRecord,
    TrafficRecord,
)
from medley_registry.commands.records import (
    AccessKeyRecord,
    AdapterRecord,
    AliasRecord,
    BaseDetail,
    BaseRecord,
    EventRecord,
    EvidenceRecord,
    GrantedKeyRecord,
    MoveRecord,
    RevocationRecord,
    SignatureRecord,
    TenureRecord,
    TombstoneRecord,
    TrustedKeyRecord,
    VariantRecord,
    VerificationRecord,
    VersionDetail,
    VersionRecord,
)
from medley_registry.commands.upkeep_records import (
    CheckedRecord,
    CollectedRecord,
    CopiedRecord,
    RegistryRecord,
)

OUTPUTS: dict[str, Any] = {
    "adapter publish": VersionRecord,
    "adapter list": list[AdapterRecord],
    "adapter list NAME": list[VersionRecord],
    "adapter show": VersionDetail,
    "adapter promote": AliasRecord,
    "adapter rollback": AliasRecord,
    "adapter history": list[MoveRecord],
    "adapter history --at": list[TenureRecord],
    "adapter retire": VersionRecord,
    "adapter validate": VersionRecord,
    "adapter admit": VersionRecord,
    "adapter quarantine": VersionRecord,
    "adapter revoke": RevocationRecord,
    "adapter delete": TombstoneRecord,
    "adapter protect": ProtectionRecord,
    "adapter approve": ApprovalRecord,
    "adapter traffic": TrafficRecord,
    "adapter promote --explain": DecisionRecord,
    "adapter decisions": list[DecisionRecord],
    "adapter evidence": list[EvidenceRecord],
    "adapter evidence add": EvidenceRecord,
    "adapter variants": list[VariantRecord],
    "adapter verify": VerificationRecord,
    "adapter import": VersionRecord,
    "adapter sign": SignatureRecord,
    "adapter diff": DifferenceRecord,
    "base add": BaseRecord,
    "base list": list[BaseRecord],
    "base show": BaseDetail,
    "registry init": RegistryRecord,
    "registry events": EventRecord,
    "registry fsck": CheckedRecord,
    "registry gc": CollectedRecord,
    "registry backup": CopiedRecord,
    "registry restore": CopiedRecord,
    "registry key trust": TrustedKeyRecord,
    "registry key distrust": TrustedKeyRecord,
    "registry key list": list[TrustedKeyRecord],
    "registry key show": TrustedKeyRecord,
    "registry access add": GrantedKeyRecord,
    "registry access list": list[AccessKeyRecord],
    "registry access revoke": AccessKeyRecord,
}


def json_schema() -> dict[str, Any]:
    """One document: under ``outputs`` each command's schema, under ``$defs`` the records."""
    config = ConfigDict(use_attribute_docstrings=True)
    modules = (records, policy_records, difference_records, upkeep_records)
    for record in chain.from_iterable(vars(module).values() for module in modules):
        if isinstance(record, type) and hasattr(record, "__total__"):
            record.__pydantic_config__ = config  # type: ignore[attr-defined]
    adapters = [(command, "serialization", TypeAdapter(t)) for command, t in OUTPUTS.items()]
    outputs, definitions = TypeAdapter.json_schemas(adapters)  # type: ignore[arg-type]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What medley prints with --json",
        "outputs": {command: schema for (command, _), schema in outputs.items()},
        **definitions,
    }


def markdown() -> str:
    """The same as a page: which command prints which record, and the keys of each."""
    whole = json_schema()
    outputs = [f"| `{name}` | {_words(schema)} |" for name, schema in whole["outputs"].items()]
    lines = [
        "# What `--json` prints",
        "",
        "Made by `medley registry schema --markdown`; without `--markdown` it prints the same as",
        "JSON Schema. Keys are added to and never renamed; each is always there, and `null` where",
        "nothing is known. Digests are `sha256:<hex>` (a file's `sha256` is the bare hex), points",
        "in time RFC 3339 in UTC, sizes bytes.",
        "",
        "| command | prints |",
        "|---|---|",
        *outputs,
    ]
    for name, schema in whole["$defs"].items():
        lines += [
            "",
            f"## {name}",
            "",
            schema["description"],
            "",
            "| key | type | |",
            "|---|---|---|",
        ]
        lines += [
            f"| `{key}` | {_words(value)} | {value.get('description', '')} |"
            for key, value in schema["properties"].items()
        ]
    return "\n".join([*lines, ""])


def _words(schema: dict[str, Any]) -> str:
    """A type, for people."""
    match schema:
        case {"$ref": str(place)}:
            name = place.rpartition("/")[2]
            words = f"[{name}](#{name.lower()})"
        case {"anyOf": [*choices]}:
            words = " or ".join(map(_words, choices))
        case {"enum": [*values]}:
            words = ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": dict(items)}:
            words = f"list of {_words(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            words = f"object of {_words(values)}"
        case _:
            words = schema.get("type", "any")
    return words
