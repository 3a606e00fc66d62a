"""`medley serve`."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from medley_registry import VariantKind
from medley_registry.commands.options import BlobsOption, RegistryOption, TenantOption


def serve(
    *,
    base: Annotated[
        str, typer.Option(help="Registered base model, or a folder with one.", show_default=False)
    ],
    variant: Annotated[
        Literal["bf16", "nf4", "awq"] | None,
        typer.Option(help="Form to serve it in.  [default: that of --base]", show_default=False),
    ] = None,
    registry: RegistryOption = None,
    blobs: BlobsOption = None,
    tenant: TenantOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    max_loras: Annotated[
        int | None,
        typer.Option(help="Adapters in one batch, 0 for none.  [default: 4]", min=0, max=256),
    ] = None,
    resident: Annotated[
        int, typer.Option(help="Versions to keep loaded, in a slot or not.", min=1, max=4096)
    ] = 16,
    keep_previous: Annotated[
        int,
        typer.Option(help="Previous versions of an alias kept loaded.", min=0, max=16),
    ] = 1,
    max_upload_mb: Annotated[
        int, typer.Option(help="Longest document, in MB.", min=1, max=1024)
    ] = 50,
    max_pages: Annotated[
        int, typer.Option(help="Most pages read of a document.", min=1, max=5000)
    ] = 100,
    extractions: Annotated[
        int, typer.Option(help="Documents worked on at a time.", min=1, max=256)
    ] = 4,
    queue: Annotated[
        int, typer.Option(help="Documents that may wait besides.", min=0, max=10_000)
    ] = 64,
    results_kept: Annotated[
        int, typer.Option(help="Minutes for which results of jobs are kept.", min=1, max=10_080)
    ] = 60,
    callback_hosts: Annotated[
        str | None,
        typer.Option(
            help="Hosts that jobs may be posted to, separated by commas: names, addresses, "
            "networks; MEDLEY_CALLBACK_KEY signs.  [default: none]",
            show_default=False,
        ),
    ] = None,
    image_hosts: Annotated[
        str | None,
        typer.Option(
            help="Hosts that pictures of chats may be fetched from, separated by commas: names, "
            "addresses, networks.  [default: none]",
            show_default=False,
        ),
    ] = None,
    access_log: Annotated[
        str, typer.Option(help="A line of JSON per request: a file, - for stdout, or none.")
    ] = "-",
    ocr_workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that read pages.  [default: half of the cores, 4 at most]",
            min=1,
            max=64,
        ),
    ] = None,
    max_waiting: Annotated[
        int, typer.Option(help="Requests that may wait for the engine.", min=0, max=100_000)
    ] = 1024,
    patience: Annotated[
        float, typer.Option(help="Seconds that a request waits for the engine.", min=0.1, max=3600)
    ] = 120.0,
    limits: Annotated[
        Path | None,
        typer.Option(
            help="Table of what each key may ask for (TOML).  [default: none]", show_default=False
        ),
    ] = None,
    page: Annotated[bool, typer.Option(help="Whether there is a web page at /.")] = True,
    engine_flags: Annotated[
        list[str] | None, typer.Argument(help="Flags for vLLM, after --.", metavar="[-- FLAG...]")
    ] = None,
) -> None:
    """Serve a base model and its adapters over the OpenAI API.

    Callers name an adapter in `model`: `name`, `name@alias`, `name:7` or `name@sha256:...`; the
    alias `production` is meant where none is given.

    \b
    Examples:
      medley serve --base smollm2-135m-instruct
      medley serve --base smollm2-135m-instruct --variant nf4
      medley serve --base ./my-model --port 9000 -- --max-model-len 8192
      medley serve --base smollm2-135m-instruct --extractions 2 --callback-hosts hooks.example.org
      MEDLEY_API_KEY=secret medley serve --base llama-3.1-8b --host 0.0.0.0
    """
    import os

    from medley_registry import medley_home

    from medley_server.admission.settings import AdmissionSettings
    from medley_server.errors import ServerError
    from medley_server.extraction_settings import ExtractionSettings
    from medley_server.limits.table import Limits, read_limits
    from medley_server.settings import ServeSettings
    from medley_server.starting import start

    try:
        start(
            ServeSettings(
                base=base,
                variant=VariantKind(variant) if variant else None,
                registry=registry,
                blobs=blobs,
                tenant=tenant or os.environ.get("MEDLEY_TENANT") or None,
                host=host,
                port=port,
                api_keys=_listed(os.environ.get("MEDLEY_API_KEY", "")),
                max_loras=max_loras,
                resident=resident,
                keep_previous=keep_previous,
                cache=medley_home() / "cache" / "adapters",
                engine_flags=tuple(engine_flags or ()),
                has_page=page,
                image_hosts=_listed(image_hosts or ""),
                access_log=access_log,
                admission=AdmissionSettings(most_waiting=max_waiting, patience_s=patience),
                limits=read_limits(limits) if limits else Limits(),
                extraction=ExtractionSettings(
                    max_upload_bytes=max_upload_mb * 1_000_000,
                    max_pages=max_pages,
                    running=extractions,
                    waiting=queue,
                    results_kept_s=results_kept * 60.0,
                    callback_hosts=_listed(callback_hosts or ""),
                    callback_key=os.environ.get("MEDLEY_CALLBACK_KEY") or None,
                    ocr_workers=ocr_workers,
                ),
            )
        )
    except ServerError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _listed(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(one.strip() for one in text.split(",") if one.strip())
