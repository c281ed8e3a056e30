"""
Choosing whom a campaign goes to: a million customers through consent, mutes, addresses, suppression, caps and holdout,
each planned in their own language, and those who may not get it written down with the reason.

The peer is what a program without a gate does: one SQL statement that joins the same tables into the same queue.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg import Connection

from bench.ground import Ground, Place
from bench.harness import QUICK, Report, Sample, timed
from placet.bootstrap import Application
from placet.delivery.layout import Words
from placet.delivery.wording import LANGUAGES
from placet.kernel import clock
from placet.purposes.offers.campaigns.model import Brief, Campaign, Texts
from placet.purposes.offers.campaigns.selecting import batch_of
from placet.purposes.offers.campaigns.texts import EMAIL
from placet.purposes.offers.topics import TopicId

SELECT = "select customers through consent, mutes, suppression, caps"
AGAIN = "the same selection again, rows added"
PEOPLE = 100_000 if QUICK else 1_000_000
ROUNDS = 1 if QUICK else 3
BY_HAND = "one SQL join without a gate"

_TOWN = """
INSERT INTO subjects.person (number, id, language, wrapped_key, created_at)
SELECT n, lpad(to_hex(n), 32, '0')::uuid, (ARRAY['lv', 'lv', 'ru', 'en'])[1 + n % 4], '\\x00', '2026-01-01Z'
FROM generate_series(1, {people}) AS n;
INSERT INTO subjects.contact (number, kind, hash, sealed, valid_from)
SELECT n, 'email', sha256(int4send(n)), '\\x00', '2026-01-01Z'
FROM generate_series(1, {people}) AS n WHERE n % 50 <> 0;
INSERT INTO consents.state (number, purpose, channel, decision, position, occurred_at, recorded_at, notice_major)
SELECT n, 'offers', channel, CASE WHEN n % 10 < 6 THEN 'given' ELSE 'refused' END, 0, '2026-01-02Z', '2026-01-02Z', 1
FROM generate_series(1, {people}) AS n CROSS JOIN unnest(ARRAY['', 'email']) AS channel;
INSERT INTO offers.wish (number, topic, state, by, since)
SELECT n, topic, CASE WHEN n % 4 = 1 THEN 'never' ELSE 'want' END, 'person', '2026-01-03Z'
FROM generate_series(1, {people}, 2) AS n CROSS JOIN LATERAL (
    SELECT (ARRAY['travel', 'phones', 'family', 'events'])[1 + n / 2 % 4] AS topic) AS one;
INSERT INTO delivery.muted (number, kind, topic, since)
SELECT number, 'offer', topic, since FROM offers.wish WHERE state = 'never';
INSERT INTO delivery.suppressed (channel, address, why, since)
SELECT 'email', sha256(int4send(n)), 'bounce', '2026-01-04Z' FROM generate_series(3, {people}, 97) AS n;
INSERT INTO delivery.message (id, number, key, kind, activity, channel, topic, template, language, not_before,
                              not_after, state, started_at, planned_at, changed_at)
SELECT gen_random_uuid(), n, 'campaign/earlier/' || k, 'offer', 'offers.email-campaign', 'email',
       (ARRAY['travel', 'phones', 'family'])[1 + (n + k) % 3], 'campaign/earlier', 'lv', at, at + interval '1 day',
       'sent', at, at, at
FROM generate_series(1, {people}) AS n CROSS JOIN generate_series(1, 3) AS k
CROSS JOIN LATERAL (SELECT %s::timestamptz - (n * 7 + k * 2) % 40 * interval '1 day' AS at) AS sent
ORDER BY k, n;
SELECT setval('subjects.numbering', {people});
"""

_BY_HAND = """
INSERT INTO delivery.message (id, number, key, kind, activity, channel, topic, template, language, not_before,
                              not_after, state, planned_at, changed_at)
SELECT gen_random_uuid(), person.number, %(key)s, 'offer', 'offers.email-campaign', 'email', 'travel', 'by-hand',
       person.language, %(now)s, %(now)s::timestamptz + interval '1 day', 'planned', %(now)s, %(now)s
FROM subjects.person
JOIN consents.state AS whole ON whole.number = person.number AND whole.purpose = 'offers' AND whole.channel = ''
    AND whole.decision = 'given'
JOIN consents.state AS part ON part.number = person.number AND part.purpose = 'offers' AND part.channel = 'email'
    AND part.decision = 'given'
