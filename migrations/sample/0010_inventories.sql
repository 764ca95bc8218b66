-- Both hosts are one watch's.
insert into inventories (watch, told_at)
values ('hal', 1781524800000);
insert into inventory_hosts (watch, host)
values ('hal', 'web1');
insert into inventory_hosts (watch, host)
values ('hal', 'web2');
update channels set tried_at = 1781524850000, tried_with = '4f0c1f8e6a5b4c3d none' where name = 'phone';
