"""When the tokens of one request came."""

from dataclasses import dataclass
from itertools import pairwise

from medley_registry.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request; all times are seconds from the start of its turn.

    Attributes:
        model: who was asked.
        due_s: when it was to be sent. Times are counted from here, also if it was sent late: a
            stalled server must not delay the clock with which it is measured.
        sent_s: when it was sent.
        token_times_s: when each of its tokens came.
        error: why it has no answer, or not the one that was asked for.
    """

    model: str
    due_s: float
    sent_s: float
    token_times_s: tuple[float, ...] = ()
    error: str | None = None

    @property
    def ttft_ms(self) -> float:
        """To the first token."""
        return (self.token_times_s[0] - self.due_s) * 1000

    @property
    def latency_ms(self) -> float:
        """To the last token."""
        return (self.token_times_s[-1] - self.due_s) * 1000

    @property
    def gaps_ms(self) -> list[float]:
        """Between its tokens."""
        return [(after - before) * 1000 for before, after in pairwise(self.token_times_s)]

    @property
    def mean_gap_ms(self) -> float:
        """Per token after the first; 0 for an answer of one token."""
        later = len(self.token_times_s) - 1
        return sum(self.gaps_ms) / later if later else 0.0

    def to_json(self) -> dict[str, Json]:
        """As a line of the raw figures."""
        return {
            "model": self.model,
            "due_s": self.due_s,
            "sent_s": self.sent_s,
            "token_times_s": [*self.token_times_s],
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Slo:
    """What a request must keep to be of use: service level objectives.

    The defaults are MLPerf Inference's for Llama-3.1-8B in its server scenario.
    """

    ttft_ms: float = 2000
    itl_ms: float = 100

    def is_met(self, answer: Answer) -> bool:
        """Whether the first token and the mean gap after it came in time; never of a failure."""
        if answer.error is not None:
            return False
        return answer.ttft_ms <= self.ttft_ms and answer.mean_gap_ms <= self.itl_ms

    def to_json(self) -> dict[str, Json]:
        return {"ttft_ms": self.ttft_ms, "itl_ms": self.itl_ms}
