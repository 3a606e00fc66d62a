"""Files of keys and certificates: on disk before they count, never overwritten."""

from pathlib import Path

from medley_registry.durable import create_file, disk_errors, make_folder

from medley_training.errors import BadKey

OWNER_ONLY = 0o600
FOR_ALL = 0o644


def read_key_file(path: Path) -> bytes:
    """The bytes of a key or certificate.

    Raises:
        BadKey: It is missing.
        Unavailable: It cannot be read.
    """
    with disk_errors(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise BadKey(f"no key or certificate at {path}") from None


def write_key_file(path: Path, data: bytes, mode: int) -> None:
    """Write a key or certificate to a new file.

    Raises:
        BadKey: The file exists; it stays as it is.
        Unavailable: The folder cannot be written.
    """
    with disk_errors(path.parent):
        make_folder(path.parent.absolute())
        try:
            create_file(path, data, mode=mode)
        except FileExistsError:
            raise BadKey(f"{path} exists; a key is never overwritten") from None
