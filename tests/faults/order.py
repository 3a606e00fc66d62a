"""The order of writes that makes a blob safe, read off a trace.

A blob's bytes are synced before its name is given; its name, and the folders above it, are synced
before the index is, since the index may name it from then on.
"""

from collections import defaultdict
from pathlib import PurePosixPath

from tests.faults.trace import Trace

_BLOBS = "registry/blobs/"
_INDEX = "registry/registry.db"


def order_findings(trace: Trace) -> list[str]:
    """What is out of order, a line each."""
    findings = []
    unsynced_bytes: set[str] = set()
    unsynced_names: dict[str, set[str]] = defaultdict(set)
    for call in (call for call in trace if not call.error and not call.is_note):
        match call.kind:
            case "create" | "write" | "truncate":
                unsynced_bytes.add(call.path)
            case "sync":
                unsynced_bytes.discard(call.path)
                unsynced_names.pop(call.path, None)
                if call.path.startswith(_INDEX) and any(unsynced_names.values()):
                    names = sorted(set().union(*unsynced_names.values()))
                    findings.append(f"{call.path} is synced before the names {names}")
            case "mkdir" if call.path.startswith(_BLOBS):
                unsynced_names[_folder(call.path)].add(call.path)
            case "rename" | "link" if call.other.startswith(_BLOBS):
                if call.path in unsynced_bytes:
                    findings.append(f"{call.other} gets its name before its bytes are synced")
                unsynced_names[_folder(call.other)].add(call.other)
    findings += [f"the name {n} is never synced" for s in unsynced_names.values() for n in s]
    return findings


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)
