"""The channels that the settings describe (docs/reference/settings.md). A channel without a host is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from placet.config import Config
from placet.delivery.addresses import sms_sender
from placet.delivery.composing import Composers
from placet.delivery.dkim import Signer, signer
from placet.delivery.lmtp_server import Place, place
from placet.delivery.mail import House, house
from placet.delivery.mailbox import Maildir
from placet.delivery.model import MessageId
from placet.delivery.smpp import Smsc
from placet.delivery.sms import Sms, Texts
from placet.delivery.sms_returns import Receipt, Reply
from placet.delivery.smtp import Email, Letters, Relay
from placet.delivery.tokens import tokens
from placet.kernel.errors import BadInput, Misconfigured
from placet.kernel.seal import MasterKey

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_Security = TypeVar("_Security", bound=str)


def email(config: Config, master: MasterKey, letters: Letters, *, clock: Callable[[], datetime]) -> Email | None:
    """The e-mail channel, or None without `PLACET_SMTP_HOST`; what cannot work raises `Misconfigured`."""
    if config.smtp_host is None:
        return None
    kinds: tuple[Literal["tls", "starttls", "none"], ...] = ("tls", "starttls", "none")
    relay = Relay(
        config.smtp_host,
        config.smtp_port,
        _security(config, config.smtp_security, kinds, host=config.smtp_host, name="PLACET_SMTP_SECURITY"),
        config.smtp_user,
        _secret(config.smtp_password_file, "PLACET_SMTP_PASSWORD_FILE"),
        _at_least_one(config.smtp_connections, "PLACET_SMTP_CONNECTIONS"),
    )
    ours = sender(config, master)
    composers = Composers(0 if ours.signer is None else _not_negative(config.dkim_processes, "PLACET_DKIM_PROCESSES"))
    return Email(relay, ours, letters, clock=clock, composers=composers)


def sms(
    config: Config,
    texts: Texts,
    *,
    clock: Callable[[], datetime],
    on_receipt: Callable[[Receipt], Awaitable[None]],
    on_reply: Callable[[Reply], Awaitable[None]],
    stop_link: Callable[[MessageId], str] | None = None,
) -> Sms | None:
    """The SMS channel, or None without `PLACET_SMPP_HOST`; what cannot work raises `Misconfigured`."""
    if config.smpp_host is None:
        return None
    kinds: tuple[Literal["tls", "none"], ...] = ("tls", "none")
    smsc = Smsc(
        config.smpp_host,
        config.smpp_port,
        _given(config.smpp_system_id, "PLACET_SMPP_SYSTEM_ID"),
        _secret(config.smpp_password_file, "PLACET_SMPP_PASSWORD_FILE") or "",
        _sms_sender(_given(config.smpp_sender, "PLACET_SMPP_SENDER")),
        config.smpp_system_type,
        _security(config, config.smpp_security, kinds, host=config.smpp_host, name="PLACET_SMPP_SECURITY"),
        _at_least_one(config.smpp_window, "PLACET_SMPP_WINDOW"),
    )
    return Sms(smsc, texts, clock=clock, on_receipt=on_receipt, on_reply=on_reply, stop_link=stop_link)


def maildir(config: Config) -> Maildir | None:
    """Where mail comes back to, or is put aside; None where `PLACET_RETURNS_MAILDIR` and `…_LMTP` are both not set."""
    if config.returns_maildir is not None:
        return Maildir.opened(config.returns_maildir, return_domain(config))
    return None if config.returns_lmtp is None else Maildir(config.data_dir / "returns", return_domain(config))


def lmtp(config: Config) -> Place | None:
    """Where mail that comes back is handed over, or None without `PLACET_RETURNS_LMTP`."""
    return None if config.returns_lmtp is None else place(config.returns_lmtp)


def return_domain(config: Config) -> str:
    """The domain of `b+…@` and `u+…@`."""
    return config.smtp_return_domain or _given(config.smtp_from, "PLACET_SMTP_FROM").rpartition("@")[2]


def sender(config: Config, master: MasterKey) -> House:
    """Who our mail is from, and where it returns to: for the channel and for reading what came back."""
    address = _given(config.smtp_from, "PLACET_SMTP_FROM")
    returns, name = return_domain(config), config.smtp_from_name
    return house(name, address, returns=returns, url=config.url, tokens=tokens(master), signer=_signer(config))


def _signer(config: Config) -> Signer | None:
    if config.dkim_key_file is None:
        return None
    domain = _given(config.dkim_domain, "PLACET_DKIM_DOMAIN")
    selector = _given(config.dkim_selector, "PLACET_DKIM_SELECTOR")
    return signer(domain, selector, _read(config.dkim_key_file, "PLACET_DKIM_KEY_FILE"))


def _security(config: Config, said: str, kinds: tuple[_Security, ...], *, host: str, name: str) -> _Security:
    """In production nothing personal crosses a network in clear; a relay on this machine is reached as it likes."""
    for kind in kinds:
        if kind == said:
            if kind == "none" and config.mode == "production" and host not in _HERE:
                raise Misconfigured(f"{name}=none is for a server on this machine: messages are personal data")
            return kind
    raise Misconfigured(f"{name} must be one of {', '.join(kinds)}")


def _sms_sender(text: str) -> str:
    try:
        return sms_sender(text)
    except BadInput as error:
        raise Misconfigured(f"PLACET_SMPP_SENDER: {error.message}") from None


def _at_least_one(number: int, name: str) -> int:
    if number < 1:
        raise Misconfigured(f"{name} must be at least 1")
    return number


def _not_negative(number: int, name: str) -> int:
    if number < 0:
        raise Misconfigured(f"{name} must not be negative")
    return number


def _given(value: str | None, name: str) -> str:
    if not value:
        raise Misconfigured(f"{name} is needed beside the channel's host")
    return value


def _secret(file: Path | None, name: str) -> str | None:
    return None if file is None else _read(file, name).decode("utf-8", "replace").strip()


def _read(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{name} cannot be read: {error.strerror}") from None
