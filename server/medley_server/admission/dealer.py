"""Dealing turns: a queue per adapter, adapter slots that go round, and seats shared fairly.

No clock runs here and nothing is awaited: whoever asks or ends a turn moves it on.
"""

import itertools
from collections.abc import Callable

from medley_server.admission.flow import Flow, Turn


class Dealer:
    """Grants turns: first come, first served within an adapter; between adapters, in fair shares.

    **Seats.** The next turn goes to the flow (an adapter, or the base) that has the fewest seats
    taken; of equals, to the one that has waited longest for a turn. Seats in use are what is
    shared, and not turns granted as round robin does or tokens as deficit round robin does: long
    answers count for as long as they last, no one has to guess their length, and nothing is left
    over to be made up for. If the next turn needs more seats than are free, they are kept until it
    has them.

    **Slots.** Adapters without a slot stand in line for one. A slot is free as soon as its adapter
    has nothing running and nothing waiting. When an adapter has stood in line for `ageing_s`, the
    slot that was held longest (for `ageing_s` at least, so that slots are not handed about for one
    request each, and with a turn granted on it) is closed: nothing new is granted on it, and it
    passes on when its last running turn has ended. Its old holder joins the end of the line.

    **The bound.** Let `L` be the longest that a turn runs, `S` the slots, and `p` the adapters in
    line before this one. Then the oldest request of an adapter waits at most::

        W = (S + 2) * L                 for seats, once it has a slot; 0 while seats are plenty
        R = max(ageing_s, W) + L        until a slot passes on that is held while others wait
        L + ageing_s + (p // S + 1) * R + 2 * W

    For seats: its adapter's own turns end, and it has the fewest then; each other flow may have one
    turn before it; and then seats are kept for it. For a slot: its own may just have been closed,
    and `L` goes by until it stands in line; it ages; and while it and the `p` before it are aged,
    of the slots that were held longest as many are closed as are wanted, so all `S` of them pass
    on within each `R`.

    `tests/unit/server/admission/test_dealer.py` holds the dealer to it. The third adapter of E11
    waits for `2 * ageing_s + L` at most.
    """

    def __init__(
        self, *, slots: int, seats: int, ageing_s: float, clock: Callable[[], float]
    ) -> None:
        """Deals what an engine has.

        Args:
            slots: adapters that can be in one batch.
            seats: sequences that can.
            ageing_s: how long an adapter waits before another must make room.
            clock: seconds; never goes back.
        """
        self.slots, self.seats = slots, seats
        self.seats_taken = 0
        self.waiting = 0
        """How many turns wait, of all flows."""
        self._ageing_s = ageing_s
        self._clock = clock
        self._order = itertools.count()
        self._flows: dict[str | None, Flow] = {}
        self._line: dict[Flow, None] = {}  # without a slot, who came first is first
        self._holders: dict[Flow, None] = {}  # with a slot, who has had his longest is first

    @property
    def flows(self) -> list[Flow]:
        """Those that have turns now."""
        return list(self._flows.values())

    def ask(self, name: str | None, label: str, *, seats: int = 1, is_owed: bool = False) -> Turn:
        """A turn, granted already or in its queue; `end` gives it back in either case.

        Args:
            name: the engine's name of the adapter; None for the base.
            label: what people call it.
            seats: sequences it will have; never counted as more than there are.
            is_owed: see `Turn`.
        """
        if (flow := self._flows.get(name)) is None:
            flow = self._flows[name] = Flow(name, label, next(self._order))
        now = self._clock()
        turn = Turn(flow, min(max(seats, 1), self.seats), now, is_owed=is_owed)
        flow.waiting.append(turn)
        self.waiting += 1
        if name is not None and flow not in self._holders and flow not in self._line:
            self._stand_in_line(flow, now)
        self._deal(now)
        return turn

    def end(self, turn: Turn) -> None:
        """Takes back a turn that has run, or one that is waited for no longer; again: nothing."""
        if turn.is_ended:
            return
        turn.is_ended = True
        flow = turn.flow
        if turn.granted_at is None:
            flow.waiting.remove(turn)
            self.waiting -= 1
        else:
            flow.running -= 1
            flow.seats -= turn.seats
            self.seats_taken -= turn.seats
        if not flow.waiting:
            self._line.pop(flow, None)
            if not flow.running:
                self._holders.pop(flow, None)
                del self._flows[flow.name]
        self._deal(self._clock())

    def _deal(self, now: float) -> None:
        while True:
            self._pass_slots(now)
            ready = [flow for flow in (*self._holders, *self._base()) if flow.may_run]
            if not ready:
                return
            flow = min(ready, key=lambda one: (one.seats, one.order))
            if flow.waiting[0].seats > self.seats - self.seats_taken:
                return
            self._grant(flow, now)

    def _base(self) -> tuple[Flow, ...]:
        base = self._flows.get(None)
        return () if base is None else (base,)

    def _grant(self, flow: Flow, now: float) -> None:
        turn = flow.waiting.popleft()
        self.waiting -= 1
        flow.running += 1
        flow.seats += turn.seats
        self.seats_taken += turn.seats
        flow.order = next(self._order)
        flow.is_served = True
        turn.granted_at = now
        turn.on_grant()

    def _pass_slots(self, now: float) -> None:
        self._close_slots(now)
        for flow in [flow for flow in self._holders if flow.is_closed and not flow.running]:
            del self._holders[flow]
            if flow.waiting:
                self._stand_in_line(flow, now)
        while self._line and len(self._holders) < self.slots:
            self._take_slot(next(iter(self._line)), now)

    def _close_slots(self, now: float) -> None:
        """As many as adapters have stood in line too long; a promise nobody needs is taken back."""
        aged = sum(now - flow.since >= self._ageing_s for flow in self._line)
        to_close = aged - (self.slots - len(self._holders))
        # What is closed already stays so, or slots would be closed in turn and none ever pass.
        for flow in sorted(self._holders, key=lambda one: not one.is_closed):
            is_due = flow.is_served and now - flow.since >= self._ageing_s
            flow.is_closed = is_due and to_close > 0
            to_close -= flow.is_closed

    def _stand_in_line(self, flow: Flow, now: float) -> None:
        self._line[flow] = None
        flow.since, flow.has_slot, flow.is_closed = now, False, False

    def _take_slot(self, flow: Flow, now: float) -> None:
        del self._line[flow]
        self._holders[flow] = None
        flow.since, flow.has_slot, flow.is_served = now, True, False
        flow.order = next(self._order)
