-- What is watched and what was seen: hosts, observations, samples, findings, issues.

-- `listed` is the number of the inventory that last named the host. A lease says who is looking, and until when.
create table hosts (
    name text collate "C" primary key,
    enabled boolean not null,
    listed bigint not null,
    next_due bigint not null,
    lease_by text,
    lease_until bigint,
    looked_at bigint,
    failure text,
    failures bigint not null
);
create index hosts_due on hosts (next_due);

create table observations (
    host text collate "C" not null,
    at bigint not null,
    body text not null,
    primary key (host, at)
);
create index observations_at on observations (at);

create table samples (
    host text collate "C" not null,
    metric text collate "C" not null,
    at bigint not null,
    value double precision not null,
    primary key (host, metric, at)
);
create index samples_at on samples (at);

create table issues (
    number bigint primary key,
    host text collate "C",
    title text not null,
    severity text not null,
    state text not null,
    fingerprint text,
    seen_count bigint not null,
    first_seen bigint not null,
    last_seen bigint not null,
    changed_at bigint not null
);
create index issues_state on issues (state, number);
create index issues_host on issues (host, number);
create index issues_fingerprint on issues (fingerprint, changed_at) where fingerprint is not null;
create unique index issues_one_active on issues (fingerprint)
where fingerprint is not null and state in ('open', 'acknowledged');

-- `memory` is the tracker's own JSON: how often it was seen and not seen of late.
create table findings (
    fingerprint text primary key,
    host text collate "C" not null,
    check_name text not null,
    subject text not null,
    memory text not null,
    finding text,
    firing boolean not null,
    issue bigint references issues (number),
    changed_at bigint not null
);
create index findings_host on findings (host);
