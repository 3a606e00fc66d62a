"""What a power loss may leave of the disk in `tests.faults.disk`."""

import random

from tests.faults.disk import File, Folder, Loss, Names


def mixed(seed: str) -> Loss:
    """Any part of the names and of the writes, by chance."""
    chance = random.Random(seed)

    def some_names(folder: Folder) -> Names:
        chosen: Names = {}
        for name in sorted(folder.names.keys() | folder.durable.keys()):
            names = chance.choice((folder.names, folder.durable))
            if name in names:
                chosen[name] = names[name]
        return chosen

    def some_bytes(file: File) -> bytes:
        return file.after([change for change in file.pending if chance.random() < 0.5])

    return Loss(some_names, some_bytes)


def _all_names(folder: Folder) -> Names:
    return folder.names


def _synced_names(folder: Folder) -> Names:
    return folder.durable


def _all_bytes(file: File) -> bytes:
    return file.after(file.pending)


def _synced_bytes(file: File) -> bytes:
    return file.durable


def _first_half(file: File) -> bytes:
    return file.after(file.pending[: len(file.pending) // 2])


def _last_torn(file: File) -> bytes:
    *before, last = file.pending or [len(file.durable)]
    if isinstance(last, int):
        return file.after([*before, last])
    offset, data = last
    return file.after([*before, (offset, data[: len(data) // 2])])


def _zeros(file: File) -> bytes:
    """The file has grown, but what was added never came."""
    length = len(file.after(file.pending))
    return file.durable[:length] + bytes(max(0, length - len(file.durable)))


NOTHING = Loss(_all_names, _all_bytes)

LOSSES = {
    "all": Loss(_synced_names, _synced_bytes),
    "names": Loss(_synced_names, _all_bytes),
    "bytes": Loss(_all_names, _synced_bytes),
    "half": Loss(_all_names, _first_half),
    "torn": Loss(_all_names, _last_torn),
    "zeros": Loss(_all_names, _zeros),
}
"""By what is lost; each power loss adds a `mixed` one of its own."""
