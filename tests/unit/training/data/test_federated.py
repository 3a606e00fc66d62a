import json
from pathlib import Path

import pytest
from medley_training.data.config import DataConfig, PartitionRule
from medley_training.data.federated import site_data
from medley_training.errors import BadSource, NothingToLearn

SITES = ("north", "south", "west")


def _chats(folder: Path, **sites: list[str]) -> Path:
    for site, questions in sites.items():
        lines = (
            json.dumps(
                {
                    "messages": [
                        {"role": "user", "content": question},
                        {"role": "assistant", "content": "answer"},
                    ]
                }
            )
            for question in questions
        )
        (folder / f"{site}.jsonl").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("rule", ["by_label", "by_quantity"])
def test_the_pool_is_split_into_parts_of_the_size_asked_for(rule: PartitionRule) -> None:
    config = DataConfig(
        source="demo_notes",
        partition=rule,
        examples_per_site=60,
        root_share=0.1,
        held_out_share=0.25,
    )

    data = site_data(config, SITES, 7)

    train = sum(len(own.train) for own in data.sites.values())
    held_out = sum(len(own.held_out) for own in data.sites.values())
    assert list(data.sites) == list(SITES)
    assert len(data.root) + train + held_out == 180
    assert len(data.root) == pytest.approx(18, abs=2)
    assert held_out == pytest.approx(0.25 * (train + held_out), abs=3)
    assert data.report.root == len(data.root)


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    config = DataConfig(source="demo_notes", partition="by_label", examples_per_site=30)

    assert site_data(config, SITES, 7) == site_data(config, SITES, 7)
    assert site_data(config, SITES, 7).report != site_data(config, SITES, 8).report


def test_a_site_that_only_has_its_own_file_gets_the_same_data(tmp_path: Path) -> None:
    _chats(tmp_path, north=[f"n{n}" for n in range(30)], south=[f"s{n}" for n in range(40)])
    config = DataConfig(source="jsonl", path=tmp_path, examples_per_site=25, root_share=0.1)
    together = site_data(config, ["north", "south"], 7)
    (tmp_path / "south.jsonl").unlink()

    alone = site_data(config, ["north"], 7)

    assert alone.sites["north"] == together.sites["north"]
    assert {each.site for each in together.root} == {"north", "south"}


def test_copies_are_used_once_and_counted(tmp_path: Path) -> None:
    questions = [f"q{n}" for n in range(20)]
    _chats(tmp_path, north=[*questions, "Q0"], south=["q1", *(f"s{n}" for n in range(20))])
    config = DataConfig(source="jsonl", path=tmp_path)

    data = site_data(config, ["north", "south"], 7)

    assert data.report.copies == 2
    assert sum(each.train + each.held_out for each in data.report.sites.values()) == 40


def test_a_prefix_of_a_sites_examples_is_not_the_files_first(tmp_path: Path) -> None:
    _chats(tmp_path, north=[f"{n:03}" for n in range(200)])

    data = site_data(DataConfig(source="jsonl", path=tmp_path, held_out_share=0), ["north"], 7)

    texts = [each.example.messages[0].content for each in data.sites["north"].train]
    assert sum(text < "100" for text in texts[:60]) == pytest.approx(30, abs=12)
    assert not data.sites["north"].held_out


def test_the_official_test_is_what_is_held_out(tmp_path: Path) -> None:
    question = {"CONTEXTS": ["c"], "MESHES": [], "final_decision": "no"}
    questions = {f"{n}": question | {"QUESTION": f"Is it {n}?"} for n in range(60)}
    (tmp_path / "ori_pqal.json").write_text(json.dumps(questions))
    tests = {f"{n}": "no" for n in range(0, 60, 3)}
    (tmp_path / "test_ground_truth.json").write_text(json.dumps(tests))
    config = DataConfig(
        source="pubmedqa", path=tmp_path, partition="by_quantity", official_test=True,
        root_share=0.1,
    )  # fmt: skip

    data = site_data(config, SITES, 7)

    held_out = [each for own in data.sites.values() for each in own.held_out]
    learnt = [each for own in data.sites.values() for each in own.train]
    assert len(held_out) == 20
    assert all(each.is_test for each in held_out)
    assert not any(each.is_test for each in (*learnt, *data.root))
    assert data.root


def test_a_site_that_is_not_in_the_data_is_refused(tmp_path: Path) -> None:
    _chats(tmp_path, north=["q"])

    with pytest.raises(BadSource, match="no examples of the site 'south': its sites are north"):
        site_data(DataConfig(source="jsonl", path=tmp_path), ["north", "south"], 7)


def test_a_site_that_could_only_test_is_refused(tmp_path: Path) -> None:
    question = {"QUESTION": "q", "CONTEXTS": ["c"], "MESHES": [], "final_decision": "no"}
    (tmp_path / "ori_pqal.json").write_text(json.dumps({"1": question}))
    (tmp_path / "test_ground_truth.json").write_text(json.dumps({"1": "no"}))
    config = DataConfig(
        source="pubmedqa", path=tmp_path, partition="by_quantity", official_test=True,
        min_per_site=1,
    )  # fmt: skip

    with pytest.raises(NothingToLearn, match="the site north is left without"):
        site_data(config, ["north"], 7)
