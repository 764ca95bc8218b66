-- The LLM queue. Among the jobs that wait or are being served, a coalescing key stands once.
create table jobs (
    number bigint primary key,
    kind text not null,
    request text not null,
    coalescing_key text not null,
    host text collate "C",
    issue bigint,
    priority bigint not null,
    state text not null,
    not_before bigint not null,
    lease_by text,
    lease_until bigint,
    attempts bigint not null,
    last_error text,
    asked_at bigint not null,
    deadline bigint not null,
    ended_at bigint,
    result text
);
create unique index jobs_one_per_key on jobs (coalescing_key) where state in ('queued', 'leased');
create index jobs_waiting on jobs (priority desc, asked_at, number) where state = 'queued';
create index jobs_state on jobs (state, number);
create index jobs_issue on jobs (issue, number) where issue is not null;
