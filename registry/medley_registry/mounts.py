"""Which file system a folder lies on."""

import re
from pathlib import Path

NETWORK = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}
    | {"fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
)
"""Those that several machines can mount: SQLite's write-ahead log needs memory that all share."""

_MOUNTS = Path("/proc/self/mountinfo")


def file_system_of(folder: Path) -> str:
    """The kind of file system, such as ``ext4``; empty where this machine does not tell.

    The folder need not be there yet.
    """
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = folder.resolve()
    found, length = "", -1
    for line in lines:
        # https://www.kernel.org/doc/Documentation/filesystems/proc.rst, 3.5: the fifth field is
        # the mount point, and the kind follows a lone dash.
        fields = line.split(" ")
        point = Path(_unescaped(fields[4]))
        if place.is_relative_to(point) and len(point.parts) >= length:  # a later one covers it
            found, length = fields[fields.index("-") + 1], len(point.parts)
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
