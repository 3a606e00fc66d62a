"""What the benchmark says of servers that exchange versions rightly, and of those that do not."""

import pytest
from medley_training.benchmarks.swaps.figures import ROWS, SwapFigures, figures_of, table
from medley_training.benchmarks.swaps.rehearsal import Rehearsal, SwapPlan
from medley_training.errors import NotMeasured

from tests.unit.training.benchmarks.swaps.theatre import ACTS, PROMPTS, TOKENS, Theatre

PLAN = SwapPlan(swaps=8, gap_s=0.02, askers=4, output_tokens=TOKENS)


async def rehearsed(lane: Theatre, plan: SwapPlan = PLAN) -> SwapFigures:
    steps: list[int] = []
    rehearsal = Rehearsal(
        lane, ACTS, PROMPTS, plan, progress=steps.append, transport=lane.transport
    )
    found = figures_of(lane.name, await rehearsal.run())
    assert sum(steps) == found.swaps
    return found


@pytest.mark.parametrize("names_versions", [True, False])
async def test_a_server_that_swaps_rightly_has_no_wrong_token(*, names_versions: bool) -> None:
    found = await rehearsed(Theatre(names_versions=names_versions))

    assert (found.swaps, found.failed, found.wrong_tokens, found.torn) == (8, 0, 0, 0)
    assert found.leaked == 0
    assert found.tokens > 8 * TOKENS


@pytest.mark.parametrize("names_versions", [True, False])
async def test_answers_that_change_versions_on_their_way_are_found(*, names_versions: bool) -> None:
    lane = Theatre(names_versions=names_versions)
    lane.is_torn = True

    found = await rehearsed(lane)

    assert found.torn > 0
    assert found.wrong_tokens >= found.torn


async def test_a_server_that_says_it_has_swapped_and_has_not_is_found() -> None:
    lane = Theatre(names_versions=False)
    lane.is_stale = True

    found = await rehearsed(lane)

    assert found.torn > 0


async def test_a_version_that_never_answers_is_waited_for_and_then_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Theatre()
    lane.is_stale = True
    monkeypatch.setattr("medley_training.benchmarks.swaps.rehearsal._PATIENCE_S", 0.1)

    with pytest.raises(NotMeasured, match="part-1:2 has not answered"):
        await rehearsed(lane)


async def test_requests_that_fail_are_counted_with_the_first_reason() -> None:
    lane = Theatre()
    lane.refuses = 5

    found = await rehearsed(lane)

    assert found.failed > 0
    assert "HTTP 503: " in str(found.first_error)
    assert (found.swaps, found.wrong_tokens) == (8, 0)


async def test_versions_that_answer_alike_cannot_be_measured() -> None:
    lane = Theatre()
    alike = [ACTS[0], ACTS[2]]
    lane._act = lambda model: alike[0]  # type: ignore[method-assign]

    with pytest.raises(NotMeasured, match="name versions that differ more"):
        await rehearsed(lane)


async def test_the_table_has_a_row_for_each_figure() -> None:
    found = await rehearsed(Theatre())

    rows = table([found, found])

    assert [row[0] for row in rows] == list(ROWS)
    assert {len(row) for row in rows} == {3}
    assert found.to_json()["wrong_tokens"] == 0
