-- Actions with every revision of their plans, and the runs of what was approved.

-- `state_data` is the state as JSON, `due_at` the one clock that runs in it.
create table actions (
    number integer primary key,
    revision integer not null,
    issue integer references issues (number),
    fingerprint text,
    host text not null,
    state text not null,
    state_data text not null,
    due_at integer
) strict;
create index actions_state on actions (state, number);
create index actions_host on actions (host, number);
create index actions_issue on actions (issue, number) where issue is not null;
create index actions_fingerprint on actions (fingerprint, number) where fingerprint is not null;
create index actions_due on actions (due_at) where due_at is not null;

create table action_revisions (
    number integer not null references actions (number),
    revision integer not null,
    proposer text not null,
    proposed_at integer not null,
    reason text not null,
    seen text not null,
    plan text not null,
    digest text not null,
    assessment text not null,
    verdict text not null,
    fix_digest text not null,
    evidence_digest text not null,
    primary key (number, revision)
) strict;
create index action_revisions_fix on action_revisions (fix_digest, number);

-- An action is run at most once: the index says so too.
create table runs (
    id text primary key,
    action integer not null references actions (number),
    revision integer not null,
    digest text not null,
    controller text not null,
    claimed_at integer not null,
    boot text not null,
    lease_until integer not null,
    ended_at integer
) strict;
create unique index runs_one_per_action on runs (action);
create index runs_live on runs (lease_until) where ended_at is null;

create table run_steps (
    run text not null references runs (id),
    phase text not null,
    place integer not null,
    asked_at integer not null,
    outcome text,
    ended_at integer,
    stdout text not null,
    stderr text not null,
    primary key (run, phase, place)
) strict;
