from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.server.admission.simulation import Ask, Simulation

AGEING_S = 2.0
LONGEST_S = 5.0
PLENTY = 10_000
SLACK = 1e-6

names = st.sampled_from([None, *"abcdefg"])
times = st.floats(min_value=0, max_value=30, allow_nan=False)
asks = st.builds(
    Ask,
    at=times,
    name=names,
    runs=st.floats(min_value=0.01, max_value=LONGEST_S),
    seats=st.integers(min_value=0, max_value=6),
    leaves_after=st.none() | st.floats(min_value=0, max_value=20),
)


def bound(slots: int, adapters: int, *, are_seats_scarce: bool) -> float:
    """As the dealer's docstring has it."""
    for_seats = (slots + 2) * LONGEST_S if are_seats_scarce else 0.0
    to_pass = max(AGEING_S, for_seats) + LONGEST_S
    rounds = (adapters - 1) // slots + 1
    return LONGEST_S + AGEING_S + rounds * to_pass + 2 * for_seats


@given(st.lists(asks, max_size=60), st.integers(1, 4), st.sampled_from([1, 2, 3, 5, 8, PLENTY]))
def test_every_turn_comes_within_the_bound_and_nothing_is_left_behind(
    requests: list[Ask], slots: int, seats: int
) -> None:
    def look() -> None:
        running = simulation.running
        adapters = {one.ask.name for one in running.values()} - {None}
        assert len(adapters) <= slots
        assert sum(turn.seats for turn in running) == dealer.seats_taken <= seats

    simulation = Simulation(slots=slots, seats=seats, ageing_s=AGEING_S, look=look)
    dealer = simulation.dealer

    seen = simulation.run(requests)

    stayed = [one for one in seen if one.ask.leaves_after is None]
    assert all(one.turn.granted_at is not None for one in stayed)
    most = bound(slots, 7, are_seats_scarce=seats != PLENTY) + SLACK
    assert max((one.waited_as_oldest for one in simulation.granted), default=0) <= most
    assert (dealer.flows, dealer.waiting, dealer.seats_taken) == ([], 0, 0)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(0.1, LONGEST_S), st.floats(0.3, 2.0)), min_size=1, max_size=5),
    st.lists(times, min_size=1, max_size=5),
    st.integers(1, 3),
)
def test_adapters_that_are_never_idle_keep_nobody_waiting_beyond_the_bound(
    never_idle: list[tuple[float, float]], moments: list[float], slots: int
) -> None:
    load = [
        ask
        for name, (runs, every) in zip("abcde", never_idle, strict=False)
        for ask in busy(name, runs=runs, every=every)
    ]
    late = [Ask(when, f"late{number}", runs=0.5) for number, when in enumerate(moments)]
    simulation = Simulation(slots=slots, seats=PLENTY, ageing_s=AGEING_S)

    simulation.run([*load, *late])

    most = bound(slots, len(never_idle) + len(late), are_seats_scarce=False) + SLACK
    assert max(one.waited_as_oldest for one in simulation.granted) <= most


@given(st.lists(asks, max_size=60), st.integers(1, 4), st.integers(1, 8))
def test_within_an_adapter_who_came_first_is_first(
    requests: list[Ask], slots: int, seats: int
) -> None:
    simulation = Simulation(slots=slots, seats=seats)

    seen = simulation.run(requests)

    place = {one.turn: number for number, one in enumerate(simulation.granted)}
    for name in {one.ask.name for one in seen}:
        granted = [one for one in seen if one.ask.name == name and one.turn in place]
        assert [place[one.turn] for one in granted] == sorted(place[one.turn] for one in granted)


@given(st.lists(asks, max_size=40), st.lists(asks, max_size=20), st.integers(1, 3))
def test_those_who_leave_before_their_turn_are_as_if_they_had_never_come(
    stay: list[Ask], leave: list[Ask], slots: int
) -> None:
    """Whoever leaves at the very moment he came, and would have had to wait."""
    blocker = Ask(0.0, None, runs=100.0, seats=PLENTY)
    gone = [Ask(one.at, one.name, leaves_after=0.0) for one in leave]
    kept = [Ask(one.at, one.name, one.runs, one.seats) for one in stay]
    with_them = Simulation(slots=slots, seats=4)
    without = Simulation(slots=slots, seats=4)

    with_them.run([blocker, *kept, *gone])
    without.run([blocker, *kept])

    def grants(simulation: Simulation) -> Counter[str | None]:
        return Counter(one.ask.name for one in simulation.granted)

    assert grants(with_them) == grants(without)
    assert with_them.dealer.flows == without.dealer.flows == []


