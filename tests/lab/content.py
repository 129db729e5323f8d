"""What a Postgres server has, as a client sees it: one checksum of all rows a table."""

TABLES = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
         "WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' " \
         "AND n.nspname <> 'information_schema' ORDER BY 1"
DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
ROWS = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} AS t"


def read(connect):
    """{(database, table): (count, checksum of its rows)}; `connect(database)` opens a connection."""
    found = {}
    with connect("postgres") as connection:
        databases = [row[0] for row in connection.query(DATABASES)]
    for database in databases:
        with connect(database) as connection:
            for table, in connection.query(TABLES):
                found[database, table] = tuple(connection.query(ROWS.format(table))[0])
    return found
