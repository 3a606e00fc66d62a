"""A run that is killed leaves nothing that looks whole; the next one starts clean."""

import shutil
from pathlib import Path

import pytest
from medley_registry import BaseModel, BaseNotFound
from medley_registry.base_folder import Progress
from medley_training.errors import CannotQuantize
from medley_training.quantizing.maker import Recipe
from medley_training.quantizing.making import make_base
from medley_training.quantizing.model_folder import carry_over
from medley_training.quantizing.variant_folder import one_at_a_time

from tests.unit.training.quantizing.conftest import Stock


class Copying:
    """A maker that copies the base with one key added to its configuration."""

    def __init__(self, key: str = "copied", *, dies: bool = False) -> None:
        self.key, self.dies, self.runs = key, dies, 0
        self.weights = b""  # what the file ends with instead

    def plan(self, origin: BaseModel) -> Recipe:
        return {"method": "nf4", "tool": "copying", "key": self.key}

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        self.runs += 1
        assert not any(folder.iterdir())
        config = (origin.path / "config.json").read_text()
        (folder / "config.json").write_text(config.replace("{", f'{{"{self.key}": 1,', 1))
        if self.dies:
            raise KeyboardInterrupt
        weights = (origin.path / "model.safetensors").read_bytes()
        kept = len(weights) - len(self.weights)
        (folder / "model.safetensors").write_bytes(weights[:kept] + self.weights)
        carry_over(origin.path, folder)
        return {"told": 1}


def _make(stock: Stock, maker: Copying, *, name: str = "copy") -> BaseModel:
    folder = stock.home / "bases" / "copy"
    return make_base(
        stock.registry, stock.base, maker, name=name, folder=folder, actor="test",
        progress=lambda done, total: None,
    )  # fmt: skip


def test_an_interrupted_run_leaves_no_folder_and_no_base(stock: Stock) -> None:
    with pytest.raises(KeyboardInterrupt):
        _make(stock, Copying(dies=True))

    assert not (stock.home / "bases" / "copy").exists()
    with pytest.raises(BaseNotFound):
        stock.registry.base("copy")
    assert _make(stock, Copying()).recipe is not None


def test_what_a_killed_run_left_aside_is_cleared_by_the_next(stock: Stock) -> None:
    aside = stock.home / "bases" / ".incoming-copy"
    aside.mkdir(parents=True)
    (aside / "model.safetensors").write_bytes(b"half")

    _make(stock, Copying())

    assert not aside.exists()


def test_a_finished_folder_that_was_not_registered_is_registered_as_it_is(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(stock.registry), "add_base", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            _make(stock, Copying())
    again = Copying()

    made = _make(stock, again)

    assert again.runs == 0
    assert made.recipe == {
        **again.plan(stock.base),
        "told": 1,
        "bytes_before": (made.path / "model.safetensors").stat().st_size,
        "bytes_after": (made.path / "model.safetensors").stat().st_size,
    }


def test_a_base_whose_files_are_gone_is_made_again_where_it_is_wanted_now(stock: Stock) -> None:
    first = _make(stock, Copying())
    shutil.move(first.path, stock.home / "away")
    again = Copying()

    made = _make(stock, again)

    assert again.runs == 1
    assert (made.base_id, made.recipe) == (first.base_id, first.recipe)
    assert (made.path / "model.safetensors").is_file()


def test_what_comes_out_otherwise_when_it_is_made_again_is_not_that_base(stock: Stock) -> None:
    first = _make(stock, Copying())
    shutil.rmtree(first.path)
    changed = Copying()
    changed.weights = b"\0"

    with pytest.raises(CannotQuantize, match="register that by --name NEW --out") as refusal:
        _make(stock, changed)

    assert "\n" not in str(refusal.value)
    assert stock.registry.base("copy") == first
    assert _make(stock, changed, name="other").base_id != first.base_id
    assert changed.runs == 1


def test_a_folder_that_lost_its_weights_is_told_so(stock: Stock) -> None:
    made = _make(stock, Copying())
    (made.path / "model.safetensors").unlink()

    with pytest.raises(CannotQuantize, match="has lost files: remove it"):
        _make(stock, Copying())


def test_a_name_that_was_made_otherwise_is_refused_before_any_work(stock: Stock) -> None:
    _make(stock, Copying())
    other = Copying("otherwise")

    with pytest.raises(CannotQuantize, match="choose another by --name"):
        _make(stock, other)

    assert other.runs == 0


def test_a_folder_that_holds_something_else_is_left_alone(stock: Stock) -> None:
    folder = stock.home / "bases" / "copy"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")

    with pytest.raises(CannotQuantize, match="holds something else"):
        _make(stock, Copying())

    assert (folder / "thesis.txt").read_text() == "mine"


def test_a_folder_that_was_made_otherwise_is_left_alone(stock: Stock) -> None:
    _make(stock, Copying())

    with pytest.raises(CannotQuantize, match="made otherwise"):
        _make(stock, Copying("otherwise"), name="another")


def test_two_runs_do_not_make_one_folder(stock: Stock) -> None:
    with (
        one_at_a_time(stock.home / "bases" / "copy"),
        pytest.raises(CannotQuantize, match="another process"),
    ):
        _make(stock, Copying())


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
