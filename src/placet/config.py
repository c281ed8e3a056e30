"""
The settings, read once from the environment or from `placet.toml` (the same names, lower case, without `PLACET_`).

The environment wins over the file. An unknown key fails: a mistyped setting must not be silently ignored.
docs/reference/settings.md lists them; a test holds that page to this class.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

from placet.kernel.errors import Misconfigured

Mode = Literal["demo", "development", "production"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PREFIX = "PLACET_"


def _default_data_dir() -> Path:
    """A folder of our own, never below a private one when root runs us (the database's OS user must reach it)."""
    if os.geteuid() == 0:
        return Path("/var/lib/placet")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "placet"


def _networks(text: str) -> tuple[Network, ...]:
    """Networks such as `10.0.0.0/8, 2001:db8::1`; the whole internet is none that anybody can mean to trust."""
    networks = tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("trusted_proxies names the whole internet; name the proxies")
    return networks


def _share(value: str | float) -> float:
    """A share of a whole; 1 is never exceeded."""
    share = float(value)
    if not 0 < share <= 1:
        raise ValueError("a share such as campaign_complaints is above 0 and at most 1")
    return share


def _rho(value: str | float | Decimal) -> Decimal:
    """A privacy budget in zCDP: above 1 it protects nobody any more."""
    try:
        rho = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("mobility_rho is a number such as 0.12") from None
    if not (rho.is_finite() and 0 < rho <= 1):
        raise ValueError("mobility_rho is above 0 and at most 1")
    return rho


@attrs.frozen
class Config:
    """Every setting, with its default. Lengths of time are in seconds."""

    database_url: str | None = None
    data_dir: Path = attrs.field(factory=_default_data_dir, converter=Path)
    mode: Mode = attrs.field(
        default="development", validator=attrs.validators.in_(("demo", "development", "production"))
    )
    host: str = "127.0.0.1"
    port: int = attrs.field(default=8000, converter=int)
    public_url: str | None = None
    trusted_proxies: str = attrs.field(default="", validator=lambda _config, _field, text: _networks(text))
    workers: int = attrs.field(default=1, converter=int)
    master_key: str | None = attrs.field(default=None, repr=False)
    master_key_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    catalogue: str = "amigo"
    log_origin: str = "placet.local/log"
    time_zone: str = "Europe/Riga"
    staleness_bound: float = attrs.field(default=2.0, converter=float)
    permit_seconds: int = attrs.field(default=60, converter=int)
    audience_seconds: int = attrs.field(default=86_400, converter=int)
    rest_days_after_no: int = attrs.field(default=90, converter=int)
    database_pool: int = attrs.field(default=8, converter=int)
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = attrs.field(default=None, repr=False)
    oidc_client_secret_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    oidc_groups: str = ""
    oidc_groups_claim: str = "groups"
    oidc_acr: str | None = None
    oidc_customer_issuer: str | None = None
    oidc_customer_client_id: str | None = None
    oidc_customer_client_secret: str | None = attrs.field(default=None, repr=False)
    oidc_customer_client_secret_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    smtp_host: str | None = None
    smtp_port: int = attrs.field(default=587, converter=int)
    smtp_security: str = "starttls"
    smtp_user: str | None = None
    smtp_password_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    smtp_connections: int = attrs.field(default=8, converter=int)
    smtp_from: str | None = None
    smtp_from_name: str = "Amigo"
    smtp_return_domain: str | None = None
    returns_maildir: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    returns_lmtp: str | None = None
    dkim_domain: str | None = None
    dkim_selector: str | None = None
    dkim_key_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    dkim_processes: int = attrs.field(default=1, converter=int)
    smpp_host: str | None = None
    smpp_port: int = attrs.field(default=2775, converter=int)
    smpp_security: str = "tls"
    smpp_system_id: str | None = None
    smpp_password_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    smpp_system_type: str = ""
    smpp_sender: str | None = None
    smpp_window: int = attrs.field(default=10, converter=int)
    smpp_part_cents: int = attrs.field(default=4, converter=int)
    trial_addresses: str = ""
    campaign_complaints: float = attrs.field(default=0.001, converter=_share)
    campaign_bounces: float = attrs.field(default=0.02, converter=_share)
    campaign_judged_from: int = attrs.field(default=500, converter=int, validator=attrs.validators.ge(1))
    mobility_rho: Decimal = attrs.field(default=Decimal("0.12"), converter=_rho)

    @property
    def url(self) -> str:
        """Where the outside reaches this server, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Whose word on who calls is believed."""
        return _networks(self.trusted_proxies)

    @property
    def passkey_origin(self) -> str | None:
        """
        Where passkeys work: they belong to a host name, and to https or this machine (W3C WebAuthn §5.1.3).

        An IP address cannot be one; the address of this machine has the name `localhost`.
        """
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if host in {"127.0.0.1", "::1"} and self.public_url is None:
            return f"http://localhost:{self.port}"
        named = not host.replace(".", "").isdigit() and ":" not in host
        return self.url if named and (parts.scheme == "https" or host == "localhost") else None

    @property
    def key_file(self) -> Path:
        return self.master_key_file or self.data_dir / "secrets" / "master.key"


def load(environment: Mapping[str, str] | None = None, *, file: Path | None = None) -> Config:
    """Read the settings; *environment* defaults to the process's own, *file* to ./placet.toml if it is there."""
    environment = os.environ if environment is None else environment
    known = {field.name for field in attrs.fields(Config)}
    values: dict[str, Any] = {}
    file = Path("placet.toml") if file is None else file
    if file.exists():
        values.update(_from_file(file, known))
    for name, value in environment.items():
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in known:
            raise Misconfigured(f"unknown setting {name}; docs/reference/settings.md lists the known ones")
        values[key] = value
    try:
        config = Config(**values)
    except (ValueError, TypeError) as error:
        # A validator's error carries more than its message.
        raise Misconfigured(f"a setting has a wrong value: {error.args[0]}") from None
    if config.mode == "production" and config.database_url is None:
        raise Misconfigured("PLACET_MODE=production needs PLACET_DATABASE_URL: the embedded server is for trying out")
    return config


def _from_file(file: Path, known: set[str]) -> dict[str, Any]:
    with file.open("rb") as stream:
        try:
            values = tomllib.load(stream)
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{file}: not valid TOML: {error}") from None
    if unknown := set(values) - known:
        raise Misconfigured(f"{file}: unknown settings {', '.join(sorted(unknown))}")
    return values
