"""A Postgres primary and its standbys are born, lose the primary, a volume, and every address."""

import lab

from .screen import moved, pods_ready, whole

PODS = 3
ROWS = 1000
STREAM = "one primary, as the register names it; every standby streams from it and has replayed all"


def rows_there(screen, one, count):
    """Every row is on every pod, once each standby has replayed what the primary has."""
    one.wait_healthy(30)
    counts = [one.value(index, "SELECT count(*) FROM demo") for index in range(PODS)]
    lab.equal(counts, [str(count)] * PODS, "rows on every pod")
    screen.done(f"{count} rows on every pod")


def status(screen, one):
    """What ordain says of it."""
    screen.answer(one.pods[0], "ordain", "status", "postgres")


def birth(screen, one):
    """From three empty volumes to a primary with two standbys."""
    screen.step("Birth: three empty volumes; the first ordinal runs initdb, the others clone")
    one.start()
    pods_ready(screen, one)
    whole(screen, one, STREAM)
    status(screen, one)


def rows(screen, one):
    """Rows go in."""
    screen.step(f"Rows: {ROWS} of them")
    one.sql(0, "CREATE TABLE demo AS SELECT n, md5(n::text) FROM "
               f"generate_series(1, {ROWS}) AS n")
    rows_there(screen, one, ROWS)


def promotion(screen, one):
    """The primary dies, a standby is promoted, the old primary comes back by itself."""
    screen.step("Promotion: pg-0, the primary, is deleted; a person promotes a standby")
    one.pods[0].delete()
    screen.done("pg-0 is gone")
    result = screen.answer(one.pods[1], "ordain", "promote", "postgres", "--peer-is-dead", "pg-0")
    if result.rc != 0:
        raise lab.Failure(f"promote: exit {result.rc}")
    primary = one.named().ordinal
    one.sql(primary, f"INSERT INTO demo SELECT n, md5(n::text) FROM "
                     f"generate_series({ROWS + 1}, {2 * ROWS}) AS n")
    screen.done(f"pg-{primary} is the primary and took {ROWS} rows more")
    one.pods[0].held = False
    pods_ready(screen, one)
    whole(screen, one, "pg-0 came back by itself, as a standby of " + f"pg-{primary}")
    rows_there(screen, one, 2 * ROWS)
    status(screen, one)


def loss(screen, one):
    """A standby's volume is deleted."""
    index = next(index for index in range(PODS) if index != one.named().ordinal)
    pod = one.pods[index]
    screen.step(f"Loss: the volume of {pod.name}, a standby, is deleted")
    pod.recreate(keep_volume=False)
    pods_ready(screen, one)
    whole(screen, one, f"{pod.name} was cloned anew")
    rows_there(screen, one, 2 * ROWS)
    status(screen, one)


def move(screen, one):
    """All pods come back elsewhere."""
    screen.step("Move: all pods are deleted and come back at new addresses")
    moved(screen, one)
    whole(screen, one, STREAM)
    rows_there(screen, one, 2 * ROWS)
    status(screen, one)


def show(world, screen):
    """The whole story of Postgres."""
    with lab.PostgresLab(world, replicas=PODS) as one:
        screen.say(screen.paint("ordain with PostgreSQL 15", "1"))
        screen.say(f"{PODS} pods of a StatefulSet, each a few namespaces of this machine.")
        for part in (birth, rows, promotion, loss, move):
            part(screen, one)
    screen.end("All rows are there")
