"""What `medley serve` is told, checked once and passed down."""

from dataclasses import dataclass, field
from pathlib import Path

from medley_registry import VariantKind

from medley_server.admission.settings import AdmissionSettings
from medley_server.callers import is_loopback
from medley_server.errors import CannotStart
from medley_server.extraction_settings import ExtractionSettings
from medley_server.limits.table import Limits
from medley_server.listed_hosts import check_list

OUR_FLAGS = frozenset(
    {"--host", "--port", "--uds", "--model", "--served-model-name", "--api-key", "--max-loras"}
    | {"--enable-lora", "--no-enable-lora", "--lora-modules", "--api-server-count"}
    | {"--worker-extension-cls"}
)
OUR_FLAGS_HINT = (
    "use medley serve's own --base, --variant, --host, --port, --max-loras and MEDLEY_API_KEY"
)
WEIGHT_FLAGS = frozenset(
    {"--quantization", "--quantization-config", "--load-format", "--hf-overrides", "--config"}
)
"""What would let other weights be served than the variant says, under the variant's name."""
LOG_FLAGS = frozenset(
    {"--enable-log-requests", "--enable-log-outputs", "--enable-log-deltas", "--log-error-stack"}
)
"""What would let vLLM write prompts, answers and bodies that it refuses into the log."""
LOG_FLAGS_HINT = "what callers send and get stands in no log (docs/security.md)"
WEIGHT_FLAGS_HINT = "what is served is said by medley serve's own --base and --variant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """How one server runs.

    Attributes:
        base: a registered name, or a folder.
        variant: the form of it to serve; None for the form that `base` names.
        registry: its address; None for the default (`medley_registry.open_registry`).
        blobs: where its bytes are, if elsewhere.
        tenant: which registry there; None for the place's own.
        host: address to listen on.
        port: port to listen on.
        api_keys: bearer keys that may do everything, besides the registry's access keys.
        max_loras: adapters in one batch; None for the usual number, 0 for the base alone.
        cache: folder for verified adapter files; uploads lie beside it while they come in.
        resident: versions to keep loaded.
        keep_previous: of these, how many that an alias answered with before, for each alias.
        max_body_bytes: longest request body.
        engine_flags: passed to vLLM as they are.
        extraction: what documents may cost.
        has_page: whether there is a web page at `/`.
        admission: how many requests may wait for the engine, and how long.
        limits: what each key may ask for.
        image_hosts: names, addresses and networks that media may be fetched from; none: nowhere.
        access_log: a file; `-` for stdout, `none` for no log of requests.
    """

    base: str
    registry: str | None
    host: str
    port: int
    api_keys: tuple[str, ...]
    max_loras: int | None
    cache: Path
    resident: int = 16
    keep_previous: int = 1
    max_body_bytes: int = 64 * 1024 * 1024
    engine_flags: tuple[str, ...] = ()
    blobs: str | None = None
    tenant: str | None = None
    variant: VariantKind | None = None
    extraction: ExtractionSettings = field(default_factory=ExtractionSettings)
    has_page: bool = True
    admission: AdmissionSettings = field(default_factory=AdmissionSettings)
    limits: Limits = field(default_factory=Limits)
    image_hosts: tuple[str, ...] = ()
    access_log: str = "none"

    def __post_init__(self) -> None:
        """Checks what only makes sense together.

        Raises:
            CannotStart: vLLM is told what Medley decides.
        """
        for flag in self.engine_flags:
            if _is_among(OUR_FLAGS, flag):
                raise CannotStart(f"{flag} is not for vLLM here: {OUR_FLAGS_HINT}")
            if _is_among(WEIGHT_FLAGS, flag):
                raise CannotStart(f"{flag} is not for vLLM here: {WEIGHT_FLAGS_HINT}")
            if _is_among(LOG_FLAGS, flag):
                raise CannotStart(f"{flag} is not for vLLM here: {LOG_FLAGS_HINT}")
        check_list(self.image_hosts, flag="--image-hosts")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def uploads(self) -> Path:
        """Where files lie while they are being sent; on the disk of the cache, never in /tmp."""
        return self.cache.with_name("uploads")

    @property
    def saved(self) -> Path:
        """Where the last good state of registries lies."""
        return self.cache.with_name("last-good")

    @property
    def jobs(self) -> Path:
        """Where documents and their results lie: beside the cache, for the server of one port."""
        return self.cache.with_name("jobs") / str(self.port)

    @property
    def page(self) -> Path:
        """Where documents lie that are dropped on the web page, until it is closed."""
        return self.cache.with_name("page") / str(self.port)

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


def _is_among(flags: frozenset[str], given: str) -> bool:
    """Whether vLLM takes it for one of them: shortened, with its value, or a place in the value."""
    if given.startswith("-q"):
        return "--quantization" in flags
    name = given.partition("=")[0].partition(".")[0].replace("_", "-")
    is_name = name.startswith("--") and name != "--"
    return is_name and any(flag.startswith(name) for flag in flags)
