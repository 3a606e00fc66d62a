"""A server starts from what it knew last, while the registry is away."""

import asyncio
import shutil
import sqlite3
import stat
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from medley_registry import AccessDenied, Registry, RegistryError, Unavailable, Version
from medley_registry.backends.sqlite import create_sqlite_index
from medley_server import last_good_state, waiting_index
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable
from medley_server.last_good_state import (
    LOOK_S,
    RESTLESS_S,
    LastGoodState,
    failure_of,
    open_last_good,
    save,
    saved_path,
)
from medley_server.settings import ServeSettings
from medley_server.starting import find_base

from tests.builders import TINY, make_adapter
from tests.unit.server.test_swap import Follows


@pytest.fixture
def secret(registry: Registry) -> str:
    return registry.access.add("ward", scopes=["infer"], actor="t")[1]


@pytest.fixture
def away(
    registry: Registry,
    versions: list[Version],
    secret: str,
    settings: ServeSettings,
    tmp_path: Path,
) -> Path:
    """The state was saved and the version in production lies here; then the registry went."""
    save(registry, saved_path(settings))
    registry.checkout(versions[0], settings.cache)
    registry.close()
    (tmp_path / "registry").rename(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def test_while_the_registry_is_there_it_is_what_is_opened(
    registry: Registry, versions: list[Version], settings: ServeSettings
) -> None:
    with open_last_good(settings) as opened:
        assert failure_of(opened) is None
        assert opened.head() == registry.head()


@pytest.mark.usefixtures("away")
async def test_the_aliases_are_served_as_they_stood_from_the_files_that_lie_here(
    settings: ServeSettings, engine: FakeEngine, versions: list[Version]
) -> None:
    with open_last_good(settings) as saved:
        here = Follows(saved, engine, settings.cache)
        await here.follower.reconcile()

        assert here.production == "note:1"
        assert "no registry at" in (failure_of(saved) or "")
        with pytest.raises(AdapterUnavailable, match="registry is away"):
            await here.residency.ensure(versions[1])


@pytest.mark.usefixtures("away")
def test_keys_that_were_known_count_and_no_others(settings: ServeSettings, secret: str) -> None:
    with open_last_good(settings) as saved:
        assert saved.access.authenticate(secret).name == "ward"
        with pytest.raises(AccessDenied):
            saved.access.authenticate(secret[:-1] + ("a" if secret[-1] != "a" else "b"))


@pytest.mark.usefixtures("away")
def test_keys_that_were_saved_long_ago_count_no_more(
    settings: ServeSettings, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_index, "KEYS_S", -1.0)
    with open_last_good(settings) as saved:
        assert len(saved.access.keys()) == 1, "that keys are needed is still known"
        with pytest.raises(Unavailable, match="too old"):
            saved.access.authenticate(secret)


@pytest.mark.usefixtures("away")
def test_nothing_is_changed_while_the_registry_is_away(settings: ServeSettings) -> None:
    with open_last_good(settings) as saved, pytest.raises(Unavailable, match="away"):
        saved.promote("note", 2, actor="t")


async def test_a_registry_that_comes_back_is_followed(
    away: Path, settings: ServeSettings, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_index, "REOPEN_S", 0.0)
    with open_last_good(settings) as saved:
        here = Follows(saved, engine, settings.cache)
        await here.follower.reconcile()
        away.rename(away.with_name("registry"))
        saved.promote("note", 2, actor="t")
        await here.follower.reconcile()

        assert here.production == "note:2"
        assert failure_of(saved) is None


@pytest.mark.usefixtures("away")
def test_a_base_may_be_named_by_its_folder_as_before(
    settings: ServeSettings, tmp_path: Path
) -> None:
    with open_last_good(settings) as saved:
        known = saved.base(TINY)

        assert find_base(saved, str(known.path)) == known
        shutil.copytree(known.path, tmp_path / "other")
        with pytest.raises(Unavailable, match="away"):
            find_base(saved, str(tmp_path / "other"))


def test_a_registry_that_is_damaged_is_away_too(
    registry: Registry, versions: list[Version], settings: ServeSettings, tmp_path: Path
) -> None:
    save(registry, saved_path(settings))
    registry.close()
    for left in (tmp_path / "registry").glob("registry.db-*"):
        left.unlink()
    (tmp_path / "registry" / "registry.db").write_bytes(b"not a database" * 1000)

    with open_last_good(settings) as saved:
        assert [base.name for base in saved.bases()] == [TINY]


def test_without_a_saved_state_a_registry_that_is_away_is_an_error(
    settings: ServeSettings, tmp_path: Path, registry: Registry
) -> None:
    registry.close()
    (tmp_path / "registry").rename(tmp_path / "elsewhere")

    with pytest.raises(RegistryError, match="no registry at"), open_last_good(settings):
        pass


def test_the_state_is_its_owners_and_a_new_one_takes_the_place_of_the_old(
    registry: Registry, versions: list[Version], settings: ServeSettings, tmp_path: Path
) -> None:
    path = saved_path(settings)
    save(registry, path)
    registry.publish(make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t")

    save(registry, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [left.name for left in path.parent.iterdir()] == [path.name]
    registry.close()
    (tmp_path / "registry").rename(tmp_path / "elsewhere")
    with open_last_good(settings) as saved:
        assert len(saved.versions("note")) == 3


def test_a_state_that_did_not_get_into_its_file_replaces_nothing(
    registry: Registry, settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved_path(settings)
    save(registry, path)
    before = path.read_bytes()
    others: list[sqlite3.Connection] = []

    def create_and_hold(incoming: Path) -> None:
        create_sqlite_index(incoming)
        others.append(sqlite3.connect(incoming))  # what is open elsewhere is not settled on closing
        others[0].execute("SELECT count(*) FROM base").fetchone()

    monkeypatch.setattr("medley_registry.backends.sqlite.create_sqlite_index", create_and_hold)
    with pytest.raises(Unavailable, match="no room"):
        save(registry, path)
    others[0].close()

    assert path.read_bytes() == before
    assert [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.usefixtures("away")
def test_nobody_waits_for_a_registry_that_takes_long_to_say_that_it_is_away(
    settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_index, "REOPEN_S", 0.0)
    may_end = threading.Event()
    tries: list[str] = []

    def silent(*_: object, **__: object) -> Registry:
        tries.append("once")
        may_end.wait(60)
        raise Unavailable("no answer")

    with open_last_good(settings) as saved:
        monkeypatch.setattr(last_good_state, "open_registry", silent)

        assert [base.name for base in saved.bases()] == [TINY]
        assert [base.name for base in saved.bases()] == [TINY]
        assert tries == ["once"]
        may_end.set()


async def test_it_is_saved_when_nothing_more_happens_or_after_a_minute_of_unrest(
    monkeypatch: pytest.MonkeyPatch, registry: Registry, tmp_path: Path
) -> None:
    saved_at: list[int] = []
    clock = 1000.0
    head = 0

    def note(_registry: Registry, _path: Path) -> None:
        saved_at.append(head)

    async def next_look(_seconds: float) -> None:
        nonlocal clock, head
        clock += LOOK_S
        head += head < 40  # something new at each look, up to the fortieth
        if clock > 1200:
            raise asyncio.CancelledError

    monkeypatch.setattr(last_good_state, "save", note)
    monkeypatch.setattr(last_good_state, "time", SimpleNamespace(monotonic=lambda: clock))
    looking = SimpleNamespace(sleep=next_look, to_thread=asyncio.to_thread)
    monkeypatch.setattr(last_good_state, "asyncio", looking)

    with pytest.raises(asyncio.CancelledError):
        await LastGoodState(registry, tmp_path / "saved.db").keep(lambda: head)

    assert saved_at == [0, RESTLESS_S / LOOK_S, 40]
