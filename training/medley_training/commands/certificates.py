"""`medley train certificates` and `node-key`: how machines know each other."""

from pathlib import Path
from typing import Annotated

import typer
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import print_json, print_line, print_note

from medley_training.commands.refusals import in_one_line


@in_one_line
def certificates(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, show_default=False)],
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="HOST",
            help="A DNS name or an IP address by which sites reach the coordinator; repeatable.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an authority and the coordinator's certificate.

    Sites get DIR/ca.pem. What a site gives back goes to DIR/sites/NAME.pub. Where the authority is
    there already it signs a new certificate in the place of the old one, which holds for 825 days.

    \b
    Examples:
      medley train certificates certificates --host medley.hospital.example
      medley train certificates certificates --host 10.0.4.17 --host coordinator.local
    """
    from medley_training.flower.certificates import make_certificates

    files = make_certificates(folder, host or ())
    if as_json:
        print_json(
            {
                "authority": str(files.authority),
                "certificate": str(files.certificate),
                "sites": sorted(files.node_keys()),
            }
        )
        return
    print_line(f"{files.authority} is for the sites")
    print_note(f"{files.authority_key} signs certificates; keep it away from the coordinator")


@in_one_line
def node_key(
    path: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, show_default=False)],
    *,
    as_json: JsonOption = False,
) -> None:
    """Make the key that a site's machine is let in with.

    FILE.pub goes to the coordinator.

    It opens the line and no more: what a site says is signed with another key (`key make`).

    \b
    Examples:
      medley train node-key ~/.medley/node.key
    """
    from medley_training.flower.node_key import make_node_key

    public = make_node_key(path)
    if as_json:
        print_json({"node_key": str(path), "public": str(public)})
    else:
        print_line(f"{public} goes to the coordinator, as sites/NAME.pub")
