"""Which history of two a pod has: what the scenarios of test_pg_two_histories.py and test_pg_overtaken.py share."""

PAGE, SEGMENT = 8192, 16 << 20


def write(one, index, kilobytes):
    """So much WAL, and a commit."""
    one.sql(index, "CREATE TABLE IF NOT EXISTS filler (by text)", inside=True)
    one.sql(index, f"INSERT INTO filler SELECT repeat(md5(g::text), 32) FROM generate_series(1, {kilobytes}) g", inside=True)


def note_who(one, index, name):
    """A table that tells which history this is."""
    one.sql(index, f"CREATE TABLE {name} AS SELECT 1 AS one", inside=True)


def tables(one, index):
    """Which of them a pod has."""
    rows = one.sql(index, "SELECT relname FROM pg_class WHERE relname IN ('older', 'newer', 'other') ORDER BY 1", inside=True)
    return [row[0] for row in rows]
