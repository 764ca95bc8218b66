-- The LLM queue. Among the jobs that wait or are being served, a coalescing key stands once.
create table jobs (
    number integer primary key,
    kind text not null,
    request text not null,
    coalescing_key text not null,
    host text,
    issue integer,
    priority integer not null,
    state text not null,
    not_before integer not null,
    lease_by text,
    lease_until integer,
    attempts integer not null,
    last_error text,
    asked_at integer not null,
    deadline integer not null,
    ended_at integer,
    result text
) strict;
create unique index jobs_one_per_key on jobs (coalescing_key) where state in ('queued', 'leased');
create index jobs_waiting on jobs (priority desc, asked_at, number) where state = 'queued';
create index jobs_state on jobs (state, number);
create index jobs_issue on jobs (issue, number) where issue is not null;
