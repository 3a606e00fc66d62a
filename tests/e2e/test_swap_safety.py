"""The pitfalls of swapping adapters in vLLM, one by one, against a running `medley serve`.

E1 to E10 are those that were seen to give wrong answers, or to end the engine, where adapters are
loaded and unloaded through vLLM's own routes. The server has two slots and holds three adapters.
The tests run in any order: none needs, or moves, what another has published.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from medley.server_process import ServerProcess
from medley_registry import AdmissionRefused, Registry, Version, open_registry, publishing
from medley_registry.admission import CONFIG_FILE, WEIGHTS_FILE, AdmittedAdapter, Examined
from medley_server.last_good_state import LOOK_S
from medley_training.tiny_base import save_byte_tokenizer

from tests.bench.random_adapter import write_random_adapter

pytestmark = pytest.mark.e2e

QUESTION = "The patient came in with a fever, and"
HIDDEN = 128


def make_base(folder: Path, *, hidden: int = HIDDEN, layers: int = 2) -> Path:
    """A random Llama whose tokens are bytes."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=save_byte_tokenizer(folder),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 64,
        head_dim=32,
        max_position_embeddings=2048,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def request_of(model: str, **more: Any) -> dict[str, Any]:
    """One that a model answers always in the same tokens, as many as are asked for."""
    asked = {"model": model, "prompt": QUESTION, "temperature": 0}
    return asked | {"ignore_eos": True, "return_token_ids": True} | more