def busy(
    name: str | None, *, runs: float = 1.0, every: float = 0.1, until: float = 60
) -> list[Ask]:
    """More than its share, without end."""
    return [Ask(number * every, name, runs=runs) for number in range(int(until / every))]


@pytest.mark.parametrize("runs", [0.3, 1.0, 4.0])
def test_two_busy_adapters_on_two_slots_do_not_starve_a_third(runs: float) -> None:
    third = Ask(10.05, "c", runs=0.1)
    simulation = Simulation(slots=2, seats=64, ageing_s=AGEING_S)

    simulation.run([*busy("a", runs=runs), *busy("b", runs=runs), third], until=50)

    waited = next(one.waited for one in simulation.seen if one.ask is third)
    assert AGEING_S <= waited <= 2 * AGEING_S + runs


def test_a_flood_of_one_adapter_delays_the_other_by_one_turn_at_most() -> None:
    flood = [Ask(0.0, "a", runs=1.0) for _ in range(500)]
    late = Ask(0.5, "b", runs=1.0)
    simulation = Simulation(slots=2, seats=4)

    simulation.run([*flood, late])

    assert next(one.waited for one in simulation.seen if one.ask is late) <= 1.0


def test_seats_are_shared_evenly_whatever_the_length_of_answers() -> None:
    seats: Counter[str | None] = Counter()
    simulation = Simulation(
        slots=2,
        seats=12,
        look=lambda: (
            seats.update(one.ask.name for one in simulation.running.values())
            if 20 < simulation.now < 60
            else None
        ),
    )

    simulation.run(
        [*busy("a", runs=8.0), *busy("b", runs=2.0), *busy(None, runs=4.0, every=0.2)], until=60
    )

    shares = sorted(seats.values())
    assert shares[-1] <= 1.25 * shares[0]


def test_the_base_needs_no_slot_and_has_its_share() -> None:
    simulation = Simulation(slots=1, seats=2)

    simulation.run([*busy("a"), *busy("b"), Ask(5.0, None)], until=30)

    base = next(one for one in simulation.seen if one.ask.name is None)
    assert base.waited <= 1.0


def test_a_slot_is_kept_while_its_queue_lasts_and_not_handed_about_for_single_requests() -> None:
    simulation = Simulation(slots=1, seats=4, ageing_s=AGEING_S)

    simulation.run([*busy("a", runs=0.5), *busy("b", runs=0.5)], until=59)

    # Each holding of the slot lasts for as long as the other ages.
    holdings = [list(group) for _, group in groupby(one.ask.name for one in simulation.granted)]
    assert 59 / (AGEING_S + 0.5 + 0.5) - 2 <= len(holdings) <= 59 / AGEING_S + 2
    assert min(map(len, holdings[1:-1])) >= 4


def test_a_slot_that_nobody_uses_passes_on_at_once() -> None:
    simulation = Simulation(slots=1, seats=4)

    seen = simulation.run([Ask(0.0, "a", runs=1.0), Ask(0.2, "b")])

    assert seen[1].turn.granted_at == 1.0


def test_a_request_of_many_answers_has_its_seats_kept_until_all_are_free() -> None:
    many = Ask(1.0, "b", runs=1.0, seats=4)
    simulation = Simulation(slots=2, seats=4)

    simulation.run([*busy("a", runs=1.0, every=0.25, until=20), many], until=15)

    assert next(one.waited for one in simulation.seen if one.ask is many) <= 2.0


def test_a_request_for_more_than_there_is_has_all_there_is() -> None:
    simulation = Simulation(slots=1, seats=4)

    (seen,) = simulation.run([Ask(0.0, "a", seats=1000)])

    assert (seen.turn.seats, seen.turn.granted_at) == (4, 0.0)


def test_a_promise_of_a_slot_that_nobody_waits_for_any_more_is_taken_back() -> None:
    simulation = Simulation(slots=1, seats=9, ageing_s=AGEING_S)
    running = [Ask(0.0, "a", runs=50.0), Ask(2.5, "a", runs=50.0)]
    left = Ask(0.1, "b", leaves_after=4.0)

    seen = simulation.run([*running, left, Ask(3.0, "a", runs=1.0), Ask(5.0, "a", runs=1.0)])

    # When `b` has aged, what comes for `a` waits, until `b` has left.
    assert [one.turn.granted_at for one in seen if one.ask.name == "a"] == [0.0, 4.1, 4.1, 5.0]
