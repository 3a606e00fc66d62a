"""Building vLLM's engine and its OpenAI app in this process, with a layer of ours in front.

The entry points are the ones `vllm serve` itself is made of (`vllm.entrypoints.launchers`), so each
of vLLM's features is there unchanged.
"""

import asyncio
import os
import signal
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from typing import Any

from vllm import envs
from vllm.entrypoints.launchers.api_server.app_state import init_app_state
from vllm.entrypoints.launchers.api_server.entry import build_async_engine_client
from vllm.entrypoints.launchers.app import build_app
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.entrypoints.launchers.launcher import serve_http, setup_server
from vllm.entrypoints.launchers.utils.server_utils import get_uvicorn_log_config
from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
from vllm.platforms import current_platform
from vllm.utils.argparse_utils import FlexibleArgumentParser

from medley_server.engine.cpu_defaults import bind_threads, keep_activations, memory_flags
from medley_server.engine.cpu_platform import MedleyCpuPlatform
from medley_server.engine.media import guard_media
from medley_server.engine.plugins import NF4_PLUGIN
from medley_server.engine.port import Engine
from medley_server.engine.slots import Slots
from medley_server.engine.vllm_engine import VllmEngine
from medley_server.errors import CannotStart, EngineDied
from medley_server.listening import undelayed
from medley_server.quiet_log import keep_quiet, require_quiet
from medley_server.served_base import ServedBase
from medley_server.settings import ServeSettings
from medley_server.stopping import Stopping

WORKER_EXTENSION = "medley_server.engine.worker_extension.WorkerExtension"

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
Layer = Callable[[ASGIApp], ASGIApp]
"""Wraps an ASGI app."""

Front = Callable[[Engine, ASGIApp], AbstractAsyncContextManager[Layer]]
"""Given the engine and vLLM's app without a layer, runs what stands in front of it.

It says how vLLM's app is wrapped. The app without a layer is for ourselves: who calls it has been
let in, and names versions as the engine does.
"""

TOWER_FLAG = "--enable-tower-connector-lora"
"""VLLM's: slots also in the part of a vision-language base that sees."""

_LOOK_EVERY_S = 0.05

INSIDE = "medley.inside"
"""What a scope holds that comes from ourselves; nothing that a caller sends gets into a scope."""


class LayerSeam:
    """What vLLM's `--middleware` takes: a class that is given the app and nothing else.

    vLLM makes it before the engine is there, so the layer is made at the first request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._layered: ASGIApp | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or INSIDE in scope:
            await self._app(scope, receive, send)
            return
        if self._layered is None:
            self._layered = scope["app"].state.medley_layer(self._app)
        await self._layered(scope, receive, send)


class InnerApp:
    """VLLM's app without our layer: everything else of it is there, its handling of errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app({**scope, INSIDE: True}, receive, send)


def vllm_flags(settings: ServeSettings, base: ServedBase, slots: Slots) -> list[str]:
    """The flags Medley gives vLLM; a caller's own come after and win."""
    flags = ["--model", str(base.model.path), "--served-model-name", *base.names]
    flags += ["--host", settings.host, "--port", str(settings.port)]
    if base.is_quantized_in_flight:
        flags += ["--quantization", NF4_PLUGIN]
    flags += _lora_flags(slots, settings)
    if current_platform.is_cpu():
        flags += memory_flags(settings.engine_flags)
    flags += ["--middleware", f"{__name__}.{LayerSeam.__name__}"]
    flags += ["--worker-extension-cls", WORKER_EXTENSION]
    if settings.access_log != "none":  # ours says more, and no query
        flags.append("--disable-uvicorn-access-log")
    return [*flags, *settings.engine_flags]


def _lora_flags(slots: Slots, settings: ServeSettings) -> list[str]:
    if not slots.in_one_batch:
        return []
    flags = ["--enable-lora", "--max-loras", str(slots.in_one_batch)]
    flags += ["--max-cpu-loras", str(max(settings.resident, slots.in_one_batch) + 1)]
    flags += ["--max-lora-rank", str(slots.rank)]
    # With slots in the part that sees, vLLM holds a list also against layers that can have none,
    # and stops: Qwen2.5-VL's first layer is a `proj` like those of its attention.
    if not slots.modules or TOWER_FLAG in settings.engine_flags:
        return flags
    return [*flags, "--lora-target-modules", *slots.modules]


