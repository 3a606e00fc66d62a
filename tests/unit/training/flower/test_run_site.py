"""What a site says before it is let in; the rest takes a SuperLink (tests/flower)."""

from pathlib import Path

import pytest
from medley_training.errors import BadKey, RoundError
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
