"""What a site says before it is let in; the rest takes a SuperLink (tests/flower)."""

import threading
from pathlib import Path
from typing import Self

import pytest
from medley_training.errors import BadKey, RoundError
from medley_training.flower import site as site_module
from medley_training.flower.certificates import CertificateFolder, make_certificates
from medley_training.flower.coordinator import serve_coordinator
from medley_training.flower.node_key import make_node_key
from medley_training.flower.process import free_port
from medley_training.flower.site import run_site
from medley_training.rounds.transport import Request, Response


class Silent:
    def handle(self, request: Request) -> Response:
        raise AssertionError(request)


def run(folder: Path, coordinator: str, authority: Path) -> None:
    run_site(
        Silent(),
        coordinator=coordinator,
        authority=authority,
        node_key=folder / "node.key",
        folder=folder / "site",
        patience_s=0,
    )


def test_a_site_without_patience_says_that_nobody_is_there(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "certificates", [])
    make_node_key(tmp_path / "node.key")

    with pytest.raises(RoundError, match=r"no coordinator at 127\.0\.0\.1:\d+: .*[Rr]efused"):
        run(tmp_path, f"127.0.0.1:{free_port()}", files.authority)


def test_a_site_without_its_files_does_not_call(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match=r"node\.key"):
        run(tmp_path, "127.0.0.1:1", tmp_path / "ca.pem")
    make_node_key(tmp_path / "node.key")
    with pytest.raises(BadKey, match=r"ca\.pem"):
        run(tmp_path, "127.0.0.1:1", tmp_path / "ca.pem")


class Deaf:
    """A SuperNode that runs, with nobody at its desk."""

    checks = 0

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def is_running(self) -> bool:
        self.checks += 1
        assert self.checks < 5, "the site stays with it"
        return True

    last_words = "nothing"


def test_a_site_whose_answer_was_lost_ends_its_node_and_calls_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medley_training.flower.desk import Desk
    from medley_training.flower.knock import Door, Reception

    stop, calls = threading.Event(), []

    def let_in(door: Door) -> tuple[Reception, str]:
        calls.append(door.address)
        if len(calls) == 2:
            stop.set()
        return Reception.WELCOME, ""

    monkeypatch.setattr(Door, "knock", let_in)
    monkeypatch.setattr(Desk, "_claim", lambda _: "a question that nobody has")
    monkeypatch.setattr(site_module, "FlowerProcess", Deaf)
    files = make_certificates(tmp_path / "certificates", [])
    make_node_key(tmp_path / "node.key")

    run_site(
        Silent(),
        coordinator="here:1",
        authority=files.authority,
        node_key=tmp_path / "node.key",
        folder=tmp_path / "site",
        stop=stop,
    )

    assert calls == ["here:1", "here:1"]


def serve(
    certificates: CertificateFolder, listen: str, only: tuple[str, ...] | None = None
) -> None:
    folder = certificates.path / "superlink"
    with serve_coordinator(folder, listen=listen, certificates=certificates, only=only):
        raise AssertionError("it should not have started")


def test_a_coordinator_without_sites_or_an_address_does_not_start(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, [])

    with pytest.raises(RoundError, match="no site is let in"):
        serve(files, "127.0.0.1:0")
    make_node_key(files.path / "sites" / "north")
    with pytest.raises(RoundError, match="not HOST:PORT"):
        serve(files, "here")
    with pytest.raises(BadKey, match=r"south has no node key: .*south\.pub is missing"):
        serve(files, "127.0.0.1:0", only=("north", "south"))
    files.key.unlink()
    with pytest.raises(BadKey, match=r"coordinator\.key"):
        serve(files, "127.0.0.1:0")
