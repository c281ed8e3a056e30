"""What a request's page offers a member, so that what is asked can be done there; read, never decided."""

from __future__ import annotations

from datetime import datetime

import attrs
from psycopg import Connection

from placet.access.staff import Member
from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.interfaces.desk import views
from placet.kernel.errors import PlacetError
from placet.rights import answering, objections, restriction
from placet.rights.model import Request
from placet.rights.restriction import Restriction


@attrs.frozen
class Looking:
    """Who looks, in which language, and when."""

    member: Member
    language: str
    now: datetime


def means_of(application: Application, connection: Connection, request: Request, looking: Looking) -> views.Means:
    """The means for *request*, whatever its state: a restriction is lifted long after it was answered."""
    if application.subjects.get(connection, request.subject).erased_at is not None:
        return views.Means(is_erased=True)
    catalogue = application.catalogue(connection)
    match request.kind:
        case "restriction":
            found = restriction.of_subject(connection, request.subject)
            resting = tuple(_resting(catalogue, each, looking) for each in found if each.lifted_at is None)
            titles = ((purpose.id, purpose.notice(looking.language).title) for purpose in catalogue.purposes.values())
            return views.Means(purposes=tuple(titles), resting=resting)
        case "objection":
            ended = objections.purposes_of(catalogue, request.concerns or "")
            return views.Means(ends=tuple(catalogue.purpose(id).notice(looking.language).title for id in ended))
        case "erasure":
            return views.Means(erases=_may_erase(request, looking.member))
    return views.Means()


def _may_erase(request: Request, member: Member) -> bool:
    try:
        answering.demand_second(request, member)
    except PlacetError:
        return False
    return True


def _resting(catalogue: Catalogue, one: Restriction, looking: Looking) -> views.Resting:
    purpose = None if one.purpose is None else catalogue.purposes.get(one.purpose)
    title = one.purpose if purpose is None else purpose.notice(looking.language).title
    is_due = one.lifting_at is not None and one.lifting_at <= looking.now
    return views.Resting(str(one.id), title, one.ground, one.since, one.lifting_at, is_due)
