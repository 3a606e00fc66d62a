"""What `medley serve` is told, checked once and passed down."""

from dataclasses import dataclass
from pathlib import Path

from medley_server.callers import is_loopback
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
        blobs: where its bytes are, if elsewhere.
        tenant: which registry there; None for the place's own.
        host: address to listen on.
        port: port to listen on.
        api_keys: bearer keys that may do everything, besides the registry's access keys.
        max_loras: adapters in one batch; None sizes it by the registry.
        cache: folder for verified adapter files; uploads lie beside it while they come in.
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
    blobs: str | None = None
    tenant: str | None = None

    def __post_init__(self) -> None:
        """Checks what only makes sense together.

        Raises:
            CannotStart: vLLM is told what Medley decides.
        """
        for flag in self.engine_flags:
            if flag.split("=")[0].replace("_", "-") in OUR_FLAGS:
                raise CannotStart(f"{flag} is not for vLLM here: {OUR_FLAGS_HINT}")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def uploads(self) -> Path:
        """Where files lie while they are being sent; on the disk of the cache, never in /tmp."""
        return self.cache.with_name("uploads")

    def check_keys(self, *, has_access_keys: bool) -> None:
        """Refuses to be open to others.

        Raises:
            CannotStart: others can reach the address, and there are no keys to ask them for.
        """
        if not (self.api_keys or has_access_keys or self.is_local):
            raise CannotStart(
                f"{self.host} can be reached from other machines, so callers need keys: set "
                "MEDLEY_API_KEY (several: separated by commas), give the registry an access key, "
                "or listen on 127.0.0.1"
            )
