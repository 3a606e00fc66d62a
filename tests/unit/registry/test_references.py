import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import InvalidReference, Reference
from medley_registry.references import check_alias, check_name

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
ALIASES = NAMES.filter(lambda name: not name.isdigit() and not name.startswith("sha256"))
REFERENCES = st.one_of(
    st.builds(Reference, NAMES),
    st.builds(Reference, NAMES, alias=ALIASES),
    st.builds(Reference, NAMES, number=st.integers(1, 10**18 - 1)),
    st.builds(Reference, NAMES, digest_prefix=st.from_regex(r"[0-9a-f]{12,64}", fullmatch=True)),
)


@given(REFERENCES)
def test_a_reference_reads_back_from_its_text(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@given(st.one_of(st.text(), st.from_regex(r"[a-z]{1,3}[@:][a-z0-9:@.]{0,15}", fullmatch=True)))
def test_text_that_parses_is_the_text_of_its_reference(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return

    assert str(reference) == text


def test_the_four_forms_are_told_apart() -> None:
    assert Reference.parse("notes") == Reference("notes")
    assert Reference.parse("notes@canary") == Reference("notes", alias="canary")
    assert Reference.parse("notes:7") == Reference("notes", number=7)
    assert Reference.parse("notes@sha256:" + "ab" * 6) == Reference("notes", digest_prefix="ab" * 6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Notes",
        "-notes",
        "no tes",
        "notes@",
        "notes:",
        "notes:0",
        "notes:07",
        "notes:-1",
        "notes:٣",
        "notes:1:2",
        "notes@7",
        "notes@sha256",
        "notes@sha256:abc",
        "notes@sha256:" + "AB" * 6,
        "notes@sha256:" + "a" * 65,
        "notes@md5:" + "ab" * 6,
        "notes@a@b",
        "notes\n",
        "../notes",
        "a" * 64,
    ],
)
def test_other_text_is_no_reference(text: str) -> None:
    with pytest.raises(InvalidReference):
        Reference.parse(text)


def test_a_reference_has_one_selector() -> None:
    with pytest.raises(InvalidReference, match="at most one"):
        Reference("notes", alias="canary", number=1)


@pytest.mark.parametrize("alias", ["7", "٣", "sha256", "sha256-old", "", "A"])
def test_an_alias_never_reads_as_a_number_or_a_digest(alias: str) -> None:
    with pytest.raises(InvalidReference):
        check_alias(alias)


def test_a_refused_name_is_quoted_in_the_message() -> None:
    with pytest.raises(InvalidReference, match=r"'Notes!' is not a name"):
        check_name("Notes!")
