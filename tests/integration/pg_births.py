"""The image's entrypoint during a first birth, stopped at any of its stages: programs of the image that say where they are,
and wait there for their end. For test_pg_birth_kill.py."""

import os

from common import postgres
from pg_cells import Stand

ROWS = 1000
# Stands in the way of a program of the image. /stage/at names the stage at which it waits, for ever: nobody writes there.
PROGRAM = r"""#!/bin/bash
name=${0##*/} at=$(cat /stage/at) real=/usr/local/bin/${0##*/}
here() { if [ "$at" = "$1" ]; then echo "$1" >/stage/reached; read -r _ </stage/never; fi; }
case "$name $*" in
    pg_ctl*start*) name='pg_ctl start' ;;
    pg_ctl*stop*) name='pg_ctl stop' ;;
esac
here "before $name"
case $at in
    "$name made "*)
        "$real" "$@" <&0 & pid=$!
        until [ -e "$PGDATA/${at#"$name made "}" ]; do :; done
        kill -STOP "$pid"
        here "$at" ;;
    "$name is killed")
        "$real" "$@" <&0 & pid=$!
        until [ -e "$PGDATA/global/pg_control" ]; do :; done
        kill -KILL "$pid"
        wait "$pid" ;;
    *) "$real" "$@" || exit ;;
esac
here "after $name"
"""
# A script of the user's, which loads data; ordain's own comes behind it.
SCRIPT = r"""#!/bin/bash
at=$(cat /stage/at)
here() { if [ "$at" = "$1" ]; then echo "$1" >/stage/reached; read -r _ </stage/never; fi; }
sql() { psql -qX -v ON_ERROR_STOP=1 -U postgres -d app -c "$1"; }
here 'before the script'
sql 'CREATE TABLE of_user (n int)' || exit
case $at in
    'the script fails') exit 1 ;;
    'the script is killed') kill -KILL $$ ;;
esac
here 'in the script'
sql 'INSERT INTO of_user SELECT generate_series(1, 1000)' || exit
here 'after the script'
"""
# What ends by itself, and what must be ended from outside. In the last ones the birth is done already.
FAILING = ("the script fails", "the script is killed", "initdb is killed")
HALF = ("before initdb", "initdb made PG_VERSION", "initdb made global/pg_control", "initdb made base/5", "after initdb",
        "before pg_ctl start", "after pg_ctl start", "before the script", "in the script", "after the script", *FAILING)
DONE = ("before pg_ctl stop", "after pg_ctl stop")


class Births:
    """A lab of which pg-0 alone is there, whose entrypoint waits at the stage that `at` was told."""

    def __init__(self, world, replicas=1, env=None, mounts=(), **options):
        self.directory = os.path.join(world.dir, "stage")
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o777)
        os.mkfifo(self._path("never"), 0o644)
        os.chmod(self._path("never"), 0o666)
        self.at("")
        self.one = postgres(world, replicas=replicas, binds=[(self.directory, "/stage", False), *mounts],
                            env={"ORDAIN_TEMPLATE_DIR": "/templates", **(env or {})},
                            secrets={"/templates": {"initdb.d-50-user.sh": SCRIPT.replace("${", "$${")}}, **options)
        programs = os.path.join(self.one.local_dir, "sbin")
        os.makedirs(programs, exist_ok=True)
        for name in ("initdb", "pg_ctl"):
            with open(os.path.join(programs, name), "w", encoding="ascii") as file:
                file.write(PROGRAM)
            os.chmod(file.name, 0o755)
        for pod in self.one.pods[1:]:
            pod.held = True

    def _path(self, name):
        return os.path.join(self.directory, name)

    def at(self, stage):
        """Where the entrypoint shall wait from now on; "" lets it pass."""
        for name, text in (("reached", None), ("at", stage)):
            if text is None and os.path.exists(self._path(name)):
                os.unlink(self._path(name))
            elif text is not None:
                with open(self._path(name), "w", encoding="ascii") as file:
                    file.write(text)
                os.chmod(file.name, 0o644)

    def reach(self, stage):
        """Waits until the entrypoint is there; one that ends there by itself must have ended."""
        pod, before = self.one.pods[0], len(self.one.pods[0].exit_codes.get("main", []))
        if stage in FAILING:
            self.one.wait(lambda: len(pod.exit_codes.get("main", [])) > before, 30, f"the entrypoint ends: {stage}")
        else:
            self.one.wait(lambda: os.path.exists(self._path("reached")), 30, f"the entrypoint is at: {stage}",
                          lambda: pod.log()[-500:])

    def waiting(self):
        """pg-0 before its first init; its Stand."""
        pod = self.one.pods[0]
        pod.close_gate("init")
        self.one.start()
        self.one.wait(lambda: pod.at_gate("init"), 30, f"{pod.name}'s sandbox")
        return Stand(pod)

    def anew(self):
        """pg-0 before another first init: volume and register have nothing; its Stand."""
        pod = self.one.pods[0]
        pod.close_gate("init")
        pod.delete(force=True)
        pod.volume.lose()
        for name in os.listdir(self.one.register):
            os.unlink(os.path.join(self.one.register, name))
        pod.held = False
        self.one.wait(lambda: pod.at_gate("init"), 30, f"{pod.name}'s sandbox")
        return Stand(pod)
