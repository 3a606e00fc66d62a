from hypothesis import given
from hypothesis import strategies as st
from medley_training.data.sources.excerpt import excerpt


@given(text=st.text(alphabet="ab. \n", max_size=300), room=st.integers(20, 200))
def test_an_excerpt_fits_and_is_made_of_the_texts_start_and_end(text: str, room: int) -> None:
    cut = excerpt(text, room)

    assert len(cut) <= room
    if len(text.strip()) <= room:
        assert cut == text.strip()
    else:
        start, end = cut.split("…")
        assert text.strip().startswith(start.strip())
        assert text.strip().endswith(end.strip())


def test_cuts_are_moved_to_the_ends_of_sentences() -> None:
    text = "One is first. Two is next. Three is long and winding. Four is near. Five is last."

    assert excerpt(text, 60) == "One is first. Two is next. … Four is near. Five is last."
