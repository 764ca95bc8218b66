-- Browsers that are known as a person's. Of every secret here only the SHA-256 is kept.
create table devices (
    number integer primary key,
    person text not null,
    uid integer not null,
    label text not null,
    secret text not null,
    added_at integer not null,
    expires_at integer not null,
    -- When it last decided something; looking writes nothing.
    decided_at integer,
    removed_at integer
) strict;
create unique index devices_secret on devices (secret);
create index devices_person on devices (person, number);
create index devices_expiry on devices (expires_at);

-- What makes a browser known: good once and not for long.
create table enrolments (
    token text primary key,
    person text not null,
    uid integer not null,
    label text,
    asked_by text not null,
    asked_at integer not null,
    expires_at integer not null,
    used_at integer
) strict;
create index enrolments_expiry on enrolments (expires_at);

-- What a message carries: it leads one person to one revision of one action, and decides once.
create table links (
    token text primary key,
    action integer not null references actions (number),
    revision integer not null,
    digest text not null,
    person text not null,
    channel text not null,
    made_at integer not null,
    expires_at integer not null,
    used_at integer,
    used_by integer,
    used_for text
) strict;
create index links_expiry on links (expires_at);

-- The last form that was handed to a device on a link: without it nothing is decided.
create table link_forms (
    link text not null references links (token) on delete cascade,
    device integer not null,
    form text not null,
    expires_at integer not null,
    primary key (link, device)
) strict;
insert into counters (name, next) values ('device', 1);
