-- name: add_mailing
-- Letters are printed together.
INSERT INTO delivery.mailing (id, made_at, made_by, letters) VALUES (%(id)s, %(now)s, %(by)s, %(letters)s);

-- name: add_letters
-- Which page of a mailing is which message.
INSERT INTO delivery.mailing_letter (mailing, page, message)
SELECT %(mailing)s, page, message FROM unnest(%(messages)s::uuid[]) WITH ORDINALITY AS row (message, page);

-- name: lock_mailing
-- A mailing that is still in the house, locked.
SELECT id FROM delivery.mailing
WHERE id = %(id)s AND handed_over_at IS NULL AND discarded_at IS NULL FOR UPDATE;

-- name: letters_of
-- The pages of a mailing with their messages, and where each stands; of an erased person nothing is left but the page.
SELECT letter.page, letter.message, message.state,
       coalesce(message.state IN ('sent', 'delivered') AND message.carrier_id = letter.mailing::text, false)
FROM delivery.mailing_letter AS letter LEFT JOIN delivery.message ON message.id = letter.message
WHERE letter.mailing = %(mailing)s ORDER BY letter.page;

-- name: keep_printed
-- Letters that could not be decided on stay with their mailing.
UPDATE delivery.message SET not_before = %(until)s, changed_at = %(now)s
WHERE id = ANY(%(messages)s::uuid[]) AND state IN ('planned', 'deferred');

-- name: handed_over
-- A mailing has left the house.
UPDATE delivery.mailing SET handed_over_at = %(now)s WHERE id = %(id)s;

-- name: discarded
-- A mailing was not sent; its letters may be printed anew.
UPDATE delivery.mailing SET discarded_at = %(now)s WHERE id = %(id)s;

-- name: due_again
-- The letters of a mailing that was thrown away are due again.
UPDATE delivery.message SET not_before = %(now)s, changed_at = %(now)s
WHERE state = 'deferred' AND id IN (SELECT message FROM delivery.mailing_letter WHERE mailing = %(mailing)s);

-- name: mailings
-- The mailings, newest first; of each how many of its letters were sent.
SELECT mailing.id, mailing.made_at, mailing.made_by, mailing.letters, mailing.handed_over_at, mailing.discarded_at,
       (SELECT count(*) FROM delivery.mailing_letter AS letter JOIN delivery.message ON message.id = letter.message
        WHERE letter.mailing = mailing.id AND message.state IN ('sent', 'delivered')
          AND message.carrier_id = mailing.id::text)
FROM delivery.mailing ORDER BY made_at DESC, id LIMIT %(limit)s;

-- name: letters_due
-- How many letters could be printed now.
SELECT count(*) FROM delivery.message
WHERE channel = 'post' AND state IN ('planned', 'deferred') AND not_before <= %(now)s AND not_after > %(now)s;
