"""The coordinator's side: a SuperLink for as long as a run takes."""

import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.durable import disk_errors, make_folder

from medley_training.errors import BadKey, RoundError
from medley_training.flower.certificates import CertificateFolder
from medley_training.flower.key_file import read_key_file
from medley_training.flower.process import FlowerProcess, free_port, quiet_flower, shared_secret

if TYPE_CHECKING:
    from medley_training.flower.control import Control
    from medley_training.flower.sites import FlowerSites

_START_S = 60.0
_PORT_S = 6.0
_LOOK_EVERY_S = 0.2


@contextmanager
def serve_coordinator(
    folder: Path,
    *,
    listen: str,
    certificates: CertificateFolder,
    only: Collection[str] | None = None,
) -> Iterator["FlowerSites"]:
    """Run a SuperLink while the block runs, and give the sites that it lets in.

    Only what a site's node needs can be reached from outside, over TLS and with a known node key.
    The SuperLink's two other ports are on loopback, and the one for messages takes a secret that
    only this process and the SuperLink know.

    `folder` may be used again after a crash, and should be: the SuperLink's database in it holds
    which node is which, so sites that are still there go on as if nothing had been. What was under
    way is not continued by Flower. The run folder says what is done; the caller asks again for
    the rest, and a site that has the answer ready sends it at once.

    Args:
        folder: The SuperLink's database and log. One coordinator at a time.
        listen: HOST:PORT for the sites, ``0.0.0.0:9092`` for every address of this machine.
        certificates: Who the coordinator is, and the node keys of the sites.
        only: Let in these sites and no others; without it, all that have a node key there.

    Raises:
        BadKey: A certificate or key is missing or damaged, or one of `only` has no node key.
        RoundError: The SuperLink does not start, or ends while it is needed.
        Unavailable: The folder cannot be written.
    """
    quiet_flower()
    from medley_training.flower.control import Control
    from medley_training.flower.exchange import Exchange
    from medley_training.flower.sites import FlowerSites

    keys = _admitted(certificates, only)
    with disk_errors(folder):
        make_folder(folder.absolute())
    _wait_until_free(listen)
    control_address, exchange_address = (f"127.0.0.1:{free_port()}" for _ in range(2))
    options = [
        *("--fleet-api-address", listen),
        *("--control-api-address", control_address),
        *("--serverappio-api-address", exchange_address),
        *("--database", str(folder.absolute() / "superlink.sqlite")),
        *_fixed_options(certificates),
    ]
    with (
        shared_secret(folder) as secret,
        FlowerProcess("superlink", [*options, *secret.options], folder=folder) as superlink,
        Control(control_address, certificates.authority) as control,
    ):
        _wait_for(superlink, control)
        control.admit_only(keys.values())
        run_id = control.start_run()
        with Exchange(exchange_address, secret=secret.value, run_id=run_id) as exchange:
            yield FlowerSites(control, exchange, keys)


def _admitted(certificates: CertificateFolder, only: Collection[str] | None) -> Mapping[str, bytes]:
    """The node keys to let in, once it is sure that the other files are there too."""
    for path in (certificates.authority, certificates.certificate, certificates.key):
        read_key_file(path)
    keys = certificates.node_keys()
    folder = certificates.path / "sites"
    if missing := sorted(set(only or ()) - keys.keys()):
        raise BadKey(f"{missing[0]} has no node key: {folder / missing[0]}.pub is missing")
    if not keys:
        raise RoundError(f"no site is let in: {folder} holds no NAME.pub")
    return keys if only is None else {name: keys[name] for name in sorted(only)}


def _fixed_options(certificates: CertificateFolder) -> list[str]:
    return [
        *("--ssl-ca-certfile", str(certificates.authority)),
        *("--ssl-certfile", str(certificates.certificate)),
        *("--ssl-keyfile", str(certificates.key)),
        *("--isolation", "process"),  # we are the process of the run's ServerApp
        "--enable-supernode-auth",
        "--disable-runtime-dependency-installation",
    ]


def _wait_until_free(address: str) -> None:
    """Give the SuperLink of a coordinator that was killed the moment that it needs to end."""
    host, _, port = address.rpartition(":")
    until = time.monotonic() + _PORT_S
    while True:
        try:
            with socket.create_server(
                (host.strip("[]"), int(port)),
                family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            ):
                return
        except ValueError as error:
            raise RoundError(f"{address} is not HOST:PORT") from error
        except OSError as error:
            if time.monotonic() >= until:
                raise RoundError(f"cannot listen at {address}: {error.strerror}") from error
        time.sleep(_LOOK_EVERY_S)


def _wait_for(superlink: FlowerProcess, control: "Control") -> None:
    until = time.monotonic() + _START_S
    while superlink.is_running and time.monotonic() < until:
        if control.answers:
            return
        time.sleep(_LOOK_EVERY_S)
    raise RoundError(f"the SuperLink did not start: {superlink.last_words}")
