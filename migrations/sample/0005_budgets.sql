-- A run that the standing orders let happen.
update runs set host = 'web1', steps_digest = '02214a409b337545b666e5e189dddb3206c4cfa2e3dff1b647fa88fc46d80316', by_orders = 1
where id = '01kv5je8g00w3ge1r70w3ge1r7';
