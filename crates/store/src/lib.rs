//! Repositories over Postgres and SQLite, migrations, and the hash-chained log.
