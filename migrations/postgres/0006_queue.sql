-- The LLM queue, whole. A job's rank is fixed when it is queued: the time it was asked for, less the head start of its
-- priority, plus a share for what its host has waiting already. The lowest rank goes first, so waiting is ageing.
alter table jobs add column rank bigint not null default 0;
alter table jobs add column needs text collate "C" not null default 'answer';
-- The lanes that may have it, as `|name|name|`; none: any.
alter table jobs add column lanes text;
-- The lane that has it, and the endpoint's one place that it fills.
alter table jobs add column lane text;
alter table jobs add column slot text;
alter table jobs add column leased_at bigint;
-- Somebody more urgent waits: its worker is to put it back.
alter table jobs add column preempt_at bigint;
alter table jobs add column preempted bigint not null default 0;
alter table jobs add column asked_by text;
-- What a worker that takes it up again need not do again.
alter table jobs add column progress text;
alter table jobs add column model text;
alter table jobs add column prompt_tokens bigint;
alter table jobs add column output_tokens bigint;
alter table jobs add column output_ms bigint;
update jobs set rank = asked_at - case priority when 3 then 7200000 when 2 then 2700000 when 1 then 900000 else 0 end;
drop index jobs_waiting;
drop index jobs_state;
-- One range for each priority, in the order of service; the rest of the key passes over what is not to be served yet
-- without a look at the row.
create index jobs_by_rank on jobs (priority desc, rank, number, not_before, needs) where state = 'queued';
create index jobs_waiting_of_host on jobs (host, priority) where state = 'queued' and host is not null;
create index jobs_waiting_of_person on jobs (asked_by, priority) where state = 'queued' and asked_by is not null;
create index jobs_over on jobs (ended_at) where ended_at is not null;
create index jobs_dead on jobs (number) where state in ('failed', 'cancelled');
-- How many waited when they were last counted, and the number that came next then: with the numbers given out since,
-- it says that there is room without another count.
insert into counters (name, next) select 'jobs_waiting', count(*) from jobs where state = 'queued';
insert into counters (name, next) select 'jobs_counted_at', next from counters where name = 'job';
-- One request at a time: what serves a lane fills its place while it has a job. It is the list of what is leased, too.
create unique index jobs_one_per_slot on jobs (slot) where state = 'leased';

-- The findings that a job answers for; the first is looked into, the others are alike on other hosts.
create table job_members (
    job bigint not null references jobs (number),
    place bigint not null,
    host text not null collate "C",
    issue bigint not null,
    fingerprint text not null,
    primary key (job, place)
);
create unique index job_members_once on job_members (job, fingerprint);
create index job_members_issue on job_members (issue, job);

-- What a job has said so far, for those who watch it from elsewhere. Removed some time after its end.
create table job_output (
    job bigint not null,
    seq bigint not null,
    kind text not null,
    text text not null,
    -- The how many-th piece it is, and how many bytes there are with it: what a job may say has an end.
    nth bigint not null,
    bytes bigint not null,
    primary key (job, seq)
);

-- The lanes that workers serve, by what they said last.
create table lanes (
    name text not null,
    controller text not null,
    endpoint text not null,
    models text not null,
    needs text not null,
    takes text not null,
    places bigint not null,
    standby bigint not null,
    seen_at bigint not null,
    job bigint,
    busy_since bigint,
    watched_since bigint not null,
    busy_ms bigint not null,
    served bigint not null,
    failed bigint not null,
    output_tokens bigint not null,
    output_ms bigint not null,
    breaker text not null,
    fault text,
    primary key (name, controller)
);

-- Lanes that a person has paused, and `*` for all.
create table paused_lanes (
    name text primary key,
    by_whom text not null,
    at bigint not null
);
