-- name: facts
-- All that one answer depends on, in one snapshot: where the ledger ends, the person (a merged one answers as the one
-- that remains), what the catalogue asks for, and where each need and its channel stand. One row a need, at least one.
SELECT ending.epoch, ending.position,
       person.number, person.id, person.erased_at IS NOT NULL AS erased, person.merged_into IS NOT NULL AS merged,
       activity.activity IS NOT NULL AS is_activity, activity.legal_basis,
       need.purpose, need.channel, notice.major,
       whole.decision, whole.notice_major, whole.expires_at,
       part.channel, part.decision, part.notice_major, part.expires_at
FROM ledger.ending
LEFT JOIN subjects.current named ON named.id = %(subject)s
LEFT JOIN subjects.current person ON person.id = coalesce(named.merged_into, named.id)
LEFT JOIN catalogue.current_activity activity ON activity.activity = %(asked)s
LEFT JOIN (
    SELECT purpose, channel FROM catalogue.current_need WHERE activity = %(asked)s
    UNION ALL
    SELECT DISTINCT purpose, NULL FROM catalogue.current_notice WHERE purpose = %(asked)s
) need ON true
LEFT JOIN (SELECT DISTINCT purpose, major FROM catalogue.current_notice) notice ON notice.purpose = need.purpose
LEFT JOIN consents.current whole
       ON whole.number = person.number AND whole.purpose = need.purpose AND whole.channel = ''
LEFT JOIN consents.current part
       ON part.number = person.number AND part.purpose = need.purpose
      AND part.channel = coalesce(nullif(need.channel, ''), %(channel)s::text)
ORDER BY need.purpose;