def parse_vllm_flags(flags: Sequence[str]) -> Namespace:
    """VLLM's own parser and checks; wrong flags end the process with vLLM's message and code 2."""
    parser = make_arg_parser(FlexibleArgumentParser(prog="medley serve ... --"))
    args: Namespace = parser.parse_args(list(flags))
    validate_parsed_serve_args(args)
    return args


async def serve(
    flags: Sequence[str], front: Front, stopping: Stopping, *, image_hosts: Sequence[str] = ()
) -> None:
    """Runs vLLM with `front` around its app until told to stop (SIGINT or SIGTERM).

    Raises:
        CannotStart: the engine does not start, or would answer wrongly.
        EngineDied: it ran and is gone.
    """
    # Until vLLM's server takes the signals over, a plain stop is treated as Ctrl-C: asyncio then
    # unwinds the start in order, and no engine process is left behind.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    cli_env_setup()
    require_quiet(dict(os.environ))
    guard_media(image_hosts)
    args = parse_vllm_flags(flags)
    if current_platform.is_cpu():
        require_our_lora()
        bind_threads(args.tensor_parallel_size)
        keep_activations()
    _, sock = setup_server(args, reuse_port=False)
    async with AsyncExitStack() as stack:
        sock = stack.enter_context(closing(undelayed(sock)))
        started = time.monotonic()
        try:
            client = await stack.enter_async_context(build_async_engine_client(args))
        except (RuntimeError, ValueError) as error:  # vLLM: a process that failed; a wrong value
            raise CannotStart(f"the engine did not start (see the log above): {error}") from error
        tasks = await client.get_supported_tasks()
        app = build_app(args, tasks, client.model_config)
        await init_app_state(client, app.state, args, tasks)
        engine = await VllmEngine.of(
            client, app.state.openai_serving_models, load_s=time.monotonic() - started
        )
        app.state.medley_layer = await stack.enter_async_context(front(engine, InnerApp(app)))
        leaving = asyncio.create_task(_stop_when_told(app, stopping))
        stack.callback(leaving.cancel)
        keep_quiet("vllm", "uvicorn.error")
        stopped = await serve_http(app, sock=sock, **_uvicorn_options(args))
        await stopped
        if client.errored and not stopping.has_begun:
            raise EngineDied("the engine died")


async def _stop_when_told(app: Any, stopping: Stopping) -> None:
    """Takes the signals over from vLLM, which would end the engine under running requests."""
    while not getattr(app.state, "server", None) or not app.state.server.started:
        await asyncio.sleep(_LOOK_EVERY_S)
    server, loop = app.state.server, asyncio.get_running_loop()

    def told() -> None:
        if stopping.has_begun:  # told twice: at once
            server.force_exit = server.should_exit = True
        stopping.begin()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    server.force_exit = not await stopping.over()
    server.should_exit = True


def require_our_lora() -> None:
    """Refuses to serve adapters on CPU with vLLM's own wrapper (docs/cpu-lora.md).

    Raises:
        CannotStart: `VLLM_PLUGINS`, an allow-list, leaves out Medley's platform plugin.
    """
    if current_platform.get_punica_wrapper() != MedleyCpuPlatform.get_punica_wrapper():
        raise CannotStart("VLLM_PLUGINS must name medley too: without it answers would be wrong")


def _uvicorn_options(args: Namespace) -> dict[str, Any]:
    """The same options `vllm serve` gives uvicorn."""
    options = {
        "host": args.host,
        "port": args.port,
        "log_level": args.uvicorn_log_level,
        "access_log": not args.disable_uvicorn_access_log,
        "timeout_keep_alive": envs.VLLM_HTTP_TIMEOUT_KEEP_ALIVE,
        "enable_ssl_refresh": args.enable_ssl_refresh,
        "ssl_keyfile": args.ssl_keyfile,
        "ssl_certfile": args.ssl_certfile,
        "ssl_ca_certs": args.ssl_ca_certs,
        "ssl_cert_reqs": args.ssl_cert_reqs,
        "ssl_ciphers": args.ssl_ciphers,
        "h11_max_incomplete_event_size": args.h11_max_incomplete_event_size,
        "h11_max_header_count": args.h11_max_header_count,
    }
    if (log_config := get_uvicorn_log_config(args)) is not None:
        options["log_config"] = log_config
    return options
