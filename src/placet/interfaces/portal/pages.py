"""The pages of a customer who is signed in, and the start page for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import sessions
from placet.access.sessions import Session
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue
from placet.consents import receipts, store
from placet.consents.model import Outcome, Record, Recorded, Refused
from placet.consents.receipts import Receipt
from placet.interfaces.portal import reading, views
from placet.interfaces.portal.deciding import wishes
from placet.interfaces.portal.reading import Reader
from placet.interfaces.portal.signing_in import SigningIn, see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, NotFound, Unavailable
from placet.kernel.ids import PurposeId, RecordId, parse_uuid
from placet.ledger.append import ending
from placet.ledger.reader import TileReader

PAGE = 25
"""Entries of the history on one page."""
_MOST_RESULTS = 12


@attrs.frozen
class Pages:
    """Each public method is a page; `Shell.page` calls it in a thread of its own."""

    application: Application
    shell: Shell
    signing_in: SigningIn
    tiles: TileReader = attrs.field(factory=TileReader)

    def start(self, visit: Visit) -> Response:
        """Without sign-in: who asks, and the notices. With: where the customer stands."""
        session = self.signing_in.session(visit)
        if session is not None:
            return self._home(visit, session)
        with self.application.database.transaction() as connection:
            notices = reading.notices(self.application.catalogue(connection), visit.words.language)
        return self.shell.render(visit, "portal/welcome.html", notices=notices)

    def first_question(self, visit: Visit, session: Session) -> Response:
        with self.application.database.transaction() as connection:
            purpose = self._reader(connection, visit, session).next_question()
        return see_other("/" if purpose is None else f"/choices/{purpose}")

    def question(self, visit: Visit, session: Session) -> Response:
        """One purpose on its own page; one that rests after a no is not asked, it stands on the start page."""
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, session)
            purpose = _purpose(visit, reader.catalogue)
            if not reader.may_ask(purpose):
                return see_other(f"/#{purpose}")
        return self._question(visit, session, purpose)

    def decide(self, visit: Visit, session: Session) -> Response:
        """Record what was answered; the answer is acknowledged when it is durable."""
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, session)
            purpose = _purpose(visit, reader.catalogue)
        said = wishes(
            visit.form,
            subject=session.subject,
            purpose=reader.catalogue.purposes[purpose],
            state_of=reader.decision,
        )
        outcomes = self.application.sequencer.record(said) if said else []
        recorded = self._remember(session, outcomes)
        refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
        asked = visit.form.get("origin") == "question"
        if refused is not None:
            page = self._question if asked else self._home_after_refusal
            return page(visit, session, purpose, refusal=refused.code)
        if asked:
            following = reader.next_question(after=purpose)
            return see_other("/" if following is None else f"/choices/{following}")
        return see_other(f"/done?{urlencode([('r', id) for id in recorded])}" if recorded else f"/#{purpose}")

    def done(self, visit: Visit, session: Session) -> Response:
        """What the last answer led to, with its receipts, and the way back in one step."""
        ids = visit.request.query_params.getlist("r")[:_MOST_RESULTS]
        with self.application.database.transaction() as connection:
            records = [self._own(connection, session, id) for id in ids]
            if not records or len({record.purpose for record in records}) > 1:
                raise NotFound("no such result", code="not-found")
            reader = self._reader(connection, visit, session)
            result = _result(reader, records)
            catalogue_store.remember_shown(connection, reader.rendered(records[0].purpose), visit.now)
        return self._render(visit, "done", result=result)

    def history(self, visit: Visit, session: Session) -> Response:
        before = _position(visit.request.query_params.get("before"))
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
            records = store.history(connection, session.subject, before=before, limit=PAGE + 1)
        entries = [reading.entry(record, catalogue, visit.words.language) for record in records[:PAGE]]
        older = entries[-1].position if len(records) > PAGE else None
        return self._render(visit, "history", entries=entries, older=older, newer=before is not None)

    def entry(self, visit: Visit, session: Session) -> Response:
        return self._render(visit, "entry", entry=self._opened(visit, session))

    def receipt(self, visit: Visit, session: Session) -> Response:
        """A page to print; the file beside it is what verifies."""
        address = f"{self.application.config.url}/log/keys"
        return self._render(visit, "receipt", entry=self._opened(visit, session), keys_address=address)

    def receipt_file(self, visit: Visit, session: Session) -> Response:
        with self.application.database.transaction() as connection:
            record = self._own(connection, session, visit.request.path_params["record"])
            receipt = self._receipt(connection, record)
        headers = {"content-disposition": f'attachment; filename="{receipt.filename}"'}
        return Response(receipt.data, media_type=receipt.media_type, headers=headers)

    def _home(self, visit: Visit, session: Session, *, refusal: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, session)
            name = self.application.subjects.profile(connection, session.subject).name
            cards = reader.cards()
            for card in cards:
                catalogue_store.remember_shown(connection, reader.rendered(PurposeId(card.purpose)), visit.now)
        return self._render(
            visit,
            "home",
            status=200 if refusal is None else 400,
            name=name,
            cards=cards,
            tally=views.Tally.of(cards),
            open_question="/choices" if reader.next_question() is not None else None,
            refusal=refusal,
        )

    def _home_after_refusal(self, visit: Visit, session: Session, _purpose: PurposeId, *, refusal: str) -> Response:
        return self._home(visit, session, refusal=refusal)

    def _question(self, visit: Visit, session: Session, purpose: PurposeId, *, refusal: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, session)
            question = reader.question(purpose)
            catalogue_store.remember_shown(connection, reader.rendered(purpose), visit.now)
        status = 200 if refusal is None else 400
        return self._render(visit, "question", status=status, question=question, refusal=refusal)

    def _opened(self, visit: Visit, session: Session) -> views.Entry:
        with self.application.database.transaction() as connection:
            record = self._own(connection, session, visit.request.path_params["record"])
            catalogue = self.application.catalogue(connection)
            return reading.opened(connection, record, catalogue, visit.words.language)

    def _own(self, connection: Connection, session: Session, id: str) -> Record:
        """The customer's own record; another's does not exist for them."""
        try:
            record = store.record(connection, RecordId(parse_uuid(id, what="a record")))
        except BadInput:
            record = None
        if record is None or record.subject != session.subject:
            raise NotFound("no such record of yours", code="unknown-record")
        return record

    def _receipt(self, connection: Connection, record: Record) -> Receipt:
        return receipts.make(
            connection,
            record.id,
            catalogue_at=self.application.in_force.at,
            keys=self.application.keys,
            subject_key=self.application.vault.unwrap,
            config=self.application.config,
            reader=self.tiles,
        )

    def _reader(self, connection: Connection, visit: Visit, session: Session) -> Reader:
        """The customer's states, never older than what they were shown before (design: invariant 4)."""
        _demand_not_older(connection, session)
        person = self.application.subjects.get(connection, session.subject)
        return Reader(
            catalogue=self.application.catalogue(connection),
            standings=store.standing_of(connection, person.number),
            language=visit.words.language,
            now=visit.now,
            rest=self.application.rulebook.rest,
        )

    def _remember(self, session: Session, outcomes: Sequence[Outcome]) -> list[str]:
        """Keep the newest token in the session; the ids of what was recorded."""
        recorded = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
        if recorded:
            newest = max(recorded, key=lambda outcome: outcome.position)
            with self.application.database.transaction() as connection:
                sessions.remember(connection, session, newest.token)
        return [str(outcome.record) for outcome in recorded]

    def _render(self, visit: Visit, page: str, *, status: int = 200, **values: object) -> Response:
        return self.shell.render(visit, f"portal/{page}.html", status=status, signed_in=True, **values)


