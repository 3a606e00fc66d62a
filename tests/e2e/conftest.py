"""Real models and real servers for the tests that need them; one of each per session."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from medley.server_process import ServerProcess
from medley_registry import Digest, open_registry
from medley_registry.canonical import canonical_json
from medley_server.demo.performance import publish_all
from medley_server.demo.small_base import NAME, prepare
from medley_server.demo.stage import Stage
from medley_training.quantizing.autoawq import AutoAwq
from medley_training.quantizing.awq_settings import AwqSettings

from tests.e2e.collector import Collector, collecting

CACHE = Path(os.environ.get("MEDLEY_TEST_CACHE", Path(__file__).parents[2] / ".test-cache"))
"""Where the small base and its quantized forms are kept between runs; nothing else is."""


@pytest.fixture(scope="session")
def small_base() -> Path:
    """The real small base, fetched once per checkout."""
    return prepare(CACHE / "bases" / NAME, print)


_CALIBRATION = AwqSettings(samples=8, tokens=64)


def quantize(base: str, method: str, *, registry: Path) -> None:
    """Registers a quantized form of a base; AWQ's files are made once per checkout."""
    command = [sys.executable, "-m", "medley.cli", "quantize", base, "--method", method]
    out = registry.parent / method
    if method == "awq":
        out = CACHE / "variants" / f"{base}-awq-{_awq_key(base, registry)}"
        command += ["--samples", str(_CALIBRATION.samples), "--tokens", str(_CALIBRATION.tokens)]
        command += ["--tool", "autoawq"]
    subprocess.run([*command, "--registry", str(registry), "--out", str(out)], check=True)


def _awq_key(base: str, registry: Path) -> str:
    """Another text to calibrate with, or another version of the tool, makes other files."""
    with open_registry(registry) as opened:
        origin = opened.base(base)
    plan = AutoAwq(_CALIBRATION).plan(origin) | {"origin": str(origin.base_id)}
    return Digest.of(canonical_json(plan)).hex[:12]


COMPACT_JSON = '{"backend": "xgrammar", "disable_any_whitespace": true}'


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`medley serve`, up; the home whose registry it follows, and where its spans go."""

    process: ServerProcess
    home: Path
    collector: Collector


@pytest.fixture(scope="session")
def server(small_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server with the demo's adapters; production is at version 1 of each at the start."""
    home = tmp_path_factory.mktemp("home")
    with open_registry(home / "registry", create=True) as registry:
        publish_all(registry, small_base, Stage())
    with collecting() as collector:
        process = ServerProcess(
            NAME,
            home / "registry",
            log=home / "server.log",
            home=home,
            engine_flags=(
                *("--max-model-len", "2048"),
                *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
                # A small model may fill JSON with blanks until its tokens run out.
                *("--structured-outputs-config", COMPACT_JSON),
                *("--otlp-traces-endpoint", f"{collector.url}/v1/traces"),
            ),
            environment=collector.environment,
        )
        with process:
            process.wait()
            yield RunningServer(process, home, collector)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer Llama with random weights: every engine path, in seconds."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=512,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
