-- What the store knows of itself, the numbers it gives out, and the log.
create table meta (
    key text collate "C" primary key,
    value text not null
);
insert into meta (key, value) values ('store_id', replace(gen_random_uuid()::text, '-', ''));

create table counters (
    name text collate "C" primary key,
    next bigint not null
);
insert into counters (name, next) values ('action', 0), ('issue', 1), ('job', 1), ('inventory', 1);

-- `actor` and `body` are JSON, kept as the very text that was hashed.
create table log (
    seq bigint primary key,
    at bigint not null,
    actor text not null,
    event text collate "C" not null,
    host text collate "C",
    issue bigint,
    action bigint,
    run text collate "C",
    body text not null,
    previous text not null,
    hash text not null
);
create index log_host on log (host, seq) where host is not null;
create index log_issue on log (issue, seq) where issue is not null;
create index log_action on log (action, seq) where action is not null;
create index log_run on log (run, seq) where run is not null;
create index log_at on log (at);

-- The end of the chain. Locking its one row is what makes writers queue, so that numbers have no gaps.
create table log_head (
    id bigint primary key check (id = 1),
    seq bigint not null,
    hash text not null
);
insert into log_head (id, seq, hash)
values (1, 0, '80b107980f7d6b52f1a4cb440b560631c9d7f38b47a4136bac42cd883c3120d3');

create function log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the log is append-only';
end
$$;
create trigger log_keeps_entries before update or delete or truncate on log
for each statement execute function log_is_append_only();