def _demand_not_older(connection: Connection, session: Session) -> None:
    if session.seen is None:
        return
    epoch, _, position = session.seen.partition(".")
    head = ending(connection)
    if head.epoch == epoch and head.position < int(position):
        raise Unavailable("what you decided last is not here yet; try again in a moment", code="stale", retry_after=1)


def _purpose(visit: Visit, catalogue: Catalogue) -> PurposeId:
    purpose = PurposeId(visit.request.path_params["purpose"])
    if purpose not in catalogue.purposes:
        raise NotFound("no such purpose", code="unknown-purpose")
    return purpose


def _position(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadInput("a page of the history begins at a position, which is a number", code="bad-position")
    return int(text)


def _result(reader: Reader, records: Sequence[Record]) -> views.Result:
    purpose = records[0].purpose
    whole = next((record for record in records if record.channel is None), None)
    rendered = reader.rendered(purpose)
    title = reading.title_of(reader.catalogue, purpose, reader.language)
    links = tuple(
        views.ReceiptLink(
            str(record.id),
            title
            if record.channel is None
            else reading.channel_title(reader.catalogue, record.channel, reader.language),
        )
        for record in records
    )
    given = whole is None or whole.decision == "given"
    return views.Result(
        purpose=purpose,
        title=title,
        decision="channels" if whole is None else whole.decision.value,
        since=max(record.occurred_at for record in records),
        switches=reader.switches(rendered, reader.standings.get(purpose, {})) if given else (),
        receipts=links,
        html=reading.as_rendered(rendered.html),
        shown=rendered.sha256.hex(),
    )
