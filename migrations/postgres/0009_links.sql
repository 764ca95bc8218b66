-- Browsers that are known as a person's. Of every secret here only the SHA-256 is kept.
create table devices (
    number bigint primary key,
    person text not null,
    uid bigint not null,
    label text not null,
    secret text not null,
    added_at bigint not null,
    expires_at bigint not null,
    -- When it last decided something; looking writes nothing.
    decided_at bigint,
    removed_at bigint
);
create unique index devices_secret on devices (secret);
create index devices_person on devices (person, number);
create index devices_expiry on devices (expires_at);

-- What makes a browser known: good once and not for long.
create table enrolments (
    token text primary key,
    person text not null,
    uid bigint not null,
    label text,
    asked_by text not null,
    asked_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index enrolments_expiry on enrolments (expires_at);

-- What a message carries: it leads one person to one revision of one action, and decides once.
create table links (
    token text primary key,
    action bigint not null references actions (number),
    revision bigint not null,
    digest text not null,
    person text not null,
    channel text not null,
    made_at bigint not null,
    expires_at bigint not null,
    used_at bigint,
    used_by bigint,
    used_for text
);
create index links_expiry on links (expires_at);

-- The last form that was handed to a device on a link: without it nothing is decided.
create table link_forms (
    link text not null references links (token) on delete cascade,
    device bigint not null,
    form text not null,
    expires_at bigint not null,
    primary key (link, device)
);
insert into counters (name, next) values ('device', 1);
