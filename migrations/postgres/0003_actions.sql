-- Actions with every revision of their plans, and the runs of what was approved.

-- `state_data` is the state as JSON, `due_at` the one clock that runs in it.
create table actions (
    number bigint primary key,
    revision bigint not null,
    issue bigint references issues (number),
    fingerprint text,
    host text collate "C" not null,
    state text not null,
    state_data text not null,
    due_at bigint
);
create index actions_state on actions (state, number);
create index actions_host on actions (host, number);
create index actions_issue on actions (issue, number) where issue is not null;
create index actions_fingerprint on actions (fingerprint, number) where fingerprint is not null;
create index actions_due on actions (due_at) where due_at is not null;

create table action_revisions (
    number bigint not null references actions (number),
    revision bigint not null,
    proposer text not null,
    proposed_at bigint not null,
    reason text not null,
    seen text not null,
    plan text not null,
    digest text not null,
    assessment text not null,
    verdict text not null,
    fix_digest text not null,
    evidence_digest text not null,
    primary key (number, revision)
);
create index action_revisions_fix on action_revisions (fix_digest, number);

-- An action is run at most once: the index says so too.
create table runs (
    id text collate "C" primary key,
    action bigint not null references actions (number),
    revision bigint not null,
    digest text not null,
    controller text not null,
    claimed_at bigint not null,
    boot text not null,
    lease_until bigint not null,
    ended_at bigint
);
create unique index runs_one_per_action on runs (action);
create index runs_live on runs (lease_until) where ended_at is null;

create table run_steps (
    run text collate "C" not null references runs (id),
    phase text not null,
    place bigint not null,
    asked_at bigint not null,
    outcome text,
    ended_at bigint,
    stdout text not null,
    stderr text not null,
    primary key (run, phase, place)
);
