-- A message that was sent, one that waits, one that was given up, two that were folded into one, and a channel that fails.
insert into deliveries (number, id, channel, state, key, urgency, alone, priority, notices, more, made_at, due_at, attempts, error, ended_at, folded_into)
values (1, '4f0c1f8e6a5b4c3d2e1f00998877aa01', 'phone', 'sent', '9d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'critical', 0, null, '[{"event":"opened","severity":"critical","at":"2026-06-15T12:00:00.000Z","host":"web1","issue":1,"cause":"units nginx.service exit-code","title":"nginx.service has failed"}]', 0, 1781524800000, 1781524830000, 1, null, 1781524831000, null),
    (2, '4f0c1f8e6a5b4c3d2e1f00998877aa02', 'phone', 'queued', '1d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'attention', 0, null, '[{"event":"held","severity":"warning","at":"2026-06-15T12:00:00.000Z","host":"web1","issue":1,"action":0,"title":"restart nginx.service"}]', 0, 1781524800000, 1781524830000, 2, 'phone cannot be reached', null, null),
    (3, '4f0c1f8e6a5b4c3d2e1f00998877aa03', 'mail', 'dead', '2d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'information', 1, 5, '[{"event":"message","severity":"info","at":"2026-06-15T12:00:00.000Z","title":"hello"}]', 0, 1781524800000, 1781524800000, 30, 'the message is refused', 1781784000000, null),
    (4, '4f0c1f8e6a5b4c3d2e1f00998877aa04', 'mail', 'folded', '3d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'attention', 0, null, '[]', 0, 1781524800000, 1781524800000, 0, null, 1781528400000, 5),
    (5, '4f0c1f8e6a5b4c3d2e1f00998877aa05', 'mail', 'queued', '4d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'attention', 0, null, '[]', 12, 1781528400000, 1781528400000, 0, null, null, null);
insert into channels (name, leased_by, leased_until, failures, failing_since, retry_at, refused, error, sent_at)
values ('phone', null, null, 2, 1781524800000, 1781524860000, null, 'phone cannot be reached', 1781524831000);
insert into told (issue, channel, severity, told_at) values (1, 'phone', 'critical', 1781524800000);
update counters set next = 6 where name = 'delivery';
