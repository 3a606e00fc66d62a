from dataclasses import replace

import pytest
from medley_registry.digest import Digest
from medley_training.errors import BadSignature
from medley_training.identity.round_statement import Input, Refusal, RoundStatement

from tests.unit.training.identity.made import COORDINATOR, NORTH

STATEMENT = RoundStatement(
    run="smoke-7",
    recipe=Digest.of(b"recipe"),
    round=2,
    start=Digest.of(b"start"),
    inputs=(
        Input(
            participant="north",
            update=Digest.of(b"update"),
            statement=Digest.of(b"statement"),
            leaf=3,
            weight=1 / 3,
        ),
    ),
    refused=(Refusal(participant="south", reason="wrong_round"),),
    strategy="stacking",
    options={"rank": 8, "energy": 0.99},
    output=Digest.of(b"output"),
    next_start=Digest.of(b"next"),
)


def test_a_round_statement_is_what_was_signed() -> None:
    envelope = STATEMENT.seal(COORDINATOR)

    assert RoundStatement.open(envelope, [COORDINATOR.public]) == STATEMENT
    with pytest.raises(BadSignature):
        RoundStatement.open(envelope, [NORTH.public])


def test_every_weight_keeps_its_bits() -> None:
    for weight in (0.1, 1 / 3, 5e-324, 1e22, 0.0):
        statement = replace(STATEMENT, inputs=(replace(STATEMENT.inputs[0], weight=weight),))
        read = RoundStatement.open(statement.seal(COORDINATOR), [COORDINATOR.public])

        assert read.inputs[0].weight.hex() == weight.hex()


def test_a_state_may_be_part_of_it() -> None:
    with_state = replace(STATEMENT, state=Digest.of(b"state"))

    assert RoundStatement.from_json(with_state.to_json()) == with_state
    assert with_state.seal(COORDINATOR).digest != STATEMENT.seal(COORDINATOR).digest


def test_the_same_round_has_the_same_statement() -> None:
    assert STATEMENT.seal(COORDINATOR).digest == replace(STATEMENT).seal(COORDINATOR).digest
