import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_server.callers import Caller
from medley_server.errors import BadRequest, ModelNotFound, RateLimited
from medley_server.limits.asked import Asked
from medley_server.limits.meter import Meter
from medley_server.limits.quotas import Quotas
from medley_server.limits.table import KeyLimits, Limits
from medley_server.limits.token_bucket import TokenBucket

WARD = Caller("ward (1)", frozenset(), "1", "ward")
CHAT = "/v1/chat/completions"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def quotas_of(clock: Clock, **limits: int) -> Quotas:
    return Quotas(Limits(default=KeyLimits(**limits)), clock=clock)


def answer(quotas: Quotas, asked: Asked, *events: bytes, status: int = 200) -> None:
    """One request from beginning to end."""
    with quotas.taken(WARD, asked) as meter:
        meter.read({"type": "http.response.start", "status": status, "headers": []})
        for event in events:
            meter.read({"type": "http.response.body", "body": event, "more_body": True})


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), max_size=60),
)
def test_a_bucket_lets_a_minutes_worth_through_at_once_and_its_rate_over_time(
    per_minute: int, tries: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = TokenBucket(per_minute, clock)
    taken = 0

    for pause, amount in tries:
        clock.now += pause
        if bucket.wait_s(amount) == 0:
            bucket.take(amount)
            taken += amount

    # The last may have been for more than there was, from a full bucket.
    assert taken <= per_minute * (1 + clock.now / 60) + 40 + 1e-6


@given(st.integers(1, 100), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_who_comes_back_when_he_was_told_to_is_let_in(per_minute: int, amounts: list[int]) -> None:
    clock = Clock()
    bucket = TokenBucket(per_minute, clock)

    for amount in amounts:
        clock.now += bucket.wait_s(amount)
        assert bucket.wait_s(amount) == 0
        bucket.take(amount)


def test_requests_beyond_the_rate_are_told_when_to_come_back() -> None:
    clock = Clock()
    quotas = quotas_of(clock, requests_per_minute=2)
    answer(quotas, Asked())
    answer(quotas, Asked())

    with pytest.raises(RateLimited) as refused:
        answer(quotas, Asked())
    clock.now += refused.value.wait_s
    answer(quotas, Asked())

    assert refused.value.headers() == {"retry-after": "30"}
    assert (refused.value.status, refused.value.code) == (429, "rate_limited")


def test_each_key_has_a_quota_of_its_own() -> None:
    quotas = quotas_of(Clock(), requests_per_minute=1)
    answer(quotas, Asked())

    with quotas.taken(Caller("ward (2)", frozenset(), "2", "ward"), Asked()):
        pass


def test_as_many_requests_as_may_run_at_once() -> None:
    quotas = quotas_of(Clock(), concurrent_requests=1)

    with quotas.taken(WARD, Asked()), pytest.raises(RateLimited, match="1 requests running"):
        answer(quotas, Asked())
    answer(quotas, Asked())


def test_a_refused_request_takes_nothing() -> None:
    quotas = quotas_of(Clock(), requests_per_minute=1, tokens_per_minute=100, concurrent_requests=5)
    answer(quotas, Asked.of(CHAT, {"max_tokens": 90}), b'"total_tokens":90')

    for _ in range(3):
        with pytest.raises(RateLimited, match="1 requests a minute"):
            answer(quotas, Asked())


USAGE = b'{"usage":{"prompt_tokens":4,"total_tokens":10,"completion_tokens":6}}'
STREAM = [b'data: {"a":1}\n\n', b'data: {"a":2}\n\n', b"data: [DONE]\n\n"]
TEXT = json.dumps({"text": 'data: {"total_tokens":7}'}).encode()


@pytest.mark.parametrize(
    ("events", "spent"),
    [
        ([USAGE], 10),
        ([*STREAM, b"data: " + USAGE], 10),
        (STREAM, 2 + 2),
        ([b"{}"], 2 + 50),
        ([TEXT], 2 + 50),
        ([], 2 + 50),
    ],
    ids=["whole", "stream", "stream without usage", "untold", "quoted", "left"],
)
def test_tokens_are_counted_as_the_answer_tells(events: list[bytes], spent: int) -> None:
    clock = Clock()
    quotas = quotas_of(clock, tokens_per_minute=60)
    asked = Asked.of(CHAT, {"max_tokens": 50, "messages": [{"content": "1234"}]})

    answer(quotas, asked, *events)

    with pytest.raises(RateLimited) as refused:
        answer(quotas, Asked.of("/v1/completions", {"max_tokens": 1000}))
    assert refused.value.wait_s == spent  # one token a second comes back


def test_an_answer_that_is_an_error_costs_no_tokens() -> None:
    quotas = quotas_of(Clock(), tokens_per_minute=60)
    asked = Asked.of(CHAT, {"max_tokens": 60})

    for _ in range(3):
        answer(quotas, asked, b'{"error":1}', status=400)


def test_what_is_put_aside_for_an_answer_cannot_be_spent_twice() -> None:
    quotas = quotas_of(Clock(), tokens_per_minute=100)
    asked = Asked.of(CHAT, {"max_tokens": 80})

    with quotas.taken(WARD, asked), pytest.raises(RateLimited, match="100 tokens a minute"):
        answer(quotas, asked)


def test_a_meter_nobody_needs_stays_out_of_the_way() -> None:
    async def send(_message: Any) -> None: ...

    assert Meter(1, is_needed=False).metered(send) is send


@pytest.mark.parametrize(
    ("path", "request_", "answers", "max_tokens"),
    [
        (CHAT, {}, 1, None),
        (CHAT, {"n": 3, "max_tokens": 5}, 3, 5),
        (CHAT, {"max_tokens": 5, "max_completion_tokens": 7}, 1, 7),
        ("/v1/completions", {"prompt": ["a", "b"], "n": 2}, 4, None),
        ("/v1/completions", {"prompt": [1, 2, 3]}, 1, None),
        ("/v1/completions", {"prompt": [[1], [2, 3]]}, 2, None),
        ("/v1/responses", {"max_output_tokens": 9}, 1, 9),
        ("/tokenize", {"prompt": "a", "n": 5}, 0, None),
    ],
)
def test_what_a_request_asks_of_the_engine(
    path: str, request_: dict[str, Any], answers: int, max_tokens: int | None
) -> None:
    asked = Asked.of(path, request_)

    assert (asked.answers, asked.max_tokens) == (answers, max_tokens)


@pytest.mark.parametrize("field", ["n", "max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("value", ["40", 4.0, True, [1]])
def test_a_number_that_is_none_is_refused_and_slips_past_no_limit(field: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=f"`{field}` must be a whole number"):
        Asked.of(CHAT, {field: value})


def test_a_picture_is_not_estimated_as_text() -> None:
    picture = {"image_url": {"url": "data:image/png;base64," + "A" * 100_000}}

    asked = Asked.of(CHAT, {"messages": [{"role": "user", "content": [picture]}]})

    assert asked.prompt_tokens < 10


def test_what_is_refused_before_the_engine_sees_it_used_nothing() -> None:
    quotas = quotas_of(Clock(), tokens_per_minute=100)

    for _ in range(3):
        with pytest.raises(ModelNotFound), quotas.taken(WARD, Asked.of(CHAT, {"max_tokens": 90})):
            raise ModelNotFound("typo", because="it is not there")

    answer(quotas, Asked.of(CHAT, {"max_tokens": 90}), b'"total_tokens":90')


def test_no_number_that_a_request_names_locks_a_key_out_for_more_than_a_minute() -> None:
    clock = Clock()
    quotas = quotas_of(clock, tokens_per_minute=100)
    with quotas.taken(WARD, Asked.of(CHAT, {"max_tokens": 10**9})):
        pass  # its caller leaves, and nothing tells what it used

    clock.now += 60
    answer(quotas, Asked.of(CHAT, {"max_tokens": 90}), b'"total_tokens":90')


def test_a_list_of_prompts_is_bounded_by_what_the_engine_has_room_for() -> None:
    asked = Asked.of("/v1/completions", {"prompt": ["a"] * 9, "n": 2})

    asked.check_room(18)
    with pytest.raises(BadRequest, match="asks for 18 answers"):
        asked.check_room(17)


def test_text_that_is_cut_in_half_and_text_that_is_deep_are_counted() -> None:
    deep: list[Any] = ["a"]
    for _ in range(5000):
        deep = [deep]

    asked = Asked.of(CHAT, {"messages": [{"content": "\ud83d"}, deep]})

    assert asked.prompt_tokens == 2
