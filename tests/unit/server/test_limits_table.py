from pathlib import Path

import pytest
from medley_server.callers import Caller
from medley_server.errors import CannotStart
from medley_server.limits.table import MOST_ANSWERS, Limits, read_limits

TABLE = """
[default]
requests_per_minute = 60
n = 4

[keys."ward 3"]
requests_per_minute = 600

[keys.k7f2]
max_tokens = 256
"""


def caller(name: str, key_id: str) -> Caller:
    return Caller(f"{name} ({key_id})", frozenset(), key_id, name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "limits.toml").write_text(TABLE)
    return tmp_path / "limits.toml"


def test_a_key_has_its_own_limits_and_the_default_where_they_say_nothing(file: Path) -> None:
    limits = read_limits(file)

    ward, by_id = limits.of(caller("ward 3", "abcd")), limits.of(caller("x", "k7f2"))

    assert (ward.requests_per_minute, ward.n, ward.max_tokens) == (600, 4, None)
    assert (by_id.requests_per_minute, by_id.n, by_id.max_tokens) == (60, 4, 256)
    assert limits.of(caller("other", "ffff")) == limits.default


def test_without_a_table_only_the_number_of_answers_is_limited() -> None:
    usual = Limits().of(caller("x", "y"))

    said = {name: value for name, value in usual.model_dump().items() if value is not None}
    assert said == {"n": MOST_ANSWERS}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[default]\nn = 0", "default.n: Input should be greater than or equal to 1"),
        ("[default]\nn = 1.5", "default.n: "),
        ('[default]\nmax_tokens = "9"', "default.max_tokens: "),
        ('[keys."ward 3"]\nrequests = 1', "keys.ward 3.requests: Extra inputs are not permitted"),
        ("[key.a]\nn = 1", "key: Extra inputs are not permitted"),
        ("[default]\nn = 1\nn = 2\n\n", "line 3"),
        ("[default\nn = 1", "line 1"),
    ],
)
def test_what_is_no_limit_is_told_with_its_place(tmp_path: Path, table: str, told: str) -> None:
    file = tmp_path / "limits.toml"
    file.write_text(table)

    with pytest.raises(CannotStart, match=r"--limits .*limits\.toml") as refused:
        read_limits(file)

    assert told in str(refused.value)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="No such file"):
        read_limits(tmp_path / "none.toml")
