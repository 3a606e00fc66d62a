"""Whose tokens an answer is made of.

Greedy answers of one version are the same whenever it is asked, but for near ties: the sums of a
batch are rounded otherwise than those of a request alone, and of two tokens that are about as
likely either may win. So an answer that is not word for word a version's own is put to that version
once more, token by token: it is that version's if each token is within `NEAR_TIE` of the likeliest.
Only prompts are used whose other versions' answers are further off by far.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from medley_training.benchmarks.swaps.asking import Reply, Tokens
from medley_training.benchmarks.swaps.lane import Act

NEAR_TIE = 0.25
"""Nats."""

Surprise = Callable[[Act, int, Tokens], Awaitable[Sequence[float]]]
"""See `Asking.surprise`."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One swap: from when the new version may answer, and from when nothing else may."""

    act: Act
    begun: float
    settled: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one reply.

    Attributes:
        version: whose it is; None for one that no single version would have given.
        wrong_tokens: of how many the version is not one that may have answered.
    """

    version: Act | None
    wrong_tokens: int


class Judge:
    """Knows what each version answers when it is asked alone."""

    def __init__(self, alone: Mapping[tuple[Act, int], Tokens], surprise: Surprise) -> None:
        self._alone = alone
        self._surprise = surprise
        self._known: dict[tuple[Act, int, Tokens], int] = {}

    async def judge(self, reply: Reply, allowed: Sequence[Act]) -> Verdict:
        """Holds a reply against the versions that may have answered."""
        wrong = len(reply.tokens)
        for act in allowed:
            off = await self._wrong_tokens(act, reply.prompt, reply.tokens)
            if off == 0:
                return Verdict(act, 0)
            wrong = min(wrong, off)
        return Verdict(None, wrong)

    async def _wrong_tokens(self, act: Act, prompt: int, tokens: Tokens) -> int:
        if self._alone[act, prompt][: len(tokens)] == tokens:
            return 0
        key = (act, prompt, tokens)
        if key not in self._known:
            gaps = await self._surprise(act, prompt, tokens)
            self._known[key] = sum(gap > NEAR_TIE for gap in gaps)
        return self._known[key]


def allowed_for(reply: Reply, named: Act | None, switches: Sequence[Switch]) -> list[Act]:
    """The versions that may have answered; where the answer names one, that one alone or none.

    The version that was in place when the request was sent, or any that a swap was about to put
    there before it ended: each as a whole.

    Args:
        reply: the answer.
        named: what it says it is from.
        switches: all, in order.
    """
    current = Act(reply.adapter, 1)
    maybe: list[Act] = []
    for switch in switches:
        if switch.act.adapter != reply.adapter or switch.begun > reply.ended:
            continue
        if switch.settled <= reply.sent:
            current, maybe = switch.act, []
        else:
            maybe.append(switch.act)
    allowed = [current, *maybe]
    if named is None:
        return allowed
    return [named] if named in allowed else []
