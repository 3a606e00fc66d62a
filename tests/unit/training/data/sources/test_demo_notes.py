from medley_training.data.sources.demo_notes import MAX_BYTES, demo_notes


def test_the_examples_are_short_different_and_labelled() -> None:
    found = demo_notes(3, count=60)

    assert len({each.digest for each in found}) == 60
    assert len({each.label for each in found}) > 5
    for each in found:
        prompt, completion = (message.content for message in each.example.messages)
        assert len((prompt + completion).encode()) <= MAX_BYTES
        assert completion.startswith("Patient reports ")


def test_the_same_seed_gives_the_same_examples() -> None:
    assert demo_notes(3, count=20) == demo_notes(3, count=20)
    assert demo_notes(3, count=20) != demo_notes(4, count=20)
