-- A phone, what made it known, and a link on which it has decided, with the form that it was handed.
insert into devices (number, person, uid, label, secret, added_at, expires_at, decided_at, removed_at)
values (1, 'ops', 1000, 'Firefox on Android', '9d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 1781524800000, 1797076800000, 1781524860000, null);
insert into enrolments (token, person, uid, label, asked_by, asked_at, expires_at, used_at)
values ('1d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'ops', 1000, null, 'root', 1781524700000, 1781525300000, 1781524800000);
insert into links (token, action, revision, digest, person, channel, made_at, expires_at, used_at, used_by, used_for)
values ('2d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 0, 1, '9d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 'ops', 'gotify', 1781524800000, 1781611200000, 1781524860000, 1, 'approve');
insert into link_forms (link, device, form, expires_at)
values ('2d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 1, '3d2faf43cfede471551468320ffdae4b7c299ff23a2ff8595d0a69f0c78fbf93', 1781525400000);
update counters set next = 2 where name = 'device';
