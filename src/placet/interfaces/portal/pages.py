"""Where the customer stands and what they answer: the start page, the questions, the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import sessions
from placet.access.sessions import Session
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import Rendered
from placet.consents.model import CLOSING, Outcome, Record, Recorded, Refused
from placet.gate.uses import YEAR, counted
from placet.interfaces.portal import reading, views
from placet.interfaces.portal.deciding import wishes
from placet.interfaces.portal.past import own_record, stop_clock
from placet.interfaces.portal.reading import Reader
from placet.interfaces.portal.signing_in import SigningIn, see_other
from placet.interfaces.portal.whom import Door, Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound
from placet.kernel.ids import PurposeId

_MOST_BROUGHT = 2
_MOST_RESULTS = 12


@attrs.frozen
class Pages:
    """Each public method is a page; `Shell.page` calls it in a thread of its own."""

    application: Application
    shell: Shell
    signing_in: SigningIn
    door: Door
    remembered: set[bytes] = attrs.field(factory=set)
    """Hashes of texts that this process has kept already: the start page shows eight, and writes none again."""

    def start(self, visit: Visit) -> Response:
        """Without sign-in: who asks, and the notices. With: where the customer stands."""
        if (session := self.signing_in.session(visit)) is not None:
            whom = self.door.whom(visit, session)
            return self._home(visit, whom) if isinstance(whom, Whom) else whom
        with self.application.database.transaction() as connection:
            notices = reading.notices(self.application.catalogue(connection), visit.words.language)
        return self.shell.render(visit, "portal/welcome.html", notices=notices)

    def first_question(self, visit: Visit, whom: Whom) -> Response:
        with self.application.database.transaction() as connection:
            purpose = self._reader(connection, visit, whom).next_question()
        return see_other("/" if purpose is None else f"/choices/{purpose}")

    def question(self, visit: Visit, whom: Whom) -> Response:
        """One purpose on its own page; one that rests after a no is not asked, it stands on the start page."""
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, whom)
            purpose = _purpose(visit, reader)
            if not reader.may_ask(purpose):
                return see_other(f"/#{purpose}")
        return self._question(visit, whom, purpose)

    def decide(self, visit: Visit, whom: Whom) -> Response:
        """Record what was answered; the answer is acknowledged when it is durable."""
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, whom)
            purpose = _purpose(visit, reader)
        if visit.form.get("mandate", "") != whom.form_value:
            # Opened for one person, sent while deciding for another: in which window is nobody's guess.
            return self._home(visit, whom, refusal="other-person")
        said = wishes(
            visit.form,
            whom=whom,
            purpose=reader.catalogue.purposes[purpose],
            state_of=reader.decision,
        )
        outcomes = self.application.sequencer.record(said) if said else []
        recorded = self._remember(whom.session, outcomes)
        refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
        asked = visit.form.get("origin") == "question"
        if refused is not None:
            return self._refused(visit, whom, purpose, refused, asked=asked)
        if asked:
            following = reader.next_question(after=purpose)
            return see_other("/" if following is None else f"/choices/{following}")
        return see_other(f"/done?{urlencode([('r', id) for id in recorded])}" if recorded else f"/#{purpose}")

    def done(self, visit: Visit, whom: Whom) -> Response:
        """What the last answer led to: after a no the stop clock, always the receipts and the way back in one step."""
        ids = visit.request.query_params.getlist("r")[:_MOST_RESULTS]
        with self.application.database.transaction() as connection:
            records = [own_record(connection, whom, id) for id in ids]
            if not records or len({record.purpose for record in records}) > 1:
                raise NotFound("no such result", code="not-found")
            reader = self._reader(connection, visit, whom)
            closing = [record for record in records if record.decision in CLOSING]
            clock = stop_clock(connection, closing[-1], reader.catalogue, visit) if closing else None
            result = _result(reader, records)
        self._keep_shown(visit, [reader.rendered(records[0].purpose)])
        return show(self.shell, visit, whom, "done", result=result, clock=clock)

    def _home(self, visit: Visit, whom: Whom, *, refusal: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, whom)
            name = self.application.subjects.profile(connection, whom.subject).name
            cards = reader.cards(self._told(connection, visit, whom, reader))
        self._keep_shown(visit, (reader.rendered(PurposeId(card.purpose)) for card in cards))
        return show(
            self.shell,
            visit,
            whom,
            "home",
            status=200 if refusal is None else 400,
            name=name,
            cards=cards,
            tally=views.Tally.of(cards),
            open_question="/choices" if reader.next_question() is not None else None,
            refusal=refusal,
        )

    def _told(self, connection: Connection, visit: Visit, whom: Whom, reader: Reader) -> reading.Told:
        """What each purpose did with the person's data in the last year, and what it brought."""
        totals = counted(connection, whom.subject, within=YEAR, now=visit.now)
        brought = {
            duty.purpose: duty.brought(connection, reader.person, limit=_MOST_BROUGHT)
            for duty in self.application.duties
            if whom.sees(duty.purpose)
        }
        return reading.Told(reading.by_purpose(reader.catalogue, totals), brought)

    def _refused(self, visit: Visit, whom: Whom, purpose: PurposeId, refused: Refused, *, asked: bool) -> Response:
        if asked:
            return self._question(visit, whom, purpose, refusal=refused.code)
        return self._home(visit, whom, refusal=refused.code)

    def _question(self, visit: Visit, whom: Whom, purpose: PurposeId, *, refusal: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, whom)
            question = reader.question(purpose)
        self._keep_shown(visit, [reader.rendered(purpose)])
        status = 200 if refusal is None else 400
        return show(self.shell, visit, whom, "question", status=status, question=question, refusal=refusal)

    def _keep_shown(self, visit: Visit, texts: Iterable[Rendered]) -> None:
        """Keep what is shown, so that a record may commit to it."""
        if fresh := [rendered for rendered in texts if rendered.sha256 not in self.remembered]:
            with self.application.database.transaction() as connection:
                for rendered in fresh:
                    catalogue_store.remember_shown(connection, rendered, visit.now)
            self.remembered.update(rendered.sha256 for rendered in fresh)

    def _reader(self, connection: Connection, visit: Visit, whom: Whom) -> Reader:
        return Reader.of(self.application, connection, visit, whom)

    def _remember(self, session: Session, outcomes: Sequence[Outcome]) -> list[str]:
        """Keep the newest token in the session; the ids of what was recorded."""
        recorded = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
        if recorded:
            newest = max(recorded, key=lambda outcome: outcome.position)
            with self.application.database.transaction() as connection:
                sessions.remember(connection, session, newest.token)
        return [str(outcome.record) for outcome in recorded]


def _purpose(visit: Visit, reader: Reader) -> PurposeId:
    purpose = PurposeId(visit.request.path_params["purpose"])
    if purpose not in reader.purposes:
        raise NotFound("no such purpose", code="unknown-purpose")
    return purpose


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
