-- What was said.
create table conversations (
    number bigint primary key,
    kind text not null,
    title text not null,
    person text not null,
    person_name text not null collate "C",
    action bigint,
    -- Names of hosts, as JSON; none: all of them.
    hosts text not null,
    lane text,
    started_at bigint not null,
    updated_at bigint not null,
    -- How much was said: so many turns, of so many bytes.
    turns bigint not null,
    bytes bigint not null,
    -- Names of the hosts that something in it rests on, as JSON: it goes to no lane that one of them is kept from.
    rests_on text not null,
    -- Its older part in short, in a model's words, and the place of the last that it sums up.
    summary text,
    summary_through bigint
);
create index conversations_action on conversations (action, number) where action is not null;
create index conversations_person on conversations (person_name, updated_at);
create index conversations_time on conversations (updated_at);
create table said (
    conversation bigint not null references conversations (number),
    seq bigint not null,
    by_whom text not null,
    at bigint not null,
    text text not null,
    body text not null,
    primary key (conversation, seq)
);

-- What was looked at while a question was answered, whole, under the label it is cited by. The owner is `job 12` or
-- `conversation 3`.
create table looked_at (
    owner text not null,
    place bigint not null,
    label text not null,
    host text collate "C",
    tool text not null,
    input text not null,
    text text not null,
    shown text not null,
    bytes bigint not null,
    at bigint not null,
    primary key (owner, place)
);
create unique index looked_at_label on looked_at (owner, label);
create index looked_at_time on looked_at (at);

-- What is known.
create table entries (
    number bigint primary key,
    collection text not null,
    kind text not null,
    title text not null,
    text text not null,
    digest text not null,
    host text collate "C",
    labels text not null,
    source text not null,
    confidence text not null,
    created_at bigint not null,
    updated_at bigint not null,
    confirmed_by text,
    confirmed_at bigint,
    expires_at bigint,
    used bigint not null,
    -- What an import or a file brings again is the same entry: one key, one entry.
    import_key text collate "C",
    -- Grows with every change of any entry, so that an index can catch up.
    version bigint not null
);
create unique index entries_import_key on entries (import_key) where import_key is not null;
create index entries_collection on entries (collection, number);
create index entries_digest on entries (digest);
create index entries_version on entries (version);
create table removed_entries (
    number bigint primary key,
    version bigint not null
);
create table vectors (
    entry bigint not null references entries (number) on delete cascade,
    model text not null,
    digest text not null,
    -- Of the same counter as the versions of entries.
    version bigint not null,
    vector bytea not null,
    primary key (entry, model)
);
create index vectors_version on vectors (model, version, entry);
insert into counters (name, next) values ('entry', 1), ('entry_version', 1), ('conversation', 1);
