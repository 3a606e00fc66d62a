"""`medley demo`."""

from typing import Annotated

import typer


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the checks.")] = False,
    port: Annotated[int, typer.Option(help="Port to serve on.", min=1, max=65535)] = 8000,
) -> None:
    """Show the whole story on this machine: chat, promote under a running stream, roll back.

    Uses a small real model and the registry under MEDLEY_HOME (~/.medley); the server keeps running
    afterwards until Ctrl-C. With --once it stops after the checks: exit code 0, or 1 with what
    failed.

    \b
    Examples:
      medley demo
      medley demo --once
      MEDLEY_HOME=/data/medley medley demo --port 9000
    """
    import signal

    from medley_server.demo.performance import perform
    from medley_server.demo.stage import Stage
    from medley_server.errors import ServerError

    # A closed terminal or a plain kill ends like Ctrl-C: the server is stopped, not left behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        failures = perform(once=once, port=port, stage=Stage())
    except ServerError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    for failure in failures:
        typer.echo(f"failed: {failure}", err=True)
    raise typer.Exit(1 if failures else 0)