JOIN subjects.contact ON contact.number = person.number AND contact.kind = 'email' AND contact.valid_to IS NULL
WHERE person.erased_at IS NULL AND person.merged_into IS NULL
  AND NOT EXISTS (SELECT FROM delivery.muted WHERE muted.number = person.number AND muted.kind IN ('', 'offer')
                  AND muted.topic IN ('', 'travel') AND muted.channel IN ('', 'email'))
  AND NOT EXISTS (SELECT FROM delivery.suppressed WHERE channel = 'email' AND address = contact.hash)
  AND (SELECT count(*) FROM delivery.message AS sent WHERE sent.number = person.number AND sent.kind = 'offer'
       AND sent.channel = 'email' AND sent.started_at > %(now)s::timestamptz - interval '7 days') < 2
  AND (SELECT count(*) FROM delivery.message AS sent WHERE sent.number = person.number AND sent.kind = 'offer'
       AND sent.topic = 'travel' AND sent.started_at > %(now)s::timestamptz - interval '30 days') < 2
ON CONFLICT (key, number) DO NOTHING
"""


def run(report: Report, here: Ground) -> None:
    place = here.place("selecting")
    now = clock.now()
    with place.owner() as connection:
        _fill(connection, now)
    with place.application() as application:
        # The replica of a worker is there already; what it costs to load stands among the figures of the gate.
        application.offers.campaigns.selecting.replica.catch_up()
        report.compare(
            SELECT,
            lambda: _ours(application, place),
            {BY_HAND: lambda: _by_hand(application, place)},
            unit="s",
            n=PEOPLE,
            must="<= 5 s for a million",
            rounds=ROUNDS,
        )
        _again(report, application)
    here.drop(place)


def _fill(connection: Connection, now: datetime) -> None:
    for statement in _TOWN.format(people=PEOPLE).split(";\n"):
        if statement.strip():
            connection.execute(statement.replace("%", "%%").replace("%%s", "%s"), [now] if "%s" in statement else [])
    connection.execute("VACUUM ANALYZE")


def _ours(application: Application, place: Place) -> Sample:
    campaign = _approved(application)
    sample = timed(lambda: application.offers.campaigns.round(clock.now()))
    with application.database.transaction() as connection:
        (progress,) = application.offers.campaigns.progress(connection, campaign.id)
    assert progress.states["planned"] > PEOPLE // 4, progress
    _forgotten(place, campaign.key(EMAIL))
    return sample


def _by_hand(application: Application, place: Place) -> Sample:
    def join() -> None:
        with application.database.transaction() as connection:
            connection.execute(_BY_HAND, {"key": "by-hand", "now": clock.now()})

    sample = timed(join)
    _forgotten(place, "by-hand")
    return sample


def _again(report: Report, application: Application) -> None:
    """Planning is what must not double: the same message for the same people, planned a second time."""
    campaign, now = _approved(application), clock.now()
    application.offers.campaigns.round(now)
    with application.database.transaction() as connection:
        chosen = application.offers.campaigns.selections(connection, campaign.id)[EMAIL]
        members = application.gate.kept_audience(connection, chosen.audience).members
        held = application.offers.campaigns.selecting.held_out(campaign, members)
        batch = batch_of(campaign, EMAIL, now=now)
        planned = []
        sample = timed(
            lambda: planned.append(application.delivery.plan_many(connection, batch, members - held, now=clock.now()))
        )
    rows = planned[0].rows
    report.add(AGAIN, rows, "rows", n=PEOPLE, must="= 0", seconds=sample.seconds, first=chosen.planned + chosen.refused)
    if rows:
        report.fail(AGAIN, f"{rows} rows were planned twice")


def _approved(application: Application) -> Campaign:
    words = Words("Internets ceļojumos", "Internets ārzemēs", ("Tagad tas maksā mazāk.",))
    now = clock.now()
    brief = Brief(
        name="bench", topic=TopicId("travel"), channels=(EMAIL,), starts_at=now, ends_at=now + timedelta(days=1),
        texts=dict.fromkeys(LANGUAGES, Texts(email=words)),
    )  # fmt: skip
    campaigns = application.offers.campaigns
    with application.database.transaction() as connection:
        draft = campaigns.create(connection, brief, by="anna", now=now)
        submitted = campaigns.submit(connection, draft.id, version=draft.version, by="anna", now=now)
        return campaigns.approve(connection, draft.id, version=submitted.version, by="berta", now=now)


def _forgotten(place: Place, key: str) -> None:
    """The queue as it was before."""
    with place.owner() as connection:
        connection.execute("DELETE FROM delivery.message WHERE key = %s", [key])
        connection.execute("VACUUM ANALYZE delivery.message")
