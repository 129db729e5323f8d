#!/usr/bin/python3
"""The lab's docker-entrypoint.sh behaves as the official Postgres image's: what it makes, refuses and leaves behind."""

import gzip
import os

from common import lab, plain_postgres
from lab import check, equal

FILES = {  # name: (mode, text)
    "10-first.sh": (0o755, "#!/bin/sh\npsql -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" "
                           "-c 'CREATE TABLE one AS SELECT 1'\nLEFT=behind\n"),
    "20-second.sh": (0o644, "SOURCED=${LEFT:-nothing}\n"),
    "30-third.sh": (0o644, "docker_process_sql -c \"CREATE TABLE three AS SELECT '$SOURCED' AS word\"\n"),
    "40-fourth.sql": (0o644, "CREATE TABLE four AS SELECT word FROM three, one;\n"),
    "50-fifth.sql.gz": (0o644, "CREATE TABLE five AS TABLE four;\n"),
    "60-note.txt": (0o644, "not for the server\n"),
}


def with_files(world, files, **options):
    """A lab of one pod whose initdb.d has these files before its first start."""
    one = plain_postgres(world, **options)
    pod = one.pods[0]
    pod.close_gate("main")
    one.start()
    one.wait(lambda: pod.at_gate("main"), 10, "the gate")
    for name, (mode, text) in files.items():
        path = os.path.join(pod.config, "initdb.d", name)
        with (gzip.open if name.endswith(".gz") else open)(path, "wt", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
    pod.open_gate("main")
    return one


def ended(one, rc, words):
    """The first start of the main container ended so."""
    pod = one.pods[0]
    one.wait(lambda: pod.exit_codes.get("main"), 30, "main ends")
    equal(pod.exit_codes["main"][0], rc, "exit status")
    check(words in pod.log(), pod.log())


def files_run_in_order(world):
    """initdb.d: executables are run, others sourced, SQL and packed SQL read; by the socket alone"""
    with with_files(world, FILES) as one:
        one.wait_ready(60)
        equal(one.sql(0, "SELECT * FROM five"), [["nothing"]], "what the files made")
        check("ignoring /docker-entrypoint-initdb.d/60-note.txt" in one.pods[0].log(), "the note")
        head = one.pods[0].log().split("init process complete")[0]
        check("listening on IPv4" not in head, "the temporary server has no port")
        equal(one.sql(0, "SHOW listen_addresses"), [["*"]], "the image's default")
        with open(os.path.join(one.pgdata(0), "pg_hba.conf"), encoding="ascii") as file:
            equal(file.read().splitlines()[-1], "host all all all scram-sha-256", "hba")


def half_a_database(world):
    """a failing file ends the start with its status; the next start serves half a database (#891)"""
    files = {"10-bad.sh": (0o755, "#!/bin/sh\nexit 7\n"),
             "20-never.sql": (0o644, "CREATE TABLE never AS SELECT 1;\n")}
    with with_files(world, files) as one:
        ended(one, 7, "10-bad.sh")
        one.wait_ready(60)
        check("Skipping initialization" in one.pods[0].log(), one.pods[0].log())
        equal(one.value(0, "SELECT to_regclass('never')"), None, "the second file never ran")
    with with_files(world, {"10-bad.sql": (0o644, "SELECT wrong;\n")}, name="pq") as one:
        ended(one, 3, 'column "wrong" does not exist')


def refusals(world):
    """no password, a password twice, a directory that is not empty: refused before or by initdb"""
    nothing = {"POSTGRES_PASSWORD_FILE": None}
    with plain_postgres(world, name="none", env=nothing) as one:
        one.start()
        ended(one, 1, "superuser password is not specified")
        equal(os.listdir(one.pgdata(0)), [], "PGDATA")
    with plain_postgres(world, name="twice", env={"POSTGRES_PASSWORD": "x"}) as one:
        one.start()
        ended(one, 1, "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set")
    with plain_postgres(world, name="mount", env={"PGDATA": "/data"}) as one:
        os.mkdir(one.pods[0].volume.file("lost+found"))
        one.start()
        ended(one, 1, "exists but is not empty")
    with plain_postgres(world, name="trust", env={**nothing,
                                                  "POSTGRES_HOST_AUTH_METHOD": "trust"}) as one:
        one.up(60)
        equal(lab.pgwire.Access().connect(one.pods[0].ip).query("SELECT 1"), [["1"]], "trust")


def arguments(world):
    """initdb's arguments, WAL elsewhere, another user and database; root steps down"""
    template = lab.plain_postgres()
    template.main.uid = template.main.gid = 0
    template.main.caps = lab.spec.INIT_CAPS
    env = {"POSTGRES_INITDB_ARGS": "--data-checksums --locale='C'", "POSTGRES_USER": "root user",
           "POSTGRES_DB": "a \"b\" 'c'", "POSTGRES_INITDB_WALDIR": "/data/wal"}
    access = lab.pgwire.Access("root user", lab.postgres.PASSWORD, "a \"b\" 'c'")
    with plain_postgres(world, template=template, env=env, access=access) as one:
        one.up(60)
        equal(one.sql(0, "SELECT current_user, current_database(), current_setting('lc_collate'), "
                         "current_setting('data_checksums')"),
              [["root user", "a \"b\" 'c'", "C", "on"]], "as asked")
        equal(os.readlink(os.path.join(one.pgdata(0), "pg_wal")), "/data/wal", "WAL")
        pid = one.pods[0].life.main_process().pid
        equal((os.stat(f"/proc/{pid}").st_uid, os.stat(one.pgdata(0)).st_uid), (999, 999), "users")
        equal(one.pods[0].run("docker-entrypoint.sh", "postgres", "--version", uid=999).out.split()[0],
              "postgres", "a question is only answered")
        equal(one.pods[0].run("docker-entrypoint.sh", "echo", "-n", "x").out, "x", "another command")


SCENARIOS = [files_run_in_order, half_a_database, refusals, arguments]

if __name__ == "__main__":
    lab.main(SCENARIOS)
