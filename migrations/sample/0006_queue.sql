-- What two hosts ask alike, what it has said so far, the lane that has it, and a lane that is paused.
update jobs set lane = 'gpu', slot = 'http://gpu:11434', leased_at = 1781524800000 where number = 1;
insert into job_members (job, place, host, issue, fingerprint)
values (1, 0, 'web1', 1, '9d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93');
insert into job_output (job, seq, kind, text, nth, bytes) values (1, 1, 'token', 'The disk', 1, 8);
insert into lanes (name, controller, endpoint, models, needs, takes, places, standby, seen_at, job, busy_since, watched_since, busy_ms, served, failed, output_tokens, output_ms, breaker, fault)
values ('gpu', 'c1', 'http://gpu:11434', '["qwen3:8b"]', '["answer"]', '[]', 1, 0, 1781524800000, 1, 1781524800000, 1781521200000, 1800000, 12, 1, 4800, 240000, 'closed', null);
insert into paused_lanes (name, by_whom, at) values ('cloud', 'ops', 1781524800000);
