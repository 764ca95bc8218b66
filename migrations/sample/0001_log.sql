insert into meta (key, value) values ('sample', 'after 1');
update counters set next = 3 where name = 'action';
update counters set next = 3 where name = 'issue';
update counters set next = 3 where name = 'job';
