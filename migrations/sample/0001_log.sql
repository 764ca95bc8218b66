-- A log of two entries, as the first version wrote it.
insert into log (seq, at, actor, event, host, issue, action, run, body, previous, hash)
values (1, 1781524800000, '{"kind":"person","name":"ann","uid":1000}', 'issue.opened', 'web1', 1, null, null, '{"a":"ä","b":1}', '80b107980f7d6b52f1a4cb440b560631c9d7f38b47a4136bac42cd883c3120d3', 'b02e531e401e8addb1c9752c983c9f74d60679b94c7cfa5cfde0e8b62877e2b5');
insert into log (seq, at, actor, event, host, issue, action, run, body, previous, hash)
values (2, 1781524800000, '{"kind":"person","name":"ann","uid":1000}', 'issue.noted', null, null, null, null, '{"a":"ä","b":1}', 'b02e531e401e8addb1c9752c983c9f74d60679b94c7cfa5cfde0e8b62877e2b5', '5b0c51f5225984088f5b58d9d87c964c2916c3ca2eeaf1ffd39c45fb601e53c1');
update log_head set seq = 2, hash = '5b0c51f5225984088f5b58d9d87c964c2916c3ca2eeaf1ffd39c45fb601e53c1';
update counters set next = 2 where name = 'action';
update counters set next = 2 where name = 'issue';
update counters set next = 3 where name = 'job';
update counters set next = 2 where name = 'inventory';
