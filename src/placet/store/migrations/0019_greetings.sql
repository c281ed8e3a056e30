-- The name day that a person chose, sealed under their key. Whether they want a greeting at all is a mute of the queue.
CREATE TABLE offers.greeting_wish (
    number   int PRIMARY KEY,
    name_day bytea NOT NULL,
    since    timestamptz NOT NULL
);

-- Who was greeted for what, so that nobody is twice in a year; the day is not kept.
CREATE TABLE offers.greeted (
    number   int NOT NULL,
    occasion text NOT NULL CHECK (occasion IN ('birthday', 'name-day')),
    year     int NOT NULL,
    PRIMARY KEY (number, occasion, year)
);

-- The greetings of a day: for whom the gate said yes, by channel, and how far they are.
CREATE TABLE offers.greeting_round (
    day       date PRIMARY KEY,
    audiences jsonb NOT NULL,
    after     int NOT NULL DEFAULT 0,
    planned   int NOT NULL DEFAULT 0,
    done_at   timestamptz
);

GRANT SELECT, INSERT, UPDATE, DELETE ON offers.greeting_wish, offers.greeting_round TO {app};
GRANT SELECT, INSERT, DELETE ON offers.greeted TO {app};
SELECT gate.guard('offers.greeting_wish'), gate.guard('offers.greeted');
