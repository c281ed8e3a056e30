from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from placet.config import Config
from placet.kernel.errors import Misconfigured
from placet.kernel.seal import MasterKey
from placet.subjects.master import load

SECRET = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper(),
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode().rstrip("="),
        f" {SECRET.hex()}\n",
    ],
)
def test_key_is_read_in_hex_and_base64(config: Config, text: str) -> None:
    assert load(attrs.evolve(config, master_key=text)) == MasterKey(SECRET)


@pytest.mark.parametrize("text", ["", "planted-secret", "00" * 31, "00" * 33, "zz" * 32, "é" * 44])
def test_anything_else_is_refused_without_repeating_it(config: Config, text: str) -> None:
    with pytest.raises(Misconfigured, match="openssl rand -hex 32") as refusal:
        load(attrs.evolve(config, master_key=text))
    assert not text or text not in refusal.value.message


def test_missing_key_is_made_once_for_its_owner_only(config: Config, tmp_path: Path) -> None:
    fresh = attrs.evolve(config, master_key=None)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load(fresh).secret, range(8)))
    assert len(keys) == 1
    assert fresh.key_file.stat().st_mode & 0o777 == 0o600
    assert fresh.key_file.parent.stat().st_mode & 0o777 == 0o700
    assert list(fresh.key_file.parent.iterdir()) == [fresh.key_file]


def test_production_makes_no_key_and_says_what_to_do(config: Config) -> None:
    production = attrs.evolve(config, master_key=None, mode="production")
    with pytest.raises(Misconfigured, match="PLACET_MASTER_KEY_FILE"):
        load(production)
    assert not production.key_file.exists()
    production.key_file.parent.mkdir()
    production.key_file.write_text(SECRET.hex())
    production.key_file.chmod(0o600)
    assert load(production) == MasterKey(SECRET)


@pytest.mark.parametrize("mode", ["development", "production"])
def test_key_that_others_can_read_is_refused(config: Config, tmp_path: Path, mode: str) -> None:
    file = tmp_path / "open.key"
    file.write_text(SECRET.hex())
    file.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        load(attrs.evolve(config, master_key=None, master_key_file=file, mode=mode))


def test_key_file_with_something_else_is_refused(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "wrong.key"
    file.write_bytes(b"\xff\x00")
    file.chmod(0o600)
    with pytest.raises(Misconfigured, match="does not hold a master key"):
        load(attrs.evolve(config, master_key=None, master_key_file=file))
