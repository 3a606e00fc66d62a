from medley_training.documents.blocks import Span, plain
from medley_training.documents.template import filled

NAME, DOSE = Span("aspirin", ("m[0].name",)), Span("81 mg", ("m[0].dose",))


def test_a_value_keeps_its_path() -> None:
    spans = filled("- {name}[ {dose}]", {"name": NAME, "dose": DOSE})

    assert spans == (Span("- "), NAME, Span(" "), DOSE)


def test_a_part_in_brackets_goes_with_its_value() -> None:
    spans = filled("{name}[ of {dose}][ for {reason}].", {"name": NAME, "dose": DOSE})

    assert plain(spans) == "aspirin of 81 mg."


def test_without_a_required_value_nothing_is_printed() -> None:
    assert filled("{name}[ {dose}]", {"name": None, "dose": DOSE}) == ()
