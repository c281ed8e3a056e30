"""
Whom an identity provider's claims mean here: a member of staff with the roles of their groups, or a customer whom we
know by a contact that the provider has verified.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from psycopg import Connection

from placet.access import staff
from placet.access.oidc import Claims, Client, Provider
from placet.access.staff import Member, Role
from placet.config import Config
from placet.kernel.errors import BadInput, Conflict, Misconfigured
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Subject

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII)

Groups = Mapping[str, Role]


def staff_provider(config: Config) -> Provider | None:
    """The identity provider of staff, if the settings name one."""
    groups_of(config.oidc_groups)
    secret = _secret(config.oidc_client_secret, config.oidc_client_secret_file)
    return _provider(
        config,
        config.oidc_issuer,
        config.oidc_client_id,
        secret,
        back="/staff/sign-in/oidc/back",
        scope="openid profile email",
        acr=config.oidc_acr,
    )


def customer_provider(config: Config) -> Provider | None:
    """The identity provider of customers, if the settings name one."""
    secret = _secret(config.oidc_customer_client_secret, config.oidc_customer_client_secret_file)
    issuer, client = config.oidc_customer_issuer, config.oidc_customer_client_id
    return _provider(config, issuer, client, secret, back="/sign-in/oidc/back", scope="openid phone email")


def groups_of(setting: str) -> Groups:
    """`PLACET_OIDC_GROUPS`: `group=role`, separated by commas. A word that is no role raises `Misconfigured`."""
    found = {}
    for part in filter(None, (part.strip() for part in setting.split(","))):
        group, _, role = part.rpartition("=")
        if not group or role.strip() not in set(Role):
            raise Misconfigured(f"PLACET_OIDC_GROUPS: write group=role, with a role of {', '.join(Role)}")
        found[group.strip()] = Role(role.strip())
    return found


def roles_of(claims: Claims, groups: Groups, *, claim: str) -> frozenset[Role]:
    """The roles that the groups in *claim* give; a group that no setting names gives none."""
    said = claims.get(claim, [])
    named = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return frozenset(groups[name] for name in named if isinstance(name, str) and name in groups)


def member_of(connection: Connection, claims: Claims, roles: frozenset[Role], *, now: datetime) -> Member | None:
    """
    The member for whom the provider vouches, made at the first sign-in, with *roles* as they are today; None without a
    role, or disabled here.

    They are known by issuer and subject alone: a login or an e-mail address of the provider is never linked to a local
    account.
    """
    issuer, external = str(claims["iss"]), str(claims["sub"])
    member = staff.by_external(connection, issuer=issuer, external=external)
    if member is None and roles:
        member = _added(connection, claims, roles, now)
    if member is None:
        return None
    member = staff.follow_groups(connection, member, roles, now=now)
    return member if roles and member.disabled_at is None else None


def customer_of(connection: Connection, subjects: Subjects, claims: Claims) -> Subject | None:
    """
    The customer whom the verified contacts of *claims* mean, or None: nobody, an erased one, or two different people.

    A contact that the provider has not verified is no contact.
    """
    found = {}
    for alias in _verified(claims):
        subject = subjects.find(connection, alias)
        if subject is not None and subject.erased_at is None:
            found[subject.id] = subject
    return next(iter(found.values())) if len(found) == 1 else None


def _provider(
    config: Config,
    issuer: str | None,
    client: str | None,
    secret: str | None,
    *,
    back: str,
    scope: str,
    acr: str | None = None,
) -> Provider | None:
    if issuer is None:
        return None
    if client is None:
        raise Misconfigured("an identity provider needs the client id that it gave you; see docs/how-to/oidc.md")
    if not issuer.startswith("https://") and config.mode == "production":
        raise Misconfigured("in production an identity provider is reached by https")
    return Provider(Client(issuer, client, secret, config.url + back, scope, acr))


def _secret(text: str | None, file: Path | None) -> str | None:
    if text is not None or file is None:
        return text
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Misconfigured(f"the client secret cannot be read from {file}: {error.strerror}") from None


def _verified(claims: Claims) -> list[Alias]:
    """The contacts that the provider says it has verified (OpenID Connect Core §5.1)."""
    aliases = []
    for claim, make in (("phone_number", Alias.msisdn), ("email", Alias.email)):
        said = claims.get(claim)
        if claims.get(f"{claim}_verified") is True and isinstance(said, str):
            try:
                aliases.append(make(said))
            except BadInput:
                continue
    return aliases


def _added(connection: Connection, claims: Claims, roles: frozenset[Role], now: datetime) -> Member:
    issuer, external = str(claims["iss"]), str(claims["sub"])
    name = str(claims.get("name") or claims.get("preferred_username") or "–")[:200]
    unnamed = "oidc-" + hashlib.sha256(f"{issuer}\0{external}".encode()).hexdigest()[:16]
    wanted = str(claims.get("preferred_username", "")).strip().lower()
    for login in (wanted if _LOGIN.fullmatch(wanted) else unnamed, unnamed):
        try:
            with connection.transaction():
                return staff.add_external(
                    connection, issuer=issuer, external=external, login=login, name=name, roles=roles, now=now
                )
        except Conflict:
            continue
    raise Conflict("this account is being made just now; sign in again", code="login-taken")