@dataclass
class Stage:
    """A server, the registry it follows, the base of its adapters, and how it is asked."""

    process: ServerProcess
    home: Path
    base: Path
    registry: Registry
    http: httpx.Client  # one for all: a new one reads every certificate there is
    seeds: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    def publish(self, name: str, *, base: Path | None = None) -> Version:
        """The next version of an adapter with weights of its own."""
        return self.registry.publish(self.folder(base), name=name, base="small", actor="t")

    def folder(self, base: Path | None = None) -> Path:
        seed = next(self.seeds)
        return write_random_adapter(
            self.home / "made" / str(seed), base or self.base, seed=seed, scale=0.2
        )

    def files(self, version: Version) -> Path:
        """Where the engine reads a version."""
        return self.home / "cache" / "adapters" / version.digest.hex

    def ask(self, model: str, **more: Any) -> httpx.Response:
        request = request_of(model, max_tokens=24) | more
        return self.http.post(f"{self.process.url}/v1/completions", json=request)

    def tokens(self, model: str, **more: Any) -> list[int]:
        """What a model answers. Not its text: random bytes may be none."""
        answer = self.ask(model, **more)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["choices"][0]["token_ids"])

    def promote(self, version: Version) -> None:
        """Returns when the alias answers with it here."""
        self.registry.promote(version.adapter, version.number, actor="t")
        self.until(
            lambda: (
                self.ask(version.adapter, max_tokens=1).headers.get("x-medley-digest")
                == str(version.digest)
            )
        )

    def swap(self, adapter: str) -> dict[str, Any]:
        """The last swap of an adapter's production, as /health tells it."""
        swaps = self.health["swaps"]
        return next(swap for swap in swaps if swap["alias"] == f"{adapter}@production")

    @property
    def health(self) -> dict[str, Any]:
        return dict(self.http.get(f"{self.process.url}/health").json())

    def until(self, holds: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < ends_at, self.health
            time.sleep(0.05)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("swaps")
    base = make_base(home / "base")
    with open_registry(home / "registry", create=True) as registry:
        registry.add_base("small", base, actor="t")
        for name in ("steady", "a", "b", "c"):
            registry.publish(
                write_random_adapter(home / "first" / name, base, seed=hash_of(name), scale=0.2),
                name=name,
                base="small",
                actor="t",
            )
        registry.promote("steady", 1, actor="t")
        with server(home) as process, httpx.Client(timeout=120) as http:
            process.wait()
            yield Stage(process, home, base, registry, http)


def server(home: Path) -> ServerProcess:
    return ServerProcess(
        "small",
        home / "registry",
        log=home / "server.log",
        home=home,
        options=("--max-loras", "2", "--no-page"),
        engine_flags=("--dtype", "float32", "--max-cpu-loras", "3"),
    )


def hash_of(name: str) -> int:
    return 5000 + sum(name.encode())


@pytest.fixture(autouse=True)
def unhurt(stage: Stage) -> Iterator[None]:
    """Whatever a test does, an adapter that it does not touch answers as before."""
    before = stage.tokens("steady"), stage.tokens("small")
    yield
    assert (stage.tokens("steady"), stage.tokens("small")) == before
    stage.until(lambda: stage.health["leaving"] == [])


def bypass_admission(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the registry take in anything, as if it were another's, or had been tampered with."""
    from medley_registry.digest import digest_stream
    from medley_registry.manifest import FileEntry, Manifest

    def examined(folder: Path, **_: Any) -> Examined:
        entries = []
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            with (folder / name).open("rb") as stream:
                digest, size = digest_stream(stream, each=len)
            entries.append(FileEntry(name, size, digest, "application/octet-stream"))
        return Examined(Manifest(tuple(entries)), AdmittedAdapter(8, 16.0, ("q_proj", "v_proj")))

    monkeypatch.setattr(publishing, "examine", examined)


def narrower(stage: Stage) -> Path:
    return stage.folder(make_base(stage.home / "narrower", hidden=64))


def deeper(stage: Stage) -> Path:
    return stage.folder(make_base(stage.home / "deeper", layers=4))


def larger(stage: Stage) -> Path:
    return stage.folder(make_base(stage.home / "larger", hidden=256))


def wrapped(stage: Stage) -> Path:
    """The names that a wrapper model around the base would give its modules."""
    from safetensors.torch import load_file, save_file

    folder = stage.folder()
    tensors = load_file(folder / WEIGHTS_FILE)
    named = {
        name.replace("base_model.model.", "base_model.model.wrapper."): tensor
        for name, tensor in tensors.items()
    }
    save_file(named, folder / WEIGHTS_FILE)
    return folder


WRONG = {"E1 narrower": narrower, "E2 deeper": deeper, "E3 prefix": wrapped, "E4 larger": larger}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG.keys())
def test_an_adapter_that_does_not_fit_is_refused_by_the_registry_and_by_the_server(
    stage: Stage, make: Callable[[Stage], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, name = make(stage), make.__name__
    with pytest.raises(AdmissionRefused, match=r"tensor-(module|shape)"):
        stage.registry.publish(folder, name=name, base="small", actor="t")

    bypass_admission(monkeypatch)
    smuggled = stage.registry.publish(folder, name=name, base="small", actor="t")
    answer = stage.ask(smuggled.reference)

    assert answer.status_code == 503
    assert "does not fit small" in answer.text
    assert smuggled.reference not in {row["version"] for row in stage.health["resident"]}


def test_e5_new_bytes_under_the_same_name_are_answered_with_and_the_old_on_rollback(
    stage: Stage,
) -> None:
    first, second = stage.publish("e5"), stage.publish("e5")
    wanted = [stage.tokens(one.reference) for one in (first, second)]
    got = []

    for version in (first, second, first, second):
        stage.promote(version)
        got.append(stage.tokens("e5"))

    assert wanted[0] != wanted[1]
    assert got == wanted * 2


def test_e6_a_load_that_fails_leaves_the_live_version_answering(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = stage.publish("e6")
    stage.promote(good)
    before = stage.tokens("e6")
    bypass_admission(monkeypatch)
    folder = stage.folder(make_base(stage.home / "larger-e6", hidden=256))
    bad = stage.registry.publish(folder, name="e6", base="small", actor="t")

    stage.registry.promote("e6", bad.number, actor="t")
    stage.until(lambda: stage.swap("e6")["failure"] is not None)

    assert "does not fit" in stage.swap("e6")["failure"]
    assert stage.tokens("e6") == before
    stage.registry.rollback("e6", actor="t")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": shutil.rmtree,
    "truncated": lambda folder: cut(folder / WEIGHTS_FILE),
    "unreadable": lambda folder: unreadable(folder / WEIGHTS_FILE),
}


def cut(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:100])


def unreadable(file: Path) -> None:
    file.unlink()
    file.symlink_to("/nowhere")  # a mode would not keep out root


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_e7_files_that_were_damaged_after_a_load_are_fetched_again_when_it_comes_back(
    stage: Stage, damage: Callable[[Path], object]
) -> None:
    (one,) = stage.registry.versions("a")
    before = stage.tokens("a:1")

    damage(stage.files(one))
    for other in ("b:1", "c:1", "steady", "b:1", "c:1"):  # the engine holds three
        stage.tokens(other)
    resident = {row["version"] for row in stage.health["resident"]}

    assert "a:1" not in resident
    assert len(resident) <= 3
    assert stage.tokens("a:1") == before


def test_e7_files_that_are_gone_here_and_in_the_registry_hurt_that_version_alone(
    stage: Stage,
) -> None:
    lost = stage.publish("e7")
    stage.tokens(lost.reference)
    for other in ("a:1", "b:1", "c:1"):
        stage.tokens(other)

    digest = lost.manifest.digest_of(WEIGHTS_FILE)
    assert digest is not None
    stage.registry.blobs.remove(digest)
    shutil.rmtree(stage.files(lost))
    answer = stage.ask(lost.reference)

    assert answer.status_code == 503
    assert "cannot be fetched" in answer.text
    assert stage.health["ready"]


def test_more_adapters_at_once_than_the_engine_holds_wait_for_a_place_and_are_answered_right(
    stage: Stage,
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    crowd = [stage.publish("crowd").reference for _ in range(2)]
    models = ["a:1", "b:1", "c:1", "steady:1", *crowd]
    alone = {model: stage.tokens(model, max_tokens=200) for model in models}

    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda model: stage.tokens(model, max_tokens=200), models * 2))

    assert together == [alone[model] for model in models * 2]


TOKENS = 1500
"""Many, so that a stream of them goes on while something is changed below it."""


class Stream:
    """A request for so many tokens that streams, for as long as the block lasts."""

    def __init__(self, stage: Stage, model: str) -> None:
        request = request_of(model, max_tokens=TOKENS, stream=True)
        url = f"{stage.process.url}/v1/completions"
        self._context = stage.http.stream("POST", url, json=request)
        self.tokens: list[int] = []

    def __enter__(self) -> "Stream":
        self._lines = self._context.__enter__().iter_lines()
        self.read(20)
        return self

    def read(self, least: int = TOKENS) -> list[int]:
        """Until there are so many tokens; gives those up to there."""
        for line in self._lines:
            if line.startswith("data: {"):
                self.tokens += json.loads(line[6:])["choices"][0]["token_ids"] or ()
                if len(self.tokens) >= least:
                    break
        return list(self.tokens)

    def __exit__(self, *of: Any) -> None:
        self._context.__exit__(*of)


def test_e8_a_stream_ends_right_though_its_version_is_withdrawn_and_its_files_are_deleted(
    stage: Stage,
) -> None:
    version = stage.publish("e8")
    alone = stage.tokens("e8:1", max_tokens=TOKENS)

    with Stream(stage, "e8:1") as stream:
        stage.registry.lifecycle.quarantine("e8", 1, actor="t", reason="odd")
        stage.until(lambda: stage.ask("e8:1", max_tokens=1).status_code == 404)
        answering = {row["version"] for row in stage.health["resident"] if row["requests"]}
        shutil.rmtree(stage.files(version))
        streamed = stream.read()

    assert "e8:1" in answering, "it was over before anything was withdrawn"
    assert streamed == alone
    stage.until(lambda: "e8:1" not in {row["version"] for row in stage.health["resident"]})


def test_e9_e10_a_stream_keeps_its_version_and_new_requests_get_the_new_one(
    stage: Stage,
) -> None:
    first, second = stage.publish("e9"), stage.publish("e9")
    alone = [stage.tokens(one.reference, max_tokens=TOKENS) for one in (first, second)]
    stage.promote(first)

    with Stream(stage, "e9") as stream:
        stage.promote(second)
        after = stage.tokens("e9", max_tokens=100)
        streamed = stream.read()

    assert streamed == alone[0]
    assert after == alone[1][: len(after)]
    phases = stage.swap("e9")["phases_s"]
    assert {"live", "drained"} <= phases.keys()


def test_versions_are_at_hand_before_anyone_promotes_them(stage: Stage) -> None:
    version = stage.publish("ahead")

    stage.until(
        lambda: (
            ("ahead:1", None)
            in {(row["version"], row["failure"]) for row in stage.health["prefetched"]}
        )
    )

    assert (stage.files(version) / WEIGHTS_FILE).is_file()
    assert version.reference not in {row["version"] for row in stage.health["resident"]}


def test_a_version_that_answers_otherwise_than_published_never_goes_live(stage: Stage) -> None:
    right = stage.publish("golden")
    stage.promote(right)
    folder = stage.folder()
    prompt = {"prompt": QUESTION, "answer": " a cough.", "tokens": 9, "logprob": -0.1}
    (folder / "golden.json").write_text(
        json.dumps({"schema": 1, "prompts": [prompt], "tolerance": 0.05})
    )

    wrong = stage.registry.publish(folder, name="golden", base="small", actor="t")
    stage.registry.promote("golden", wrong.number, actor="t")
    stage.until(lambda: stage.swap("golden")["failure"] is not None)

    assert "is answered otherwise than published" in stage.swap("golden")["failure"]
    assert stage.ask("golden").headers["x-medley-digest"] == str(right.digest)
    assert stage.ask(wrong.reference).status_code == 503
    stage.registry.rollback("golden", actor="t")


def test_a_server_starts_while_the_registry_is_away_and_follows_it_when_it_is_back(
    stage: Stage,
) -> None:
    old = stage.publish("away")
    stage.promote(old)
    stage.until(lambda: any((stage.home / "cache" / "last-good").glob("*.db")))
    time.sleep(3 * LOOK_S)  # the promotion is saved by then
    before = stage.tokens("away")
    new = stage.publish("away")
    wanted = stage.tokens(new.reference)
    assert wanted != before
    (stage.home / "registry").rename(stage.home / "elsewhere")

    with server(stage.home) as again:
        again.wait()
        second = Stage(again, stage.home, stage.base, stage.registry, stage.http)
        assert second.tokens("away") == before
        assert "no registry at" in second.health["registry"]["failure"]
        (stage.home / "elsewhere").rename(stage.home / "registry")
        second.until(lambda: second.health["registry"]["failure"] is None)
        with open_registry(stage.home / "registry") as registry:
            registry.promote("away", new.number, actor="t")
            second.until(lambda: second.tokens("away") == wanted)
            registry.rollback("away", actor="t")
            second.until(lambda: second.tokens("away") == before)
