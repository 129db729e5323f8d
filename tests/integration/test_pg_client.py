"""The Postgres client against real servers in every state, and against things that are no server."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading

from pg_stage import AS_POSTGRES, DEBIAN, Server, case, driver, drop, equal, main, run, scratch, server, true, wait

PRIMARY = "127.0.5.1"
WHO = "IDENTIFY_SYSTEM"


def target(address, host="", user="postgres", password="", mode="disable", ca="", database="replication", pod=""):
    """A word of the driver's; POD: its name, and ",shared" where another pod's name leads to the address, too."""
    return f"{host},{address},5432,{user},{password},{mode},{ca},{database},{pod}"


class Answer:
    """What the driver says of one call."""

    def __init__(self, line):
        self.server, self.kind, self.sqlstate, self.message, self.values = re.fullmatch(
            r"(\d+) (\w+) (\w*)\|(.*?)\|(.*)", line).groups()


class Told:
    """The driver's output."""

    def __init__(self, text):
        lines = text.splitlines()
        self.calls = [Answer(line) for line in lines if "|" in line]
        self.about = [line for line in lines if " version " in line]
        self.ms = int(lines[-1].split()[1])


def ask(*targets, commands=(WHO,), connect_ms=3000, deadline_ms=5000, env=None):
    """One round."""
    done = run(driver("pg_client_driver"), connect_ms, deadline_ms, 1, *targets, "--", *commands,
               env={**os.environ, **(env or {})})
    return Told(done.stdout)


def one(*targets, **options):
    return ask(*targets, **options).calls[0]


def is_answer(answer, kind, words="", sqlstate=None):
    equal((answer.kind, words in answer.message), (kind, True), f"{answer.message!r}")
    if sqlstate is not None:
        equal(answer.sqlstate, sqlstate, "sqlstate")


@contextlib.contextmanager
def stranger(address, script):
    """Something that listens at Postgres' port: SCRIPT(socket) has each conversation."""
    listener = socket.create_server((address, 5432), backlog=64)

    def converse(sock):
        with sock, contextlib.suppress(OSError):
            script(sock)

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(sock,), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def message(kind, payload):
    return kind + (len(payload) + 4).to_bytes(4, "big") + payload


READY = message(b"R", bytes(4)) + message(b"Z", b"I")


def shell(*words, cwd):
    run(*words, cwd=cwd)


def certificates(name, days=2):
    """A directory with ca.crt, server.crt and server.key for NAME."""
    directory = f"{scratch()}/tls-{name}-{days}"
    os.makedirs(directory)
    shell("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
          "-subj", "/CN=test CA", cwd=directory)
    shell("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj",
          f"/CN={name}", cwd=directory)
    with open(f"{directory}/ext", "w", encoding="ascii") as file:
        file.write(f"subjectAltName=DNS:{name}\n")
    dates = ["-days", "2"] if days > 0 else ["-days", "-1"]
    shell("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile",
          "ext", *dates, "-out", "server.crt", cwd=directory)
    shell("chown", "-R", "postgres:postgres", ".", cwd=directory)
    shell("chmod", "600", "server.key", cwd=directory)
    return directory


# ---- answers of servers

@case
def a_primary_tells_who_it_is():
    with server(PRIMARY) as primary:
        told = ask(target(PRIMARY), commands=(WHO, "SHOW in_hot_standby", "TIMELINE_HISTORY 1", "SHOW server_version"))
        identity = told.calls[0].values.rstrip(";").split(",")
        equal([call.kind for call in told.calls], ["rows", "rows", "error", "rows"], "an error ends its own call alone")
        equal(identity[0], primary.sql("select system_identifier from pg_control_system()"), "identifier")
        equal((identity[1], identity[3]), ("1", "NULL"), "timeline, database")
        equal(told.calls[1].values, "off;", "in_hot_standby")
        equal(told.about, ["0 version 150018 in_hot_standby off"], "parameters without a round trip")
        many = one(target(PRIMARY, database="postgres"),
                   commands=("select i, null, repeat('x', 10) from generate_series(1, 2000) i",))
        equal(many.values, "".join(f"{i},NULL,xxxxxxxxxx;" for i in range(1, 2001)), "2000 rows")
        equal(one(target(primary.directory, database="postgres"), commands=("select current_user",)).values, "postgres;",
              "over the local socket")


