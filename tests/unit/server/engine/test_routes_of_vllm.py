"""Of all the routes that vLLM's app has, which the gateway lets through."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from medley_server.gateway import PASSED, PINNED, Gateway

pytest.importorskip("vllm")

pytestmark = pytest.mark.slow

ALSO_OURS = {"/health", "/v1/models"}
"""Routes of vLLM's names that we answer ourselves."""

DANGEROUS = {
    "/invocations",
    "/load",
    "/pause",
    "/resume",
    "/sleep",
    "/wake_up",
    "/update_weights",
    "/collective_rpc",
    "/reset_prefix_cache",
    "/server_info",
    "/inference/v1/generate",
    "/scale_elastic_ep",
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
    "/start_profile",
    "/docs",
    "/openapi.json",
}
"""Named here so that a change of vLLM cannot take them out of the test unseen."""

PROGRAM = """
import json, sys
from vllm.entrypoints.launchers.app import build_app
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
flags = ["--enable-tokenizer-info-endpoint", "--profiler-config.profiler", "torch",
         "--profiler-config.torch_profiler_dir", "/tmp"]
args = make_arg_parser(FlexibleArgumentParser()).parse_args(flags)
app = build_app(args, ("generate", "transcription", "realtime", "render", "embed"), None)
routes = [(sorted(getattr(route, "methods", None) or ["GET"]), route.path) for route in app.routes]
print("ROUTES", json.dumps(routes))
"""


@pytest.fixture(scope="module")
def routes() -> list[tuple[list[str], str]]:
    """Those of vLLM's own app, with everything turned on that adds some."""
    told = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | told,
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    (line,) = (line for line in ran.stdout.splitlines() if line.startswith("ROUTES "))
    found: list[tuple[list[str], str]] = json.loads(line.removeprefix("ROUTES "))
    return found


async def test_every_route_of_vllms_that_is_not_listed_is_404_for_a_key_that_may_do_everything(
    routes: list[tuple[list[str], str]], gateway: Gateway
) -> None:
    paths = {path for _, path in routes} | DANGEROUS
    listed = PINNED | PASSED | ALSO_OURS
    transport = httpx.ASGITransport(app=gateway)  # before an app that nothing may reach
    tried = 0

    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://127.0.0.1:8000",
        headers={"authorization": "Bearer root"},
    ) as http:
        for path in sorted(paths - listed):
            for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"):
                answer = await http.request(method, _filled(path), json={"model": "note"})
                assert answer.status_code == 404, (method, path, answer.text)
                tried += 1

    assert tried > len(DANGEROUS)
    assert paths >= PINNED
    assert paths >= {"/v1/load_lora_adapter", "/collective_rpc", "/pause", "/sleep"}


def _filled(path: str) -> Any:
    return path.replace("{", "").replace("}", "")
