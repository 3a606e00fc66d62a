"""The files of a site on a machine of its own."""

import json
from pathlib import Path

import pytest
from medley_training.data.own import own_data
from medley_training.errors import BadSource, NothingToLearn, SitesOverlap


def write(path: Path, *prompts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": prompt},
                    {"role": "assistant", "content": f"answer to {prompt}"},
                ]
            }
        )
        for prompt in prompts
    )
    path.write_text("\n".join(lines))
    return path


PROMPTS = [f"{word} was seen" for word in ("one", "two", "three", "four", "five", "six")]


def test_one_file_is_split_the_same_way_every_time(tmp_path: Path) -> None:
    file = write(tmp_path / "examples.jsonl", *PROMPTS)

    found = own_data(file, held_out_share=0.5, seed=7)

    assert (len(found.train), len(found.held_out)) == (3, 3)
    assert own_data(tmp_path, held_out_share=0.5, seed=7) == found
    backwards = write(tmp_path / "backwards.jsonl", *reversed(PROMPTS))
    assert own_data(backwards, held_out_share=0.5, seed=7) == found
    assert own_data(file, held_out_share=0.5, seed=8) != found


def test_two_files_stay_apart(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", *PROMPTS[:4], PROMPTS[0])
    write(tmp_path / "held_out.jsonl", *PROMPTS[4:])

    found = own_data(tmp_path, held_out_share=0.2, seed=7)

    prompts = [
        {each.example.messages[0].content for each in part}
        for part in (found.train, found.held_out)
    ]
    assert prompts == [set(PROMPTS[:4]), set(PROMPTS[4:])]
    assert len(found.train) == 4


def test_a_chat_in_both_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", *PROMPTS[:4])
    write(tmp_path / "held_out.jsonl", PROMPTS[0])

    with pytest.raises(SitesOverlap):
        own_data(tmp_path, held_out_share=0.2, seed=7)


def test_a_folder_without_examples_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"train\.jsonl and held_out\.jsonl, or examples\.jsonl"):
        own_data(tmp_path, held_out_share=0.2, seed=7)
    write(tmp_path / "train.jsonl", *PROMPTS)
    with pytest.raises(BadSource, match=r"held_out\.jsonl"):
        own_data(tmp_path, held_out_share=0.2, seed=7)
    write(tmp_path / "held_out.jsonl", PROMPTS[0])
    (tmp_path / "train.jsonl").write_text("\n")
    with pytest.raises(NothingToLearn):
        own_data(tmp_path, held_out_share=0.2, seed=7)
