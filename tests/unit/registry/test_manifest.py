import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import Digest, FileEntry, IndexDamaged, Manifest

ENTRIES = st.builds(
    FileEntry,
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True),
    st.integers(0, 2**50),
    st.binary().map(Digest.of),
    st.sampled_from(["application/json", "text/markdown"]),
)
MANIFESTS = st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.path).map(
    lambda entries: Manifest(tuple(entries))
)


@given(MANIFESTS)
def test_a_manifest_reads_back_from_its_json(manifest: Manifest) -> None:
    again = Manifest.from_json(manifest.to_json())

    assert again == manifest
    assert again.digest == manifest.digest


@given(MANIFESTS)
def test_the_order_of_files_does_not_matter(manifest: Manifest) -> None:
    assert Manifest(tuple(reversed(manifest.files))).digest == manifest.digest


def test_the_digest_of_a_manifest_never_changes_between_releases() -> None:
    manifest = Manifest((FileEntry("a.json", 3, Digest.of(b"abc"), "application/json"),))

    assert manifest.to_json() == (
        b'{"files":[{"media_type":"application/json","path":"a.json","sha256":"ba7816bf8f01cfea41'
        b'4140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3}],"schema_version":1}'
    )


def test_swapping_the_content_of_two_files_changes_the_digest() -> None:
    one, two = Digest.of(b"1"), Digest.of(b"2")

    straight = Manifest((FileEntry("a", 1, one, "x"), FileEntry("b", 1, two, "x")))
    swapped = Manifest((FileEntry("a", 1, two, "x"), FileEntry("b", 1, one, "x")))

    assert straight.digest != swapped.digest


@pytest.mark.parametrize(
    "path", ["", ".", "..", "../a", "/a", "a/b", "a\\b", "a\0", ".hidden", "é"]
)
def test_only_plain_file_names_may_stand_in_a_manifest(path: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        FileEntry(path, 1, Digest.of(b""), "x")


def test_a_path_stands_once() -> None:
    entry = FileEntry("a", 1, Digest.of(b""), "x")

    with pytest.raises(ValueError, match="each path once"):
        Manifest((entry, entry))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": [], "schema_version": 1}',
        b'{"files":[],"schema_version":2}',
        json.dumps({"files": [{"path": "../x"}]}).encode(),
    ],
)
def test_other_bytes_are_damage(data: bytes) -> None:
    with pytest.raises(IndexDamaged):
        Manifest.from_json(data)
