"""What a course comes to, and the table that people read."""

from collections.abc import Sequence
from dataclasses import dataclass

from medley_registry.canonical import Json

from medley_training.benchmarks.spread import spread
from medley_training.benchmarks.swaps.asking import Reply
from medley_training.benchmarks.swaps.rehearsal import Course


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFigures:
    """One server's; times are milliseconds.

    Attributes:
        server: its name.
        swaps: carried out.
        requests: sent while versions were exchanged.
        failed: of all requests.
        tokens: judged.
        wrong_tokens: of them, those that no version gives that may have answered.
        torn: answers that no single version gives.
        leaked: adapters that still count a request; None where the server does not tell.
        ttft_quiet: of streamed requests, without swaps: p50 and p99.
        ttft_swapping: with them.
        promoted: from the begin of a swap to the first token of the new version: p50 and max.
        tokens_per_s: with swaps, against without.
    """

    server: str
    swaps: int
    requests: int
    failed: int
    tokens: int
    wrong_tokens: int
    torn: int
    leaked: int | None
    ttft_quiet: tuple[float, float]
    ttft_swapping: tuple[float, float]
    promoted: tuple[float, float]
    tokens_per_s: tuple[float, float]
    first_error: str | None = None

    @property
    def ttft_ratio(self) -> float:
        """Of the p99 with swaps to that without."""
        return self.ttft_swapping[1] / self.ttft_quiet[1]

    def to_json(self) -> dict[str, Json]:
        """For ``--json``."""
        told: dict[str, Json] = {
            name: list(value) if isinstance(value, tuple) else value
            for name in self.__slots__
            if (value := getattr(self, name)) is not None
        }
        return told | {"ttft_p99_ratio": round(self.ttft_ratio, 4)}


def figures_of(server: str, course: Course) -> SwapFigures:
    """Sums a course up."""
    replies = course.replies
    quiet = [phase.timed for phase in course.phases if not phase.has_swaps]
    swapping = [phase.timed for phase in course.phases if phase.has_swaps]
    failed = [reply for reply in replies if reply.error]
    promoted = spread([1000 * seconds for seconds in course.first_token_s])
    left = course.leftovers
    return SwapFigures(
        server=server,
        swaps=len(course.switches),
        requests=sum(map(len, swapping)),
        failed=len(failed),
        tokens=sum(len(reply.tokens) for reply in replies if not reply.error),
        wrong_tokens=sum(verdict.wrong_tokens for verdict in course.verdicts),
        torn=sum(verdict.version is None for verdict in course.verdicts),
        leaked=left.stuck if left else None,
        ttft_quiet=_ttft(quiet),
        ttft_swapping=_ttft(swapping),
        promoted=(promoted["p50"], promoted["max"]),
        tokens_per_s=(_rate(quiet), _rate(swapping)),
        first_error=failed[0].error if failed else None,
    )


ROWS = (
    "swaps",
    "requests meanwhile",
    "failed requests",
    "answers of no one version",
    "wrong tokens, of all",
    "adapters left in use",
    "first token p50 / p99, quiet",
    "first token p50 / p99, swapping",
    "p99 swapping / quiet",
    "promote to first token, p50 / max",
    "tokens/s, quiet / swapping",
)


def table(found: Sequence[SwapFigures]) -> list[list[str]]:
    """One row a figure, one column a server."""
    columns = [_column(each) for each in found]
    return [[name, *cells] for name, *cells in zip(ROWS, *columns, strict=True)]


def _column(one: SwapFigures) -> list[str]:
    return [
        str(one.swaps),
        str(one.requests),
        str(one.failed),
        str(one.torn),
        f"{one.wrong_tokens} of {one.tokens:,}",
        "not told" if one.leaked is None else str(one.leaked),
        _pair(one.ttft_quiet, "ms"),
        _pair(one.ttft_swapping, "ms"),
        f"{one.ttft_ratio:.2f}",
        _pair(one.promoted, "ms"),
        _pair(one.tokens_per_s, ""),
    ]


def _pair(values: tuple[float, float], unit: str) -> str:
    return f"{values[0]:,.0f} / {values[1]:,.0f} {unit}".strip()


def _ttft(phases: Sequence[Sequence[Reply]]) -> tuple[float, float]:
    seen = [
        1000 * (reply.first - reply.sent)
        for replies in phases
        for reply in replies
        if reply.is_streamed and reply.first is not None
    ]
    found = spread(seen)
    return found["p50"], found["p99"]


def _rate(phases: Sequence[Sequence[Reply]]) -> float:
    """Tokens a second of the askers: from the first request of a phase to its last token."""
    spans = [
        max(reply.ended for reply in replies) - min(reply.sent for reply in replies)
        for replies in phases
    ]
    return sum(len(reply.tokens) for replies in phases for reply in replies) / sum(spans)
