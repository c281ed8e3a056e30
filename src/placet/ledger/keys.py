"""
The log's two keys, each for one use: one signs checkpoints, one signs receipts. Made at the first start.

A witness has a third key, in a process and a folder of its own (`placet.ledger.witness`).
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from placet.kernel.errors import Misconfigured
from placet.ledger.files import write_durably
from placet.ledger.notes import COSIGNATURE, NOTE, Signer, VerifierKey

_SEED = 32


@attrs.frozen(repr=False)
class Keys:
    checkpoint: Ed25519PrivateKey
    receipt: Ed25519PrivateKey


@attrs.frozen
class LogSigner:
    """The log's identity: `base` is `config.log_origin`; each epoch is a log of its own under it."""

    base: str
    key: Ed25519PrivateKey = attrs.field(repr=False)

    def origin(self, epoch: str) -> str:
        return f"{self.base}/{epoch}"

    def signer(self, epoch: str) -> Signer:
        return Signer(self.origin(epoch), self.key)

    def verifiers(self, epoch: str) -> list[VerifierKey]:
        """The plain and the timestamped form of the one key."""
        signer = self.signer(epoch)
        return [signer.verifier(NOTE), signer.verifier(COSIGNATURE)]


def load(data_dir: Path) -> Keys:
    """The keys under data_dir/secrets, made there when they are missing."""
    folder = data_dir / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Keys(read_or_make(folder / "checkpoint.key"), read_or_make(folder / "receipt.key"))


def receipt_verifier(base: str, key: Ed25519PrivateKey) -> VerifierKey:
    """The public face of the key that signs receipts, as `/log/keys` shows it."""
    return Signer(f"{base}/receipts", key).verifier(NOTE)


def read_or_make(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 seed in *path* (32 bytes, mode 0600); a missing file is made, a short one refused."""
    if not path.exists():
        write_durably(path, os.urandom(_SEED), replace=False)
    seed = path.read_bytes()
    if len(seed) != _SEED:
        raise Misconfigured(f"{path} must hold {_SEED} bytes; restore it from your backup of the secrets")
    return Ed25519PrivateKey.from_private_bytes(seed)
