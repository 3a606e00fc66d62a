"""Rounds from beginning to end, and from wherever they were stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.durable import replace_file
from medley_registry.opening import open_registry
from medley_training.errors import RunMismatch, TooFewContributions, TrainingError
from medley_training.rounds.events import Failed, Published
from medley_training.rounds.run_folder import RunFolder, read_json, write_json
from medley_training.rounds.transport import Answering, Question, Request, Response

from tests.unit.training.rounds.runs import SITES, Town, Wrap, recipe


class Killed(BaseException):
    """What SIGKILL is to a process: nothing after it runs, no handler sees it."""


def digests(summary: dict[str, Any]) -> list[str]:
    return [each["digest"] for each in summary["rounds"]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return digests(Town(tmp_path_factory.mktemp("undisturbed"), recipe()).carry_out())


def test_every_round_is_a_version_with_its_lineage(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe())

    summary = town.carry_out()

    with open_registry(tmp_path / "registry") as registry:
        first, second = registry.versions("town")
        evidence = registry.evidence.of("town", 2)
    assert [str(first.digest), str(second.digest)] == digests(summary)
    assert [parent.reference for parent in second.lineage.parents] == ["town:1"]
    assert [each.participant for each in second.lineage.contributions] == list(SITES)
    assert sum(each.weight for each in second.lineage.contributions) == pytest.approx(1)
    assert all(each.key_id for each in second.lineage.contributions)
    assert second.lineage.recipe == town.recipe.digest
    assert evidence[0].metrics["loss"] == summary["rounds"][1]["pooled"]["loss"]


def test_the_same_recipe_gives_the_same_digests(tmp_path: Path, undisturbed: list[str]) -> None:
    assert digests(Town(tmp_path, recipe()).carry_out()) == undisturbed


def test_another_seed_gives_other_digests(tmp_path: Path, undisturbed: list[str]) -> None:
    assert digests(Town(tmp_path, recipe(seed=8)).carry_out()) != undisturbed


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Dies before the n-th file that a run writes has its name, or after: two moments a file."""
    left = [0]

    def step() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    def write(path: Path, data: bytes) -> None:
        step()
        replace_file(path, data)
        step()

    def arm(count: int) -> None:
        left[0] = count

    monkeypatch.setattr("medley_training.rounds.run_folder.replace_file", write)
    return arm


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(at=st.lists(st.integers(1, 140), min_size=1, max_size=2))
def test_a_run_killed_anywhere_goes_on_to_the_same_digests(
    tmp_path_factory: pytest.TempPathFactory,
    killed_at: Callable[[int], None],
    undisturbed: list[str],
    at: list[int],
) -> None:
    town = Town(tmp_path_factory.mktemp("killed"), recipe())
    for count in at:
        killed_at(count)
        try:
            town.carry_out()
        except Killed:
            continue
        break
    killed_at(0)

    assert digests(town.carry_out()) == undisturbed


def test_a_site_killed_in_the_middle_of_its_training_does_not_change_the_outcome(
    tmp_path: Path, undisturbed: list[str]
) -> None:
    deaths = ["south", "east"]

    class Dying:
        def __init__(self, name: str, site: Answering) -> None:
            self.name, self.site = name, site

        def handle(self, request: Request) -> Response:
            if request.question is Question.TRAIN and deaths and deaths[-1] == self.name:
                deaths.pop()
                raise Killed
            return self.site.handle(request)

    town = Town(tmp_path, recipe(), wrap=Dying)
    for _ in range(2):
        with pytest.raises(Killed):
            town.carry_out()

    assert digests(town.carry_out()) == undisturbed


def test_a_lost_answer_is_sent_again_without_training_again(tmp_path: Path) -> None:
    lost = ["north"]

    class Losing:
        def __init__(self, name: str, site: Answering) -> None:
            self.name, self.site = name, site

        def handle(self, request: Request) -> Response:
            answer = self.site.handle(request)
            if request.question is Question.TRAIN and self.name in lost:
                lost.remove(self.name)
                raise Killed
            return answer

    town = Town(tmp_path, recipe(), wrap=Losing)
    with pytest.raises(Killed):
        town.carry_out()
    town.carry_out()

    assert town.learners["north"].calls == [1, 2]


def test_a_finished_run_is_found_and_not_done_again(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe())
    summary = town.carry_out()
    town.events.clear()

    assert town.carry_out() == summary
    assert not [event for event in town.events if isinstance(event, Published)]


