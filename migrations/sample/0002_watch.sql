-- A watched fleet with one trouble.
insert into hosts (name, enabled, listed, next_due, lease_by, lease_until, looked_at, failure, failures)
values ('web1', true, 1, 1781524860000, null, null, 1781524800000, '{"kind":"timed_out","limit_ms":5}', 1);
insert into hosts (name, enabled, listed, next_due, lease_by, lease_until, looked_at, failure, failures)
values ('web2', true, 1, 1781524800000, 'c1', 1781524860000, null, null, 0);
insert into observations (host, at, body)
values ('web1', 1781524800000, '{"ok":true}');
insert into samples (host, metric, at, value)
values ('web1', 'load', 1781524800000, 0.5);
insert into issues (number, host, title, severity, state, fingerprint, seen_count, first_seen, last_seen, changed_at)
values (1, 'web1', 'nginx.service failed', 'critical', 'open', 'c2c8e9fb837115b940296ede42b21e3a4562d911ccacb5d0ad2182bc1c0a6aaa', 1, 1781524800000, 1781524800000, 1781524800000);
insert into findings (fingerprint, host, check_name, subject, memory, finding, firing, issue, changed_at)
values ('c2c8e9fb837115b940296ede42b21e3a4562d911ccacb5d0ad2182bc1c0a6aaa', 'web1', 'unit', 'nginx.service', '{"seen":2}', '{"host":"web1","check":"unit","subject":"nginx.service","severity":"critical","summary":"nginx.service is not well","cause":"exit-code 1","evidence":[{"source":"unit","text":"ActiveState=failed"}]}', true, 1, 1781524800000);
