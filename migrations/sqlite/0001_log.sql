-- What the store knows of itself, the numbers it gives out, and the log.
create table meta (
    key text primary key,
    value text not null
) strict;
insert into meta (key, value) values ('store_id', lower(hex(randomblob(16))));

create table counters (
    name text primary key,
    next integer not null
) strict;
insert into counters (name, next) values ('action', 0), ('issue', 1), ('job', 1), ('inventory', 1);

-- `actor` and `body` are JSON, kept as the very text that was hashed.
create table log (
    seq integer primary key,
    at integer not null,
    actor text not null,
    event text not null,
    host text,
    issue integer,
    action integer,
    run text,
    body text not null,
    previous text not null,
    hash text not null
) strict;
create index log_host on log (host, seq) where host is not null;
create index log_issue on log (issue, seq) where issue is not null;
create index log_action on log (action, seq) where action is not null;
create index log_run on log (run, seq) where run is not null;
create index log_at on log (at);

-- The end of the chain.
create table log_head (
    id integer primary key check (id = 1),
    seq integer not null,
    hash text not null
) strict;
insert into log_head (id, seq, hash)
values (1, 0, '80b107980f7d6b52f1a4cb440b560631c9d7f38b47a4136bac42cd883c3120d3');

create trigger log_keeps_entries_as_they_are before update on log
begin
    select raise(abort, 'the log is append-only');
end;
create trigger log_keeps_entries before delete on log
begin
    select raise(abort, 'the log is append-only');
end;
