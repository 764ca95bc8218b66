-- A talk about an action, what was looked at in it, and two entries of what is known.
insert into conversations (number, kind, title, person, person_name, action, hosts, lane, started_at, updated_at, turns, bytes, rests_on, summary, summary_through)
values (1, 'discuss', 'why restart it?', '{"name":"ops","uid":1000}', 'ops', 0, '["web1"]', null, 1781524800000, 1781524860000, 1, 15, '["web1"]', 'The person asks why it is restarted.', 1);
insert into said (conversation, seq, by_whom, at, text, body) values (1, 1, 'person', 1781524800000, 'why restart it?', '{}');
insert into looked_at (owner, place, label, host, tool, input, text, shown, bytes, at)
values ('conversation 1', 1, 'E1', 'web1', 'unit_status', '{"unit":"nginx.service"}', 'failed', 'failed', 6, 1781524810000);
insert into entries (number, collection, kind, title, text, digest, host, labels, source, confidence, created_at, updated_at, confirmed_by, confirmed_at, expires_at, used, import_key, version)
values (1, 'knowledge', 'command', 'journal vacuum', 'journalctl --vacuum-size=500M', '9d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', null, '["disk"]', '{"kind":"person","name":"ops"}', 'high', 1781524800000, 1781524800000, 'ops', 1781524800000, null, 3, null, 1);
insert into removed_entries (number, version) values (2, 2);
update counters set next = 3 where name in ('entry', 'entry_version');
