"""`medley registry key …` and `medley registry access …`."""

import json
from pathlib import Path

import pytest
from medley_registry import AccessDenied, make_key, open_registry

from tests.unit.registry.commands.shell import medley


def test_a_trusted_key_can_be_printed_and_trusted_elsewhere(home: Path) -> None:
    made = make_key(home / "ward.pem")
    medley("registry", "key", "trust", home / "ward.pem", "--name", "St. Anna, ward 3")
    there = ["--registry", home / "there"]
    medley("registry", "init", "--no-key", *there)

    (home / "public.pem").write_text(medley("registry", "key", "show", made.key_id[:12]).stdout)
    done = medley("registry", "key", "trust", home / "public.pem", "--name", "ward 3", *there)

    assert "PRIVATE" not in (home / "public.pem").read_text()
    assert done.stdout == f"{made.key_id} is trusted as ward 3\n"


def test_a_key_that_is_trusted_no_longer_says_since_when(home: Path) -> None:
    made = make_key(home / "ward.pem")
    medley("registry", "key", "trust", home / "ward.pem", "--name", "ward", "--until", "2099-12-31")

    before = medley("registry", "key", "list").stdout
    done = medley("registry", "key", "distrust", made.key_id[:8], "--reason", "lost")
    after = medley("registry", "key", "list").stdout

    assert "2099-12-31 23:59:59Z" in before
    assert done.stdout == f"{made.key_id} is trusted no longer\n"
    assert "distrusted 20" in after


def test_a_file_without_a_key_is_refused(home: Path) -> None:
    (home / "x.pem").write_text("no key")

    done = medley("registry", "key", "trust", home / "x.pem", "--name", "x")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_a_secret_is_shown_once_and_works(home: Path) -> None:
    done = medley(
        "registry", "access", "add", "bob", "--scope", "infer", "--scope", "promote:canary"
    )

    secret = done.stdout.strip()
    assert "for bob: infer, promote:canary" in done.stderr
    assert secret not in medley("registry", "access", "list", "--json").stdout
    assert secret not in medley("registry", "events", "--json").stdout
    with open_registry(home / "registry") as registry:
        assert registry.access.authenticate(secret).name == "bob"


def test_a_revoked_key_opens_nothing(home: Path) -> None:
    key = json.loads(
        medley("registry", "access", "add", "bob", "--scope", "admin", "--json").stdout
    )

    done = medley("registry", "access", "revoke", key["key_id"])

    assert done.stdout == f"{key['key_id']} (bob) is revoked\n"
    assert "revoked 20" in medley("registry", "access", "list").stdout
    with open_registry(home / "registry") as registry, pytest.raises(AccessDenied):
        registry.access.authenticate(key["secret"])


def test_an_unknown_scope_is_refused(home: Path) -> None:
    done = medley("registry", "access", "add", "bob", "--scope", "everything")

    assert done.exit_code == 1
    assert done.stderr.startswith("error: refused by rule scope")
