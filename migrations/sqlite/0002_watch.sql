-- What is watched and what was seen: hosts, observations, samples, findings, issues.

-- `listed` is the number of the inventory that last named the host. A lease says who is looking, and until when.
create table hosts (
    name text primary key,
    enabled integer not null,
    listed integer not null,
    next_due integer not null,
    lease_by text,
    lease_until integer,
    looked_at integer,
    failure text,
    failures integer not null
) strict;
create index hosts_due on hosts (next_due);

create table observations (
    host text not null,
    at integer not null,
    body text not null,
    primary key (host, at)
) strict;
create index observations_at on observations (at);

create table samples (
    host text not null,
    metric text not null,
    at integer not null,
    value real not null,
    primary key (host, metric, at)
) strict;
create index samples_at on samples (at);

create table issues (
    number integer primary key,
    host text,
    title text not null,
    severity text not null,
    state text not null,
    fingerprint text,
    seen_count integer not null,
    first_seen integer not null,
    last_seen integer not null,
    changed_at integer not null
) strict;
create index issues_state on issues (state, number);
create index issues_host on issues (host, number);
create index issues_fingerprint on issues (fingerprint, changed_at) where fingerprint is not null;
create unique index issues_one_active on issues (fingerprint)
where fingerprint is not null and state in ('open', 'acknowledged');

-- `memory` is the tracker's own JSON: how often it was seen and not seen of late.
create table findings (
    fingerprint text primary key,
    host text not null,
    check_name text not null,
    subject text not null,
    memory text not null,
    finding text,
    firing integer not null,
    issue integer references issues (number),
    changed_at integer not null
) strict;
create index findings_host on findings (host);