@case
def another_pod_s_server_hears_one_question_and_nothing_else():
    logs = {"log_statement": "all", "log_replication_commands": "on"}
    with server(PRIMARY, cluster_name="pg-2", **logs) as primary:
        for database, command in (("replication", WHO), ("postgres", "select 'sent'")):
            is_answer(one(target(PRIMARY, database=database, pod="pg-1"), commands=(command, command)), "silent",
                      "its name still leads to pg-2", "")
            is_answer(one(target(PRIMARY, database=database, pod="pg-1,shared")), "silent", "its name still leads to pg-2")
        heard = primary.log.read_text(encoding="utf-8")
        true(WHO not in heard and "sent" not in heard and heard.count("SHOW cluster_name") >= 4, heard)
        for pod in ("pg-2", "pg-2,shared", "other-1", ""):
            equal(one(target(PRIMARY, database="postgres", pod=pod), commands=("select 'sent'",)).values, "sent;", pod)
            is_answer(one(target(PRIMARY, pod=pod)), "rows")
        is_answer(one(target(PRIMARY, pod="other-1,shared")), "silent", "does not tell whose it is")


@case
def a_server_without_a_name_is_taken_unless_two_pods_would_have_it():
    with server(PRIMARY):
        for database in ("replication", "postgres"):
            is_answer(one(target(PRIMARY, database=database, pod="pg-1"), commands=("SHOW port",)), "rows")
            is_answer(one(target(PRIMARY, database=database, pod="pg-1,shared"), commands=("SHOW port",)), "silent",
                      "its name and another pod's lead to one address")


@case
def an_answer_over_the_cap_ends_the_connection_and_not_the_memory():
    with server(PRIMARY):
        huge = one(target(PRIMARY, database="postgres"), deadline_ms=60000,
                   commands=("select repeat('x', 1000) from generate_series(1, 5000)",))
        is_answer(huge, "broken", "too large")


@case
def nobody_and_silence_prove_nothing():
    is_answer(one(target("127.0.5.2")), "nobody", "refused")
    is_answer(one(target(f"{scratch()}")), "nobody", "No such file")
    with stranger("127.0.5.3", lambda sock: sock.recv(1000) and sock.recv(1000)):
        told = ask(target("127.0.5.3"), connect_ms=300, deadline_ms=5000)
        is_answer(told.calls[0], "silent")
        true(250 <= told.ms < 1500, f"{told.ms} ms")


@case
def no_route_and_a_firewall_are_silence():
    is_answer(one(target("192.0.2.1"), connect_ms=500), "silent", "unreachable")
    drop("127.0.5.8")
    is_answer(one(target("127.0.5.8"), connect_ms=500), "silent", "no answer to the connection")


@case
def a_server_that_starts_is_there():
    with server(PRIMARY) as primary:
        primary.sql("create table t as select i, repeat('x', 500) from generate_series(1, 400000) i")
        primary.stop(signal.SIGQUIT)
        primary.start(ready=False)
        answer = wait(lambda: (lambda got: got if got.kind != "nobody" else None)(one(target(PRIMARY))), "it listens")
        is_answer(answer, "starting", "the database system is", "57P03")


@case
def a_standby_that_is_not_consistent_yet_is_there():
    with server(PRIMARY) as primary:
        standby = Server("127.0.5.4")
        run("rm", "-rf", standby.data)
        run(*AS_POSTGRES, DEBIAN / "bin/pg_basebackup", "-D", standby.data, "-X", "none", "-c", "fast", "-h", PRIMARY, "-U",
            "postgres", cwd="/")
        (standby.data / "standby.signal").touch()
        run("chown", "postgres:postgres", standby.data / "standby.signal")
        try:
            standby.start(ready=False)
            answer = wait(lambda: (lambda got: got if got.kind != "nobody" else None)(one(target("127.0.5.4"))), "it listens")
            is_answer(answer, "starting", sqlstate="57P03")
        finally:
            standby.stop(signal.SIGKILL)


