"""What is to be measured, settled before the first server starts."""

from dataclasses import dataclass

from medley_registry.canonical import Json
from medley_registry.variants import VariantKind

from medley_training.benchmarks.answer import Slo
from medley_training.benchmarks.load import Load, LoadKind
from medley_training.errors import BadLoad

SERVED = (VariantKind.BF16, VariantKind.NF4, VariantKind.AWQ)
"""What a server can be started with."""

_QUICK = {"input_tokens": 32, "output_tokens": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All choices of `medley bench`.

    Attributes:
        variants: in the order they are measured in.
        counts: adapters of each condition; None for an engine without LoRA.
        loads: each is measured of every variant and condition.
        repeats: of every load.
        slo: what counts as good.
        has_transformers: whether the transformers lane takes part.
        together: whether all engines are up at once; None lets the machine decide.
        engine_flags: for vLLM.
        uses_prefix_cache: the engine's, and prompts that share a prefix.
        is_quick: a short run of the same.
    """

    variants: tuple[VariantKind, ...]
    counts: tuple[int | None, ...]
    loads: tuple[Load, ...]
    repeats: int
    slo: Slo
    has_transformers: bool = True
    together: bool | None = None
    engine_flags: tuple[str, ...] = ()
    uses_prefix_cache: bool = False
    is_quick: bool = False

    @property
    def adapters(self) -> int:
        """The most that answer at once."""
        return max((count for count in self.counts if count), default=0)

    @property
    def suite(self) -> str:
        """What evidence calls this."""
        return "bench-quick" if self.is_quick else "bench"

    def to_json(self) -> dict[str, Json]:
        """What no row says."""
        return {
            "repeats": self.repeats,
            "slo": self.slo.to_json(),
            "prefix_cache": self.uses_prefix_cache,
        }


def parse_variants(text: str) -> tuple[VariantKind, ...]:
    """Reads ``bf16,nf4,awq``.

    Raises:
        BadLoad: something else, or one of them twice.
    """
    words = [word.strip() for word in text.split(",")]
    if not set(words) <= {kind.value for kind in SERVED} or len(set(words)) < len(words):
        raise BadLoad(f"--variants takes bf16, nf4 and awq, each once; not {text!r}")
    return tuple(VariantKind(word) for word in words)


def loads(
    *,
    kind: LoadKind,
    concurrency: str,
    rate_per_s: float | None,
    input_tokens: int | None,
    output_tokens: int | None,
    requests: int | None,
    seed: int,
    shares_prefix: bool,
    is_quick: bool,
) -> tuple[Load, ...]:
    """A load for each concurrency in ``1,8``; what is None depends on `is_quick`.

    Without `requests`, there are twice as many as are in flight, and at least four.

    Raises:
        BadLoad: they are no numbers, or the load cannot be.
    """
    words = [word.strip() for word in concurrency.split(",")]
    if not all(word.isdigit() for word in words) or len(set(words)) < len(words):
        raise BadLoad(f"--concurrency takes numbers, as in 1,8; not {concurrency!r}")
    lengths = _QUICK if is_quick else {}
    lengths |= {} if input_tokens is None else {"input_tokens": input_tokens}
    lengths |= {} if output_tokens is None else {"output_tokens": output_tokens}
    return tuple(
        Load(
            kind=kind,
            concurrency=at_once,
            rate_per_s=rate_per_s,
            requests=requests or _requests(at_once, is_quick=is_quick),
            seed=seed,
            shares_prefix=shares_prefix,
            **lengths,
        )
        for at_once in map(int, words)
    )


def _requests(concurrency: int, *, is_quick: bool) -> int:
    return max(2, concurrency) if is_quick else max(4, 2 * concurrency)
