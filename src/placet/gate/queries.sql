-- name: facts
-- All that one answer depends on, in one snapshot: where the ledger ends, the person (a merged one answers as the one
-- that remains), what the catalogue asks for, where each need and its channel stand, and what is restricted or closed.
-- One row a need, at least one.
SELECT ending.epoch, ending.position, nullif(ending.recorded_at, '-infinity'),
       person.number, person.id, person.erased_at IS NOT NULL AS erased, person.merged_into IS NOT NULL AS merged,
       EXISTS (SELECT FROM gate.restriction AS held WHERE held.number = person.number AND held.purpose = ''
               AND held.until IS NULL) AS restricted,
       activity.activity IS NOT NULL AS is_activity, activity.legal_basis, activity.channel,
       need.purpose, need.channel, notice.major,
       EXISTS (SELECT FROM gate.restriction AS held WHERE held.number = person.number AND held.purpose = need.purpose
               AND held.until IS NULL),
       EXISTS (SELECT FROM gate.closure AS shut WHERE shut.purpose = need.purpose AND shut.until IS NULL),
       whole.decision, whole.notice_major, whole.expires_at,
       part.channel, part.decision, part.notice_major, part.expires_at
FROM ledger.ending
LEFT JOIN subjects.current named ON named.id = %(subject)s
LEFT JOIN subjects.current person ON person.id = coalesce(named.merged_into, named.id)
LEFT JOIN catalogue.current_activity activity ON activity.activity = %(asked)s
LEFT JOIN (
    SELECT purpose, channel FROM catalogue.current_need WHERE activity = %(asked)s
    UNION ALL
    SELECT purpose, NULL FROM catalogue.current_notice WHERE purpose = %(asked)s
) need ON true
LEFT JOIN catalogue.current_notice notice ON notice.purpose = need.purpose
LEFT JOIN consents.current whole
       ON whole.number = person.number AND whole.purpose = need.purpose AND whole.channel = ''
LEFT JOIN consents.current part
       ON part.number = person.number AND part.purpose = need.purpose
      AND part.channel = coalesce(need.channel, activity.channel, %(channel)s::text)
ORDER BY need.purpose;

-- name: facts_of_many
-- The same for many persons and one activity; each row begins with who was asked about.
SELECT named.id,
       ending.epoch, ending.position, nullif(ending.recorded_at, '-infinity'),
       person.number, person.id, person.erased_at IS NOT NULL AS erased, person.merged_into IS NOT NULL AS merged,
       EXISTS (SELECT FROM gate.restriction AS held WHERE held.number = person.number AND held.purpose = ''
               AND held.until IS NULL) AS restricted,
       activity.activity IS NOT NULL AS is_activity, activity.legal_basis, activity.channel,
       need.purpose, need.channel, notice.major,
       EXISTS (SELECT FROM gate.restriction AS held WHERE held.number = person.number AND held.purpose = need.purpose
               AND held.until IS NULL),
       need.shut,
       whole.decision, whole.notice_major, whole.expires_at,
       part.channel, part.decision, part.notice_major, part.expires_at
FROM ledger.ending
LEFT JOIN catalogue.current_activity activity ON activity.activity = %(asked)s
LEFT JOIN (
    SELECT purpose, channel, EXISTS (SELECT FROM gate.closure AS shut
                                     WHERE shut.purpose = wanted.purpose AND shut.until IS NULL) AS shut
    FROM (SELECT purpose, channel FROM catalogue.current_need WHERE activity = %(asked)s
          UNION ALL
          SELECT purpose, NULL FROM catalogue.current_notice WHERE purpose = %(asked)s) wanted
) need ON true
LEFT JOIN catalogue.current_notice notice ON notice.purpose = need.purpose
JOIN subjects.current named ON named.id = ANY(%(subjects)s::uuid[])
LEFT JOIN subjects.current person ON person.id = coalesce(named.merged_into, named.id)
LEFT JOIN consents.current whole
       ON whole.number = person.number AND whole.purpose = need.purpose AND whole.channel = ''
LEFT JOIN consents.current part
       ON part.number = person.number AND part.purpose = need.purpose
      AND part.channel = coalesce(need.channel, activity.channel, %(channel)s::text)
ORDER BY named.id, need.purpose;

-- name: role_of
-- The role under which an activity reads: that of its own purpose, the part of its id before the dot, comes first.
SELECT known.role
FROM catalogue.current_need AS need JOIN gate.purpose_role AS known USING (purpose)
WHERE need.activity = %(activity)s
ORDER BY need.purpose <> split_part(%(activity)s, '.', 1), need.purpose LIMIT 1;

-- name: take_role
-- Become a purpose's role for the rest of the transaction.
SELECT set_config('placet.activity', %(activity)s, true), set_config('placet.channel', %(channel)s, true),
       set_config('work_mem', '64MB', true), set_config('role', %(role)s, true);

-- name: leave_role
-- Be the program again.
SELECT set_config('role', 'none', true), set_config('placet.activity', '', true), set_config('placet.channel', '', true);

-- name: keep_audience
-- Freeze an audience; it can be read again and never changed.
INSERT INTO gate.audience
    (id, activity, channel, basis, needs, epoch, position, as_of, expires_at, count, excluded, sha256, members)
VALUES
    (%(id)s, %(activity)s, %(channel)s, %(basis)s, %(needs)s, %(epoch)s, %(position)s, %(as_of)s, %(expires_at)s,
     %(count)s, %(excluded)s, %(sha256)s, %(members)s);

-- name: kept_audience
-- A frozen audience.
SELECT activity, channel, basis, needs, epoch, position, as_of, expires_at, excluded, sha256, members
FROM gate.audience WHERE id = %(id)s;

-- name: edition
-- When the catalogue in force was published.
SELECT published_at FROM catalogue.current_edition;

-- name: events
-- The events in clear and when each was recorded, the latest first: publications among them.
SELECT recorded_at, body FROM ledger.entered WHERE subject IS NULL ORDER BY position DESC;

-- name: majors
-- The major versions in force.
SELECT purpose, major FROM catalogue.current_notice;

-- name: numbers
-- The numbers of these people, as `facts` finds them: a merged identity leads to the one that goes on.
SELECT named.id, person.number
FROM subjects.current named JOIN subjects.current person ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = ANY(%(ids)s::uuid[]) AND person.merged_into IS NULL;