@case
def a_server_that_shuts_down_is_there():
    with server(PRIMARY) as primary:
        holder = subprocess.Popen([DEBIAN / "bin/psql", "-X", "-h", str(primary.directory), "-U", "postgres"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write(b"select 1;\n")
        holder.stdin.flush()
        while b"1 row" not in holder.stdout.readline():
            pass
        primary.process.send_signal(signal.SIGTERM)
        answer = wait(lambda: (lambda got: got if got.kind != "rows" else None)(one(target(PRIMARY))), "it hears")
        is_answer(answer, "starting", "shutting down", "57P03")
        holder.stdin.close()
        holder.wait(20)


@case
def denied_is_told_in_the_servers_words():
    hba = ["local all all trust", "host replication alice 0.0.0.0/0 scram-sha-256", "host all alice 0.0.0.0/0 scram-sha-256",
           "host replication md5er 0.0.0.0/0 md5", "host replication clear 0.0.0.0/0 password"]
    with server(PRIMARY, hba=hba) as primary:
        primary.sql("create role alice login replication password 'wonder'; create role bob login replication;"
                    "create role carol login password 'x'; set password_encryption = 'md5';"
                    "create role md5er login replication password 'old'; create role clear login replication password 'old'")
        right = one(target(PRIMARY, user="alice", password="wonder"))
        equal(right.kind, "rows", f"SCRAM: {right.message}")
        wrong = one(target(PRIMARY, user="alice", password="secret-word"))
        is_answer(wrong, "denied", "password authentication failed", "28P01")
        true("secret-word" not in wrong.message, "no secret")
        is_answer(one(target(PRIMARY, user="alice")), "denied", "no password supplied")
        is_answer(one(target(PRIMARY, user="bob")), "denied", "no pg_hba.conf entry", "28000")
        is_answer(one(target(PRIMARY, user="md5er", password="old")), "denied", "scram-sha-256")
        is_answer(one(target(PRIMARY, user="clear", password="old")), "denied", "scram-sha-256")
        primary.hba.append("host replication carol 0.0.0.0/0 trust")
        primary.configure()
        primary.process.send_signal(signal.SIGHUP)
        answer = wait(lambda: (lambda got: got if "pg_hba" not in got.message else None)(one(target(PRIMARY, user="carol"))),
                      "it reads its configuration")
        is_answer(answer, "denied", "", "42501")


@case
def the_environment_has_no_say():
    home = f"{scratch()}/home"
    os.makedirs(f"{home}/.postgresql", exist_ok=True)
    with open(f"{home}/.pgpass", "w", encoding="ascii") as file:
        file.write("*:*:*:*:wonder\n")
    os.chmod(f"{home}/.pgpass", 0o600)
    with open(f"{home}/.postgresql/root.crt", "w", encoding="ascii") as file:
        file.write("no certificate\n")
    env = {"HOME": home, "PGPASSWORD": "wonder", "PGHOST": "127.0.5.9", "PGHOSTADDR": "127.0.5.9", "PGPORT": "1",
           "PGUSER": "eve", "PGSERVICE": "nowhere", "PGOPTIONS": "-c nonsense=1", "PGTZ": "Nowhere", "PGDATESTYLE": "none",
           "PGSSLMODE": "verify-full", "PGREQUIREAUTH": "none", "PGTARGETSESSIONATTRS": "standby", "PGAPPNAME": "eve",
           "PGPASSFILE": f"{home}/.pgpass", "PGCLIENTENCODING": "SQL_ASCII", "PGDATABASE": "eve"}
    tls = certificates("pg-env.example")
    hba = ["local all all trust", "host all alice 0.0.0.0/0 scram-sha-256", "host all postgres 0.0.0.0/0 trust"]
    with server(PRIMARY, hba=hba, ssl="on", ssl_cert_file=f"{tls}/server.crt", ssl_key_file=f"{tls}/server.key") as primary:
        primary.sql("create role alice login password 'wonder'")
        query = "select current_user, current_database(), inet_server_addr(), current_setting('application_name')"
        for mode in ("disable", "require"):
            answer = one(target(PRIMARY, mode=mode, database="postgres"), commands=(query,), env=env)
            equal(answer.values, f"postgres,postgres,{PRIMARY},pg-driver;", answer.message)
        is_answer(one(target(PRIMARY, user="alice", database="postgres"), env=env), "denied", "no password supplied")


@case
def tls_tells_whom_it_does_not_trust():
    good, other, late = certificates("pg-0.example"), certificates("pg-1.example"), certificates("pg-2.example", days=-1)
    files = {"ssl": "on", "ssl_cert_file": f"{good}/server.crt", "ssl_key_file": f"{good}/server.key"}
    with server(PRIMARY, **files) as primary:
        def full(host, ca, mode="verify-full"):
            return one(target(PRIMARY, host=host, mode=mode, ca=ca))
        fine = full("pg-0.example", f"{good}/ca.crt")
        equal(fine.kind, "rows", fine.message)
        is_answer(full("pg-9.example", f"{good}/ca.crt"), "untrusted", "does not match host name")
        equal(full("pg-9.example", f"{good}/ca.crt", "verify-ca").kind, "rows", "verify-ca asks no name")
        is_answer(full("pg-0.example", f"{other}/ca.crt"), "untrusted", "certificate verify failed")
        is_answer(full("pg-0.example", "/nowhere/ca.crt"), "untrusted", "root certificate file")
        primary.stop()
        primary.start(ssl_cert_file=f"{late}/server.crt", ssl_key_file=f"{late}/server.key")
        is_answer(full("pg-2.example", f"{late}/ca.crt"), "untrusted", "certificate verify failed")
        primary.stop()
        primary.start(ssl="off")
        is_answer(full("pg-0.example", f"{good}/ca.crt"), "untrusted", "server does not support SSL")


@case
def an_old_password_is_given_to_a_known_server_alone():
    tls = certificates("pg-md5.example")
    hba = ["local all postgres trust", "local all md5er md5", "hostssl replication md5er 0.0.0.0/0 md5"]
    with server(PRIMARY, hba=hba, ssl="on", ssl_cert_file=f"{tls}/server.crt", ssl_key_file=f"{tls}/server.key") as primary:
        primary.sql("set password_encryption = 'md5'; create role md5er login replication password 'old'")
        old = {"host": "pg-md5.example", "user": "md5er", "password": "old", "ca": f"{tls}/ca.crt"}
        answer = one(target(PRIMARY, mode="verify-full", **old))
        equal(answer.kind, "rows", answer.message)
        is_answer(one(target(PRIMARY, mode="require", **{**old, "ca": ""})), "denied", "scram-sha-256")
        local = one(target(primary.directory, user="md5er", password="old", database="postgres"), commands=("select 1",))
        equal(local.values, "1;", local.message)


@case
def a_full_server_says_so():
    with server(PRIMARY, max_connections=4, superuser_reserved_connections=0, max_wal_senders=0) as primary:
        holders = []

        def refused():
            """What it answers once it is full; a holder that found it full by our own look comes again."""
            holders[:] = [holder for holder in holders if holder.poll() is None]
            while len(holders) < 4:
                holders.append(subprocess.Popen(
                    [DEBIAN / "bin/psql", "-X", "-h", str(primary.directory), "-U", "postgres", "-c", "select pg_sleep(60)"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            answer = one(target(PRIMARY, database="postgres"), commands=("select 1",))
            return answer if answer.kind != "rows" else None

        try:
            is_answer(wait(refused, "it is full"), "full", "too many clients", "53300")
        finally:
            for holder in holders:
                holder.kill()
                holder.wait()


@case
def a_session_that_is_ended_is_told_and_opened_anew():
    with server(PRIMARY) as primary:
        player = subprocess.Popen([driver("pg_client_driver"), "3000", "5000", "3", target(PRIMARY, database="postgres"), "--",
                                   "select pg_backend_pid()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def turn():
            lines = []
            while not lines or not lines[-1].startswith("ms"):
                lines.append(player.stdout.readline().rstrip("\n"))
                true(lines[-1], "the driver ended")
            return Told("\n".join(lines)).calls[0]
        first = turn()
        primary.sql(f"select pg_terminate_backend({first.values[:-1]}, 5000)")
        player.stdin.write("\n")
        player.stdin.flush()
        second = turn()
        true(second.kind == "rows" and second.values != first.values, f"a new session: {second.message}")
        player.stdin.write("\n")
        player.stdin.flush()
        equal(turn().values, second.values, "and it is kept")
        equal(player.wait(10), 0, "status")
        ended = one(target(PRIMARY, database="postgres"), commands=("select pg_terminate_backend(pg_backend_pid())",))
        is_answer(ended, "starting", "terminating connection", "57P01")


@case
def a_broken_command_leaves_the_later_calls_of_its_server_alone():
    with server(PRIMARY):
        told = ask(target(PRIMARY, database="postgres"), connect_ms=2000, deadline_ms=700,
                   commands=("select 1", "select nonsense", "select pg_sleep(30)", "select 2"))
        equal([call.kind for call in told.calls], ["rows", "error", "silent", "silent"], "calls")
        equal(told.calls[1].sqlstate, "42703", "sqlstate")
        true(600 < told.ms < 2000, f"{told.ms} ms")


# ---- things that are no server

@case
def strangers_are_broken():
    kinds = {"http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "closes": b"", "noise": os.urandom(4096),
             "half": message(b"R", bytes(4))[:6], "huge": b"R\x7f\xff\xff\xff", "cut": READY + message(b"T", bytes(2))[:4],
             "negative": b"R\xff\xff\xff\xff", "copy": READY + message(b"G", bytes(3))}
    for name, said in kinds.items():
        def script(sock, said=said):
            sock.recv(1000)
            sock.sendall(said)
            sock.recv(1000) if said.startswith(READY[:4]) else None
        with stranger("127.0.5.6", script):
            answer = one(target("127.0.5.6"), connect_ms=1000, deadline_ms=1500)
            true(answer.kind in ("broken", "silent"), f"{name}: {answer.kind} {answer.message}")
            true(name in ("half", "huge", "copy", "noise") or answer.kind == "broken", f"{name}: {answer.kind}")
            true(all(" " <= c <= "~" or ord(c) > 127 for c in answer.message), f"{name}: {answer.message!r}")


@case
def a_stranger_that_asks_for_the_password_gets_none():
    heard = []

    def script(sock):
        sock.recv(1000)
        sock.sendall(message(b"R", (3).to_bytes(4, "big")))
        heard.append(sock.recv(1000))
    with stranger("127.0.5.7", script):
        is_answer(one(target("127.0.5.7", password="secret-word")), "denied", "scram-sha-256")
    true(heard and all(b"secret" not in word for word in heard), f"heard {heard}")


@case
def twenty_servers_within_one_deadline():
    with server("0.0.0.0"):
        for i in range(6):
            drop(f"127.0.8.{i}")
        good = [target(f"127.0.7.{i}") for i in range(1, 15)]
        silent = [target(f"127.0.8.{i}") for i in range(6)]
        told = ask(*good, *silent, commands=(WHO, "SHOW in_hot_standby"), connect_ms=1000, deadline_ms=4000)
        equal([call.kind for call in told.calls], ["rows"] * 28 + ["silent"] * 12, "answers")
        true(told.ms < 2500, f"{told.ms} ms")


if __name__ == "__main__":
    main()
