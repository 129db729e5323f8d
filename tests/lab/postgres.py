"""The facade of Postgres: a StatefulSet of its pods, and what scenarios ask of the replication."""

import os

from . import content, control_file, guard, interposer, pgwire, postgres_image, redis, spec, stage, writer

SECRETS = "/etc/postgres-secret"
PASSWORD, REPLICATION_PASSWORD = "open sesame", "follow me"
PGDATA = "/data/pgdata"
ENVIRONMENT = {
    "PGDATA": PGDATA, "LANG": "C.UTF-8", "POSTGRES_USER": "postgres", "POSTGRES_DB": "app",
    "POSTGRES_PASSWORD_FILE": f"{SECRETS}/password",
    "ORDAIN_PG_PASSWORD_FILE": f"{SECRETS}/replication-password"}
NO_ANSWER = (redis.Unreachable, pgwire.SqlError)
TIMELINE = "SELECT CASE WHEN pg_is_in_recovery() THEN (SELECT received_tli FROM " \
           "pg_stat_wal_receiver) ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))" \
           "::bit(32)::int END"


class Lab(stage.Stage):
    """A stage of Postgres pods; `options` are the stage's. An index is a pod's ordinal.

    `version`: one of postgres_image.VERSIONS; `access`: how to reach the servers by TCP.
    """

    def __init__(self, world, name="pg", replicas=3, template=None, version="15", access=None,
                 env=None, secrets=None, volume_size="512m", **options):
        self.access = access or pgwire.Access(password=PASSWORD, database="app")
        self.version = version
        super().__init__(
            world, name, template or spec.postgres(), postgres_image.postgres(version), replicas,
            env={**ENVIRONMENT, **(env or {})}, volume_size=volume_size,
            secrets={SECRETS: {"password": PASSWORD + "\n",
                               "replication-password": REPLICATION_PASSWORD + "\n"},
                     **(secrets or {})}, **options)

    # ---- one server

    def connect(self, index, timeout_s=5.0, **how):
        """A new connection by TCP to a pod's server; `how` as pgwire.Access.connect takes it."""
        return self.access.connect(self.pods[index].ip, timeout_s, **how)

    def connect_inside(self, index, timeout_s=5.0, **how):
        """A new connection to the socket inside a pod, where everybody is trusted: what its server
        says whatever its network and passwords are."""
        life = self.pods[index].life
        process = life.main_process() if life else None
        if not process:
            raise redis.Unreachable(f"{self.pods[index].name}: no main container runs")
        if self.pods[index].frozen:
            raise redis.Unreachable(f"{self.pods[index].name} stands still")
        place = f"/proc/{process.pid}/root{postgres_image.SOCKETS}"
        return self.access.connect(place, timeout_s, **how)

    def sql(self, index, text, timeout_s=30.0, inside=False, **how):
        """Runs SQL on a pod's server, by TCP or `inside`; answers rows (lists of str or None)."""
        connect = self.connect_inside if inside else self.connect
        with connect(index, timeout_s, **how) as connection:
            return connection.query(text)

    def value(self, index, text, **how):
        """The first value of the first row of `sql`."""
        return self.sql(index, text, **how)[0][0]

    def server_version(self, index):
        """What the server calls itself: "15.18"."""
        with self.connect_inside(index) as connection:
            return connection.parameters["server_version"].split()[0]

    def pgdata(self, index):
        """A pod's data directory, for the test process."""
        return os.path.join(self.pods[index].volume.path, os.path.basename(PGDATA))

    def control(self, index):
        """A pod's control file (control_file.Control), whether its server runs or not."""
        return control_file.read(self.pgdata(index))

    def system_identifier(self, index):
        """Which cluster's data a pod has."""
        return self.control(index).system_identifier

    def timeline(self, index):
        """The timeline that a running server writes or receives; None: it receives none."""
        value = self.value(index, TIMELINE, inside=True, timeout_s=5.0)
        return None if value is None else int(value)

    def is_primary(self, index):
        """Whether a pod's server runs and is not in recovery; None when it gives no answer."""
        try:
            return self.value(index, "SELECT pg_is_in_recovery()", inside=True,
                              database="postgres", timeout_s=2.0) == "f"
        except NO_ANSWER:
            return None

    def primaries(self):
        """The names of all pods whose server runs and is not in recovery."""
        return [one.name for one in self.pods if self.is_primary(one.ordinal)]

    def streaming(self, index):
        """{application_name: row of pg_stat_replication} of those that stream from a server; without ordain's own
        moments of a comparison."""
        names = ("application_name", "client_addr", "sync_state", "sent_lsn", "replay_lsn")
        rows = self.sql(index, f"SELECT {', '.join(names)} FROM pg_stat_replication "
                               "WHERE state = 'streaming' AND application_name <> 'ordain'", inside=True)
        return {row[0]: dict(zip(names, row)) for row in rows}

    def diverged(self, index, primary):
        """Why a standby's data cannot have come from a running primary's, or None.

        Its position is what it has replayed, that of the primary where it writes. Raises what
        `sql` does, and OSError.
        """
        mine, theirs = self.control(index), self.control(primary)
        if mine.system_identifier != theirs.system_identifier:
            return "another system identifier"
        replayed = self.value(index, "SELECT pg_last_wal_replay_lsn()", inside=True,
                              timeout_s=5.0)
        if replayed is None:
            return None
        newest = self.timeline(primary)
        if newest is None:
            return None  # it is not the primary yet
        forks = control_file.history(self.pgdata(primary), newest)
        written = self.value(primary, "SELECT pg_current_wal_lsn()", inside=True, timeout_s=5.0)
        position = control_file.lsn(replayed)
        timeline = max(mine.timeline, control_file.timeline_at(self.pgdata(index), position) or 0)
        if timeline == newest:
            forks[newest] = control_file.lsn(written)
        end = forks.get(timeline)
        if end is None:
            return f"timeline {timeline} is none of {newest}'s"
        if position > end:
            return f"replayed {replayed}, past {end >> 32:X}/{end & 0xffffffff:X} of timeline " \
                   f"{timeline}"
        return None

    def content(self, index):
        """What a pod's server has (content.read)."""
        return content.read(lambda database: self.connect_inside(index, database=database))

    def differs(self, index, primary):
        """Where a standby's rows are others than the primary's, or None.

        Two histories may fit in identifier, timeline and position. It is told only at a rest: the
        standby has replayed all that the primary had, which was the same before and after. Raises
        what `sql` does.
        """
        before = self.content(primary)
        written = self.value(primary, "SELECT pg_current_wal_insert_lsn()", inside=True, timeout_s=5.0)
        replayed = self.value(index, "SELECT pg_last_wal_replay_lsn()", inside=True, timeout_s=5.0)
        if replayed is None or control_file.lsn(replayed) < control_file.lsn(written):
            return None
        mine = self.content(index)
        if mine == before or self.content(primary) != before:
            return None
        tables = sorted(name for name in {*mine, *before} if mine.get(name) != before.get(name))
        return f"its rows are not the primary's in {', '.join('.'.join(name) for name in tables)}"

    # ---- all of them

    def register_of(self):
        """The register's lines as a dict; empty where nobody has written it."""
        try:
            with open(os.path.join(self.register, f"{self.name}-ordain"), encoding="utf-8") as file:
                return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        except FileNotFoundError:
            return {}

    def named(self):
        """The pod that the register names as primary, or None."""
        name = self.register_of().get("primary")
        return next((one for one in self.pods if one.name == name), None)

    def complaints(self, primary=None):
        """Why the pods are not one primary and its standbys: sentences; none when they are.

        The primary is the pod that the register names, or `primary`, an ordinal, where there is no
        ordain. It alone is not in recovery. Every other wanted pod is ready, of the same system
        identifier and timeline, streams from it, has replayed what it had written when asked, and
        has the same rows, as far as nobody writes.
        """
        named = self.named() if primary is None else self.pods[primary]
        if named is None:
            return [f"the register names no primary: {self.register_of()}"]
        found = [] if self.primaries() == [named.name] else [
            f"primaries are {self.primaries()}, and {named.name} is named"]
        found += [f"{one.name} is not ready: {one.probe_words.get('readiness', one.phase)}"
                  for one in self.controller.wanted() if not one.ready]
        if found:
            return found
        try:
            return self._follow_complaints(named.ordinal)
        except (*NO_ANSWER, OSError, IndexError) as error:
            return [str(error)]

    def _follow_complaints(self, primary):
        """What is wrong with the standbys of a primary."""
        found = []
        written = control_file.lsn(self.value(primary, "SELECT pg_current_wal_lsn()", inside=True))
        mine = (self.system_identifier(primary), self.timeline(primary))
        streaming = {row["client_addr"] for row in self.streaming(primary).values()}
        for one in self.controller.wanted():
            index = one.ordinal
            if index == primary:
                continue
            theirs = (self.system_identifier(index), self.timeline(index))
            if theirs != mine:
                found.append(f"{one.name} has system identifier and timeline {theirs}, "
                             f"the primary {mine}")
            if not streaming & set(one.addresses):
                found.append(f"{one.name} does not stream from the primary")
            replayed = self.value(index, "SELECT pg_last_wal_replay_lsn()", inside=True)
            if replayed is None or control_file.lsn(replayed) < written:
                found.append(f"{one.name} has replayed up to {replayed}")
        if not found:
            reasons = {one.name: self.differs(one.ordinal, primary)
                       for one in self.controller.wanted() if one.ordinal != primary}
            found = [f"{name}: {reason}" for name, reason in reasons.items() if reason]
        return found

    def writer(self, **how):
        """A writer.Writer for a `with` block."""
        return writer.Writer(self, **how)

    def guard(self, **how):
        """A guard.Guard for a `with` block."""
        return guard.Guard(self, **how)

    def interpose(self, client, upstream, port=5432):
        """An interposer.Interposer between two pods: for a `with` block."""
        return interposer.Interposer(self.pods[client], self.pods[upstream], port)
