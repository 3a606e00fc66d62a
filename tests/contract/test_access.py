"""Access keys."""

from datetime import timedelta

import pytest
from medley_registry import AccessDenied, AdmissionRefused, KeyNotFound, Registry, timestamps


def test_a_secret_opens_what_its_key_was_given(registry: Registry) -> None:
    key, secret = registry.access.add("ci", scopes=["publish", "promote:canary"], actor="eve")

    found = registry.access.authenticate(secret)

    assert found == key
    assert found.allows("publish")
    assert found.allows("promote:canary")
    assert not found.allows("promote:production")
    assert not found.allows("infer")


def test_an_admin_may_do_everything(registry: Registry) -> None:
    _, secret = registry.access.add("root", scopes=["admin"], actor="eve")

    key = registry.access.authenticate(secret)

    assert all(key.allows(s) for s in ("infer", "publish", "promote:production", "admin"))


def test_a_key_for_every_alias_is_no_admin(registry: Registry) -> None:
    _, secret = registry.access.add("release", scopes=["promote:*"], actor="eve")

    key = registry.access.authenticate(secret)

    assert key.allows("promote:production")
    assert not key.allows("publish")
    assert not key.allows("admin")


def test_the_secret_itself_is_not_kept(registry: Registry) -> None:
    _, secret = registry.access.add("ci", scopes=["infer"], actor="eve")

    kept = repr((registry.access.keys(), registry.events()))

    assert secret not in kept
    assert secret.split("_", 2)[2] not in kept


@pytest.mark.parametrize("wrong", ["", "mdl_", "Bearer x", "mdl_0123456789abcdef_" + "A" * 43])
def test_what_is_no_secret_opens_nothing(registry: Registry, wrong: str) -> None:
    with pytest.raises(AccessDenied):
        registry.access.authenticate(wrong)


def test_a_secret_with_one_character_changed_opens_nothing(registry: Registry) -> None:
    _, secret = registry.access.add("ci", scopes=["infer"], actor="eve")

    with pytest.raises(AccessDenied):
        registry.access.authenticate(secret[:-1] + ("A" if secret[-1] != "A" else "B"))


def test_a_revoked_key_opens_nothing(registry: Registry) -> None:
    key, secret = registry.access.add("ci", scopes=["infer"], actor="eve")
    registry.access.revoke(key.key_id, actor="eve")

    with pytest.raises(AccessDenied):
        registry.access.authenticate(secret)
    with pytest.raises(KeyNotFound):
        registry.access.revoke(key.key_id, actor="eve")


def test_an_expired_key_opens_nothing(registry: Registry) -> None:
    soon = timestamps.now() - timedelta(seconds=1)
    _, secret = registry.access.add("ci", scopes=["infer"], actor="eve", expires_at=soon)

    with pytest.raises(AccessDenied):
        registry.access.authenticate(secret)


@pytest.mark.parametrize("scopes", [[], ["root"], ["promote:"], ["promote:Production"], [""]])
def test_a_scope_is_one_of_those_there_are(registry: Registry, scopes: list[str]) -> None:
    with pytest.raises(AdmissionRefused, match="scope"):
        registry.access.add("ci", scopes=scopes, actor="eve")
