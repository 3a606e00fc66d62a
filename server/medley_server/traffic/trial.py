"""One alias's rule at work on this server: what each side has done since the rule was set."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from medley_registry.traffic import Steered, position

from medley_server.catalogue import AliasKey
from medley_server.traffic.asker import Asker
from medley_server.traffic.judging import broken, broken_errors
from medley_server.traffic.sides import Side
from medley_server.traffic.window import Seen, Window


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done in the registry; ``number`` is the version taken off, None a rollback."""

    key: AliasKey
    number: int | None
    expected: int
    reason: str


class Trial:
    """Counts and judges, under one revision of the rule and one generation of the alias.

    Each of them begins anew, so that what was seen under other shares judges nobody.
    """

    def __init__(self, steered: Steered, clock: Callable[[], float]) -> None:
        self.steered = steered
        self.rule = steered.rule
        self.traffic = steered.rule.traffic
        self.stopped: dict[int, str] = {}
        """Versions that this server sends nothing any more, whatever the registry says yet."""
        self.copies_dropped = 0
        self._is_rolling_back = False
        window_s = self.traffic.bounds.window_s
        self.windows = {side: Window(window_s, clock) for side in Side}

    @property
    def key(self) -> AliasKey:
        """Adapter and alias."""
        return self.rule.adapter, self.rule.alias

    @property
    def tried(self) -> list[int]:
        """The versions to keep loaded; one that a server took off is kept no more."""
        traffic, is_halted = self.traffic, bool(self.rule.halted)
        shares = ((traffic.canary, traffic.weight), (traffic.shadow, traffic.share))
        return [number for number, share in shares if number and (share or not is_halted)]

    def draws_canary(self, asker: Asker) -> bool:
        """Whether a request is one of those that the canary answers."""
        canary = self.traffic.canary
        if canary is None or canary in self.stopped:
            return False
        sticky = asker.sticky(self.traffic.stick)
        return position(self.rule.reference, canary, sticky) * 100 < self.traffic.weight

    def draws_shadow(self, asker: Asker) -> bool:
        """Whether a request is one of those that the shadow is asked too."""
        shadow = self.traffic.shadow
        if shadow is None or shadow in self.stopped:
            return False
        drawn = position(self.rule.reference, shadow, f"copy {asker.request_id}")
        return drawn * 100 < self.traffic.share

    def account(self, side: Side, seen: Seen, now: datetime) -> Verdict | None:
        """Counts a request that is over; gives what it was one too many for."""
        self.windows[side].add(seen)
        if side is Side.STABLE:
            return self._judge_target(now)
        number = self.traffic.canary if side is Side.CANARY else self.traffic.shadow
        if number is None or number in self.stopped:
            return None
        tallies = self.windows[side].tally(), self.windows[Side.STABLE].tally()
        if (reason := broken(self.traffic.bounds, *tallies)) is None:
            return None
        self.stopped[number] = told = f"version {number} as {side}: {reason}"
        return Verdict(self.key, number, self.rule.revision, told)

    def _judge_target(self, now: datetime) -> Verdict | None:
        at, bounds = self.steered.promoted_at, self.traffic.bounds
        if at is None or self._is_rolling_back or now - at >= timedelta(seconds=bounds.watch_s):
            return None
        if (reason := broken_errors(bounds, self.windows[Side.STABLE].tally())) is None:
            return None
        self._is_rolling_back = True
        return Verdict(self.key, None, self.steered.alias.generation, reason)

    def row(self, failures: dict[int, str]) -> dict[str, Any]:
        """As `GET /health` tells it; `failures` are of versions that could not be loaded."""
        stopped = "; ".join(self.stopped.values())
        return {
            "alias": self.rule.reference,
            "revision": self.rule.revision,
            **self.traffic.to_json(),
            "halted": self.rule.halted or stopped or None,
            "not_loaded": {str(number): why for number, why in failures.items()},
            "copies_dropped": self.copies_dropped,
            "sides": {side.value: window.row() for side, window in self.windows.items()},
        }
