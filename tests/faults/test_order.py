"""The order lint sees each way to do it wrong."""

import re

import pytest

from tests.faults.order import order_findings
from tests.faults.trace import Call, Trace

DRAFT, BLOB = "registry/blobs/sha256/.incoming-1", "registry/blobs/sha256/ab/ab12"
RIGHT = [
    Call("create", DRAFT),
    Call("write", DRAFT, data=b"x"),
    Call("sync", DRAFT),
    Call("mkdir", "registry/blobs/sha256/ab"),
    Call("sync", "registry/blobs/sha256"),
    Call("rename", DRAFT, BLOB),
    Call("sync", "registry/blobs/sha256/ab"),
    Call("sync", "registry/registry.db-wal"),
]


def without(trace: Trace, path: str) -> Trace:
    return [call for call in trace if (call.kind, call.path) != ("sync", path)]


def test_the_right_order_has_no_findings() -> None:
    assert order_findings(RIGHT) == []


@pytest.mark.parametrize(
    ("path", "finding"),
    [
        (DRAFT, "before its bytes are synced"),
        ("registry/blobs/sha256/ab", r"registry\.db-wal is synced before the names .*ab12"),
        ("registry/blobs/sha256", r"registry\.db-wal is synced before the names .*sha256/ab"),
    ],
)
def test_each_missing_sync_is_found(path: str, finding: str) -> None:
    [found, *_] = order_findings(without(RIGHT, path))

    assert re.search(finding, found)
