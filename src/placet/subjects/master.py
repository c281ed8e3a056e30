"""
Where the master key comes from: PLACET_MASTER_KEY, or a file.

Who loses the key has erased every customer; who makes a second one cannot read the first one's. So production never
makes a key by itself, and a key file that others can read is refused everywhere.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import tempfile
from pathlib import Path

from placet.config import Config
from placet.kernel.errors import Misconfigured
from placet.kernel.seal import KEY_BYTES, MasterKey, new_key

_FORM = f"{KEY_BYTES} bytes as 64 hexadecimal digits or 44 characters of base64 (make one with: openssl rand -hex 32)"


def load(config: Config) -> MasterKey:
    """The operator's key. Outside production a missing key file is created, readable by its owner only."""
    if config.master_key is not None:
        return parse(config.master_key, source="PLACET_MASTER_KEY")
    file = config.key_file
    if not file.exists():
        if config.mode == "production":
            raise Misconfigured(
                f"there is no master key at {file}: put {_FORM} there with mode 0600, or name another file in"
                " PLACET_MASTER_KEY_FILE. If this installation had a key, restore that one: a new key opens nothing"
                " that was sealed before",
                code="no-master-key",
            )
        _create(file)
    return _read(file)


def parse(text: str, *, source: str) -> MasterKey:
    """Read a key in hex or base64; *source* tells the reader where it stands. No error repeats the text."""
    compact = text.strip()
    for decode in (bytes.fromhex, _base64):
        try:
            secret = decode(compact)
        except (ValueError, binascii.Error):
            continue
        if len(secret) == KEY_BYTES:
            return MasterKey(secret)
    raise Misconfigured(f"{source} does not hold a master key; it must be {_FORM}", code="bad-master-key")


def _base64(text: str) -> bytes:
    padded = text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4)
    return base64.b64decode(padded, validate=True)


def _read(file: Path) -> MasterKey:
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Misconfigured(f"{file} can be read by others; run: chmod 600 {file}", code="open-master-key")
        text = file.read_text(encoding="ascii")
    except PermissionError:
        raise Misconfigured(f"{file} cannot be read by the user that runs Placet; change its owner") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{file} does not hold a master key; it must be {_FORM}", code="bad-master-key") from None
    return parse(text, source=str(file))


def _create(file: Path) -> None:
    """Write a fresh key; of several that start together one wins, and all read its key."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=".draft-", dir=file.parent)  # mode 0600
    draft = Path(name)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(new_key().hex() + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        # A link either appears whole or not at all, and never replaces a key that is there.
        file.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
