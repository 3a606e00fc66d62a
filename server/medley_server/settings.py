"""What `medley serve` is told, checked once and passed down."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from medley_server.errors import CannotStart

OUR_FLAGS = frozenset(
    {"--host", "--port", "--uds", "--model", "--served-model-name", "--api-key", "--max-loras"}
    | {"--enable-lora", "--no-enable-lora", "--lora-modules", "--api-server-count"}
)
OUR_FLAGS_HINT = "use medley serve's own --base, --host, --port, --max-loras and MEDLEY_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """How one server runs.

    Attributes:
        base: a registered name, or a folder.
        registry: its address; None for the default (`medley_registry.open_registry`).
        host: address to listen on.
        port: port to listen on.
        api_keys: bearer keys that may call; empty only on a loopback address.
        max_loras: adapters in one batch; None sizes it by the registry.
        cache: folder for verified adapter files.
        resident: versions to keep loaded beyond those in use.
        max_body_bytes: longest request body.
        engine_flags: passed to vLLM as they are.
    """

    base: str
    registry: str | None
    host: str
    port: int
    api_keys: tuple[str, ...]
    max_loras: int | None
    cache: Path
    resident: int = 16
    max_body_bytes: int = 64 * 1024 * 1024
    engine_flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks what only makes sense together.

        Raises:
            CannotStart: open to others without keys, or vLLM is told what Medley decides.
        """
        for flag in self.engine_flags:
            if flag.split("=")[0].replace("_", "-") in OUR_FLAGS:
                raise CannotStart(f"{flag} is not for vLLM here: {OUR_FLAGS_HINT}")
        if not self.api_keys and not _is_loopback(self.host):
            raise CannotStart(
                f"{self.host} can be reached from other machines, so callers need keys: set "
                "MEDLEY_API_KEY (several: separated by commas), or listen on 127.0.0.1"
            )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
