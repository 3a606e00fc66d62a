"""The SDK against a real server: what it gives is what the registry has."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import medley
import pytest
from medley import Client, ListedAdapter
from medley_registry import (
    AliasPolicy,
    Bounds,
    Digest,
    EvidenceKind,
    Lineage,
    Parent,
    Relation,
    Requirement,
    Traffic,
    Version,
    VersionState,
    make_key,
)

from tests.builders import TINY, make_adapter
from tests.unit.clients.conftest import Served, serving


@pytest.fixture
def versions(served: Served, name: str, tmp_path: Path) -> list[Version]:
    """Three versions; production is at 1."""
    for number in (1, 2, 3):
        made = make_adapter(tmp_path / f"v{number}", fill=number)
        served.registry.publish(made, name=name, base=TINY, actor="t", round=number)
    served.registry.promote(name, 1, actor="t")
    return served.registry.versions(name)


def test_what_is_published_comes_back_as_the_registry_has_it(
    client: Client, served: Served, name: str, folder: Path, versions: list[Version]
) -> None:
    parent = Parent(versions[0].reference, versions[0].digest, Relation.TRAINED_FROM)
    lineage = Lineage(parents=(parent,), run="run-7", strategy="fedavg")

    made = client.adapters.publish(
        folder,
        name=f"{name}-new",
        base=TINY,
        round=4,
        note="zweite Runde, größer",
        lineage=lineage,
        state=VersionState.DRAFT,
    )

    assert made == served.registry.resolve(f"{name}-new:1")
    assert (made.lineage, made.round, made.state) == (lineage, 4, VersionState.DRAFT)


def test_adapters_and_versions_are_those_of_the_registry(
    client: Client, served: Served, name: str, versions: list[Version]
) -> None:
    adapter = served.registry.adapter(name)
    listed = ListedAdapter(
        name=name,
        base=TINY,
        base_id=adapter.base_id,
        created_at=adapter.created_at,
        versions=3,
        aliases={"production": 1},
    )

    assert client.adapters.get(name) == listed
    assert listed in client.adapters.list()
    assert list(client.adapters.versions(name)) == versions[::-1]
    for reference in (name, f"{name}:1", f"{name}@sha256:{versions[0].digest.hex[:20]}"):
        assert client.adapters.version(reference) == versions[0]


def test_versions_are_asked_for_page_by_page(
    client: Client, name: str, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medley.adapters._PAGE", 2)

    assert [version.number for version in client.adapters.versions(name)] == [3, 2, 1]


def test_aliases_move_and_tell_their_history(
    client: Client, served: Served, name: str, versions: list[Version]
) -> None:
    there = client.adapters.promote(name, 2, expected_generation=1)
    back = client.adapters.rollback(name, expected_generation=2)
    moves = client.adapters.history(name)

    assert (there.number, back.number, back.generation) == (2, 1, 3)
    assert client.adapters.aliases(name) == (back,)
    assert list(moves) == served.registry.history(name, alias="production")
    assert client.adapters.history(name, at=moves[1].at) == (moves[1],)
    assert client.adapters.history(name, at=moves[0].at - timedelta(seconds=1)) == ()


def test_somebody_elses_move_is_told_with_the_generation_it_led_to(
    client: Client, name: str, versions: list[Version]
) -> None:
    client.adapters.promote(name, 2)

    with pytest.raises(medley.StaleGeneration) as refused:
        client.adapters.promote(name, 3, expected_generation=1)

    assert (refused.value.generation, refused.value.code) == (2, "stale_generation")


def test_a_protected_alias_says_what_is_missing_until_it_is_there(
    client: Client, served: Served, name: str, versions: list[Version]
) -> None:
    requirement = Requirement(
        kind=EvidenceKind.EVALUATION, suite="triage", metric="f1", at_least=0.8
    )
    policy = AliasPolicy(requirements=(requirement,), approvals=1)
    protection = client.adapters.protect(name, policy)
    with pytest.raises(medley.AliasProtected) as refused:
        client.adapters.promote(name, 2)

    evidence = client.adapters.add_evidence(
        name,
        2,
        kind=EvidenceKind.EVALUATION,
        suite="triage",
        suite_digest=Digest.of(b"triage"),
        environment={"device": "cpu"},
        metrics={"f1": 0.9},
    )
    _, secret = served.registry.access.add("b", scopes=["promote:production"], actor="t")
    with served.client(api_key=secret) as second:
        approval = second.adapters.approve(name, 2)
    moved = client.adapters.promote(name, 2)

    assert len(refused.value.unmet) == 2
    assert protection.policy == client.adapters.policy(name) == policy
    assert client.adapters.evidence(name, 2) == (evidence,)
    assert client.adapters.approvals(name) == (approval,)
    assert moved.number == 2


def test_traffic_is_set_read_and_halted_by_revision(
    client: Client, served: Served, name: str, versions: list[Version]
) -> None:
    tried = Traffic(canary=2, weight=12.5, shadow=3, share=1, bounds=Bounds(max_error_rate=0.1))

    nothing = client.adapters.traffic(name)
    made = client.adapters.set_traffic(name, tried, expected_revision=0)
    served.registry.traffic.halt(name, "production", 2, reason="it fails", actor="server a")
    with pytest.raises(medley.StaleRevision) as refused:
        client.adapters.set_traffic(name, tried, expected_revision=1)
    now = client.adapters.traffic(name)

    assert (nothing.revision, nothing.traffic, nothing.actor) == (0, Traffic(), None)
    assert (made.revision, made.traffic, made.halted) == (1, tried, None)
    assert refused.value.revision == 2
    assert (now.traffic.weight, now.halted, now.actor) == (0, "it fails", "server a")


def test_states_withdrawal_and_what_is_left(
    client: Client, served: Served, name: str, versions: list[Version], tmp_path: Path
) -> None:
    leaking = make_adapter(tmp_path / "leaking", fill=66)  # no other test's content goes with it
    client.adapters.publish(leaking, name=name, base=TINY)
    client.adapters.promote(name, 4)
    deprecated = client.adapters.set_state(name, 2, VersionState.DEPRECATED, reason="old")
    revoked = client.adapters.revoke(name, 4, reason="leaks names")
    tombstone = client.adapters.delete(name, 4, reason="no longer needed")

    assert deprecated.state is VersionState.DEPRECATED
    assert [(alias.number, alias.generation) for alias in revoked.moved] == [(1, 3)]
    assert tombstone == served.registry.lifecycle.tombstone(name, 4)
    with pytest.raises(medley.NotFound) as gone:
        client.adapters.version(f"{name}:4")
    assert (gone.value.status, gone.value.code) == (410, "version_deleted")


def test_a_version_is_signed_where_the_key_is(tmp_path: Path, name: str, folder: Path) -> None:
    signer = make_key(tmp_path / "key.pem")
    with serving(tmp_path / "served") as served, served.client() as client:
        served.registry.trust.add(signer.public_key, name="site 1", actor="t")
        with pytest.raises(medley.SignatureRefused):
            client.adapters.publish(folder, name=name, base=TINY)
        version = client.adapters.publish(folder, name=name, base=TINY, key=tmp_path / "key.pem")
        (signature,) = client.adapters.signatures(name, 1)

        assert [signature] == served.registry.trust.signatures(name, 1)
        assert served.registry.trust.verify(version) is not None


def test_variants_are_those_of_the_registry(
    client: Client, served: Served, name: str, versions: list[Version]
) -> None:
    assert list(client.adapters.variants(name, 1)) == served.registry.evidence.variants(name, 1)


def test_a_version_is_downloaded_as_it_was_published(
    client: Client, name: str, versions: list[Version], tmp_path: Path
) -> None:
    exact = f"{name}@{versions[1].digest}"

    version = client.adapters.download(exact, tmp_path / "down")

    assert version == versions[1]
    for path in (tmp_path / "v2").iterdir():
        assert (tmp_path / "down" / path.name).read_bytes() == path.read_bytes()


def test_a_file_damaged_on_the_server_is_never_taken_for_the_right_one(
    tmp_path: Path, name: str, folder: Path
) -> None:
    with serving(tmp_path / "served") as served, served.client(attempts=1) as client:
        version = client.adapters.publish(folder, name=name, base=TINY)
        hexes = version.manifest.files[-1].sha256.hex
        (blob,) = (tmp_path / "served" / "registry" / "blobs").rglob(f"*{hexes[4:]}")
        content = bytearray(blob.read_bytes())
        content[-1] ^= 1
        blob.chmod(0o644)
        blob.write_bytes(content)

        with pytest.raises(medley.Unreachable):
            client.adapters.download(f"{name}:1", tmp_path / "down")

    assert not (tmp_path / "down").exists()


def test_what_the_server_refuses_is_told_as_it_says_it(
    client: Client, served: Served, name: str, folder: Path, versions: list[Version]
) -> None:
    with pytest.raises(medley.NotFound) as missing:
        client.adapters.get(f"{name}x")
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(medley.AdmissionRefused) as refused:
        client.adapters.publish(folder, name=name, base=TINY)
    with served.client(api_key="wrong") as stranger, pytest.raises(medley.Unauthenticated):
        stranger.adapters.list()
    _, secret = served.registry.access.add("reader", scopes=["infer"], actor="t")
    with served.client(api_key=secret) as reader, pytest.raises(medley.Forbidden, match="publish"):
        reader.adapters.publish(folder, name=name, base=TINY)

    assert missing.value.nearest[0] == name  # adapters of other tests may be near too
    assert refused.value.rule.startswith("config-")


def test_what_cannot_be_sent_is_refused_before_it_is(
    client: Client, tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(medley.InvalidArgument, match="not a name"):
        client.adapters.get("../access-keys")
    with pytest.raises(medley.InvalidArgument):
        client.adapters.version("note:0")
    with pytest.raises(medley.InvalidArgument, match="no signing key"):
        client.adapters.publish(folder, name="n", base=TINY, key=tmp_path / "none.pem")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(medley.InvalidArgument, match=r"notes\.txt"):
        client.adapters.publish(folder, name="n", base=TINY)


def test_address_and_key_come_from_the_environment(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDLEY_URL", served.url)
    monkeypatch.setenv("MEDLEY_API_KEY", "root, another")

    with Client() as client:
        assert isinstance(client.adapters.list(), tuple)
        assert "root" not in repr(client)


def test_the_package_is_imported_without_waiting_for_what_it_exports() -> None:
    program = "import sys, medley; print(*(sys.modules.keys() & {'httpx', 'medley_registry'}))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == ""


def test_what_the_package_exports_is_there_and_sorted() -> None:
    assert medley.__all__ == sorted(medley.__all__)
    assert all(hasattr(medley, name) for name in medley.__all__)
