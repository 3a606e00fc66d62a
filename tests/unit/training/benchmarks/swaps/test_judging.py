"""Whose tokens an answer may be made of."""

from collections.abc import Sequence

from medley_training.benchmarks.swaps.asking import Reply, Tokens
from medley_training.benchmarks.swaps.judging import Judge, Switch, Verdict, allowed_for
from medley_training.benchmarks.swaps.lane import Act

OLD, NEW = Act("a", 1), Act("a", 2)
SWITCHES = [Switch(NEW, begun=10.0, settled=11.0), Switch(Act("b", 2), begun=10.0, settled=10.5)]


def reply(sent: float, ended: float, tokens: Tokens = (1, 2, 3)) -> Reply:
    return Reply(adapter="a", prompt=0, is_streamed=True, sent=sent, ended=ended, tokens=tokens)


def test_before_a_swap_the_old_version_answers() -> None:
    assert allowed_for(reply(1, 9), None, SWITCHES) == [OLD]


def test_after_a_swap_the_new_version_answers() -> None:
    assert allowed_for(reply(12, 13), None, SWITCHES) == [NEW]


def test_during_a_swap_either_may() -> None:
    assert allowed_for(reply(9, 12), None, SWITCHES) == [OLD, NEW]
    assert allowed_for(reply(10.5, 12), None, SWITCHES) == [OLD, NEW]


def test_a_version_that_is_named_is_held_to_it() -> None:
    assert allowed_for(reply(9, 12), NEW, SWITCHES) == [NEW]
    assert allowed_for(reply(9, 12), OLD, SWITCHES) == [OLD]


def test_a_version_that_had_gone_before_the_request_may_not_answer() -> None:
    assert allowed_for(reply(12, 13), OLD, SWITCHES) == []
    assert allowed_for(reply(1, 9), NEW, SWITCHES) == []


class Gaps:
    """A server's answer to how unlikely tokens are, by version."""

    def __init__(self, of: dict[Act, list[float]]) -> None:
        self.of = of
        self.asked = 0

    async def __call__(self, act: Act, prompt: int, answer: Tokens) -> Sequence[float]:
        self.asked += 1
        return self.of[act]


ALONE = {(OLD, 0): (1, 2, 3), (NEW, 0): (1, 8, 9)}


async def test_an_answer_word_for_word_needs_no_second_look() -> None:
    gaps = Gaps({})

    assert await Judge(ALONE, gaps).judge(reply(0, 1), [OLD]) == Verdict(OLD, 0)
    assert gaps.asked == 0


async def test_a_near_tie_is_a_versions_own() -> None:
    gaps = Gaps({OLD: [0.0, 0.04, 0.0]})

    assert await Judge(ALONE, gaps).judge(reply(0, 1, (1, 7, 3)), [OLD]) == Verdict(OLD, 0)


async def test_tokens_that_are_no_near_tie_are_wrong() -> None:
    gaps = Gaps({OLD: [0.0, 3.0, 5.0], NEW: [0.0, 0.0, 2.0]})
    judge = Judge(ALONE, gaps)

    assert await judge.judge(reply(0, 1, (1, 8, 4)), [OLD, NEW]) == Verdict(None, 1)
    assert await judge.judge(reply(0, 1, (1, 8, 4)), [OLD]) == Verdict(None, 2)
    assert gaps.asked == 2, "the same answer is looked at once"


async def test_an_answer_that_no_version_may_give_is_wrong_throughout() -> None:
    assert await Judge(ALONE, Gaps({})).judge(reply(0, 1), []) == Verdict(None, 3)
