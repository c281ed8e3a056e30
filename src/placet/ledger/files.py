"""Small files that must survive a power cut: written whole, under their name only when they are on the disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from placet.kernel.errors import Unavailable


def write_durably(path: Path, data: bytes, *, replace: bool = True) -> None:
    """
    Write *data* so that *path* holds the old or the new bytes, never a part; on the disk when this returns. Mode 0600.

    Without *replace* an existing file wins: two first starts at once agree on one key.
    """
    try:
        _write(path, data, replace=replace)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written ({error.strerror}); nothing was changed", code="disk") from error


def _write(path: Path, data: bytes, *, replace: bool) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            Path(name).replace(path)
        else:
            _link(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_folder(path.parent)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