def without(away: set[str]) -> Wrap:
    """Sites that fail as long as their names are in `away`."""

    class Absent:
        def __init__(self, name: str, site: Answering) -> None:
            self.name, self.site = name, site

        def handle(self, request: Request) -> Response:
            if self.name in away:
                raise TrainingError("the disk is full")
            return self.site.handle(request)

    return Absent


def test_a_round_goes_on_without_a_site_that_fails(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe(), wrap=without({"north"}))

    summary = town.carry_out()

    assert set(summary["rounds"][0]["weights"]) == {"east", "south"}
    failed = [event for event in town.events if isinstance(event, Failed)]
    assert {(event.site, event.detail) for event in failed} >= {("north", "the disk is full")}


def test_a_site_that_comes_back_takes_part_again(tmp_path: Path) -> None:
    away = {"north"}
    town = Town(tmp_path, recipe(), wrap=without(away))

    def back_after_round_1(event: object) -> None:
        if isinstance(event, Published):
            away.clear()

    town.events = Tap(back_after_round_1)
    summary = town.carry_out()

    assert [set(each["weights"]) for each in summary["rounds"]] == [{"east", "south"}, set(SITES)]


class Tap(list[Any]):
    """A list of events that calls back on each."""

    def __init__(self, call: Callable[[object], None]) -> None:
        super().__init__()
        self._call = call

    def append(self, event: Any) -> None:
        super().append(event)
        self._call(event)


def test_too_few_contributions_stop_the_run_until_more_sites_are_there(
    tmp_path: Path, undisturbed: list[str]
) -> None:
    away = {"north", "south"}
    sites = {"names": SITES, "min_contributions": 2}
    town = Town(tmp_path, recipe(sites=sites), wrap=without(away))
    with pytest.raises(TooFewContributions, match="1 of 3 sites contributed, 2 are needed"):
        town.carry_out()
    away.clear()

    assert digests(town.carry_out()) == undisturbed


def test_a_round_can_close_before_its_stragglers(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe(sites={"names": SITES, "close_after": 2}))

    assert set(town.carry_out()["rounds"][0]["weights"]) == {"east", "north"}


def test_a_round_draws_as_many_sites_as_the_recipe_says(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe(rounds=6, sites={"names": SITES, "per_round": 1}))

    drawn = [tuple(each["weights"]) for each in town.carry_out()["rounds"]]

    assert {len(each) for each in drawn} == {1}
    assert len(set(drawn)) > 1


def test_sites_of_different_rank_are_added_up_exactly(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe(lora={"rank": 2, "alpha": 4, "ranks": {"north": 1}}))

    summary = town.carry_out()

    assert summary["rounds"][0]["rank"] == 5


@pytest.mark.parametrize(
    "name", ["fedavg", "stacking", "fedex", "ffa", "rolora", "fedadam", "median", "qffl"]
)
def test_every_kind_of_strategy_carries_a_run(tmp_path: Path, name: str) -> None:
    town = Town(tmp_path, recipe(strategy={"name": name, "weights": "equal"}))

    assert len(digests(town.carry_out())) == 2


def test_what_the_coordinator_trains_itself_is_compared_with(tmp_path: Path) -> None:
    data = {"source": "demo_notes", "root_share": 0.1}
    town = Town(tmp_path, recipe(data=data, strategy={"name": "fltrust", "weights": "utility"}))

    town.carry_out()

    assert (town.path / "rounds" / "0001" / "root" / "adapter.safetensors").exists()


def test_a_folder_keeps_to_its_recipe(tmp_path: Path) -> None:
    Town(tmp_path, recipe()).carry_out()

    with pytest.raises(RunMismatch, match="another recipe or seed"):
        Town(tmp_path, recipe(seed=8)).carry_out()


def test_a_run_begun_before_the_recipe_knew_a_key_goes_on_under_its_digest(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe())
    town.carry_out()
    folder = RunFolder(town.path)
    older = read_json(folder.recipe)
    del older["training"]["packing"]
    digest = Digest.of(canonical_json(older))
    write_json(folder.recipe, older)
    write_json(folder.identity, {**read_json(folder.identity), "recipe": str(digest)})
    (town.path / "summary.json").unlink()

    assert town.carry_out()["recipe"] == str(digest)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe())
    town.path.mkdir()
    (town.path / "thesis.tex").write_text("mine")

    with pytest.raises(RunMismatch, match=r"thesis\.tex"):
        town.carry_out()


def test_one_process_at_a_time_works_on_a_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")

    with folder.held(), pytest.raises(RunMismatch, match="another process"), folder.held():
        pass
