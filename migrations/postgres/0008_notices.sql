-- What is told to people. A delivery is one message to one channel; its notices stand in it as JSON. It is queued until it
-- is sent, given up (dead), or told together with others in another one (folded).
create table deliveries (
    number bigint primary key,
    -- The same at every try, so that whoever gets it twice can tell.
    id text not null,
    channel text not null,
    state text not null,
    -- What notices have in common that go into one message.
    key text not null,
    urgency text not null,
    -- What a person sent goes out as it is.
    alone bigint not null,
    priority bigint,
    notices text not null,
    -- Notices that it knows by their number only.
    more bigint not null,
    made_at bigint not null,
    due_at bigint not null,
    attempts bigint not null,
    error text,
    ended_at bigint,
    folded_into bigint
);
create index deliveries_waiting on deliveries (channel, due_at) where state = 'queued';
create index deliveries_of_key on deliveries (channel, key, number);
create index deliveries_ended on deliveries (ended_at) where ended_at is not null;
create index deliveries_dead on deliveries (channel, number) where state = 'dead';

-- How each channel fares. Who sends has it leased, so that of several controllers one sends.
create table channels (
    name text primary key,
    leased_by text,
    leased_until bigint,
    failures bigint not null,
    failing_since bigint,
    -- Left alone until then.
    retry_at bigint,
    -- What the settings and the secret's file were when the secret was refused: it is tried again when they are others.
    refused text,
    error text,
    sent_at bigint
);

-- Which channels heard of which issue that is not over: there its end is told, and nothing twice.
create table told (
    issue bigint not null,
    channel text not null,
    severity text not null,
    told_at bigint not null,
    primary key (issue, channel)
);
insert into counters (name, next) values ('delivery', 1);
