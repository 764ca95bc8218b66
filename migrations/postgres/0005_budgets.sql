-- What budgets are counted by: where a run was, what its steps were, and whether a person had approved it.
alter table runs add column host text not null default '';
alter table runs add column steps_digest text not null default '';
alter table runs add column by_orders bigint not null default 0;
create index runs_by_orders on runs (claimed_at) where by_orders = 1;
