-- Which watch names which hosts. Controllers whose watch has one name share an inventory; others have their own, and
-- leave the hosts of the rest alone. `hosts.listed` is not read any more.
create table inventories (
    watch text primary key,
    told_at integer not null
) strict;

create table inventory_hosts (
    watch text not null references inventories (watch) on delete cascade,
    host text not null,
    primary key (watch, host)
) strict;
create index inventory_hosts_host on inventory_hosts (host);

-- When a channel was last tried in vain, and what its settings and its secret's file were then: its pause is over when the
-- clock was set back since, or something was mended.
alter table channels add column tried_at integer;
alter table channels add column tried_with text;

-- A place has one job: a claim looks whether it is filled, by an index of the places alone. While nothing waits, a planner
-- could not tell the old index from that of all that waits or is leased, and kept to it when ten thousand waited.
drop index jobs_one_per_slot;
create unique index jobs_one_per_slot on jobs (slot) where slot is not null;
create index jobs_leased on jobs (lease_until) where state = 'leased';
