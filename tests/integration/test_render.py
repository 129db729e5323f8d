#!/usr/bin/python3
"""Real servers as the judges of the default redis.conf: each takes every line of it, and every
password and user comes out as it went in."""

import hashlib
import os
import shutil
import subprocess
import time

from common import lab
from lab import check, equal
from lab.redis import Access, ReplyError, Unreachable

ORDAIN = os.environ.get("ORDAIN") or os.path.join(os.path.dirname(__file__), "../../build/ordain")
SERVERS = {"redis 7.0": shutil.which("redis-server") or "/usr/bin/redis-server",
           "redis 8.0": os.path.join(os.environ.get("SERVERS", ""), "redis-server-8.0"),
           "valkey 8.1": os.path.join(os.environ.get("SERVERS", ""), "valkey-server-8.1")}
ADDRESS = "10.9.8.7"
HOST = "redis-0.headless.demo.svc.cluster.local"
PASSWORDS = ["plain", "two words", " blanks ", "\"", "'", "it's \"q\"", "\\", "ends with \\",
             "\\\\\"", "#hash", ">a #b", "$HOME ${X} $(id) `id`", "&/%|;<>!*?[]{}()~^=+,.:@-_",
             "tab\there", "\x01\x1f\x7f", "grün ☃ 😀", "%20\\n\\x41", "x" * 512, "y" * 5000,
             "".join(chr(c) for c in range(1, 128) if chr(c) not in "\r\n")]


class Server:
    """One server on a configuration that ordain rendered."""

    def __init__(self, world, program, name="redis-0", port=6379, templates=None, **settings):
        self.dir = os.path.join(world.dir, f"{name}-{time.monotonic_ns()}")
        self.config = os.path.join(self.dir, "config")
        os.makedirs(os.path.join(self.dir, "data"))
        os.makedirs(self.config)
        self.port = port
        self.program = program
        self.process = None
        self.env = {"POD_NAME": name, "POD_NAMESPACE": "demo", "POD_IP": ADDRESS,
                    "ORDAIN_SERVICE": "headless", "ORDAIN_CLUSTER_DOMAIN": "cluster.local",
                    "ORDAIN_REPLICAS": "3", "ORDAIN_REDIS_PORT": str(port),
                    "ORDAIN_DATA_DIR": os.path.join(self.dir, "data"),
                    "ORDAIN_CONFIG_DIR": self.config, **settings}
        if templates:
            self.env["ORDAIN_TEMPLATE_DIR"] = os.path.join(self.dir, "templates")
            os.mkdir(self.env["ORDAIN_TEMPLATE_DIR"])
            for file, text in templates.items():
                with open(os.path.join(self.env["ORDAIN_TEMPLATE_DIR"], file), "w",
                          encoding="utf-8") as out:
                    out.write(text)

    def render(self):
        """Renders, twice: the second time nothing is written."""
        for wanted in (None, "0 files written"):
            done = subprocess.run([ORDAIN, "render", "redis"], env=self.env, capture_output=True,
                                  text=True, check=False)
            equal(done.returncode, 0, f"ordain render: {done.stderr}")
            check(wanted is None or done.stdout.startswith(wanted), f"run again: {done.stdout}")

    def __enter__(self):
        self.render()
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [self.program, os.path.join(self.config, "redis.conf")], stdout=log, stderr=log)
        access = Access(port=self.port)
        end = time.monotonic() + 20
        while True:
            try:
                access.connect(ADDRESS).close()
                return self
            except Unreachable as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    with open(os.path.join(self.dir, "log"), encoding="utf-8",
                              errors="replace") as log:
                        words = log.read()[-800:]
                    self.__exit__()
                    raise lab.Failure(f"{self.program} does not start: {words}") from error
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def connect(self, **access):
        """A connection with a password, a user or none."""
        return Access(port=self.port, **access).connect(ADDRESS)

    def config_get(self, connection, name):
        """One value, as the server sees it."""
        return connection.call("CONFIG", "GET", name)[1]


def each_server(function):
    """Runs the scenario's function with every server, in the world's own network."""
    def scenario(world):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)
        for name, program in SERVERS.items():
            try:
                function(world, program)
            except lab.Failure as failure:
                raise lab.Failure(f"{name}: {failure}") from failure
    scenario.__doc__ = function.__doc__
    scenario.__name__ = function.__name__
    return scenario


def refused(server, **access):
    """The server's words to whoever comes with the wrong password or none."""
    try:
        with server.connect(**access) as connection:
            connection.call("PING")
    except ReplyError as error:
        return str(error).split(" ", maxsplit=1)[0]
    return "let in"


@each_server
def every_line_is_taken(world, program):
    """The default redis.conf is taken line by line, by every server"""
    with Server(world, program) as server, server.connect() as connection:
        wanted = {"port": "6379", "bind": "* -::*", "protected-mode": "no",
                  "dir": server.env["ORDAIN_DATA_DIR"], "appendonly": "yes",
                  "cluster-enabled": "yes", "cluster-config-file": "nodes.conf",
                  "cluster-node-timeout": "5000", "cluster-announce-ip": ADDRESS,
                  "cluster-announce-hostname": HOST, "repl-diskless-sync-delay": "0",
                  "requirepass": "", "masterauth": "", "masteruser": "", "tls-port": "0",
                  "cluster-preferred-endpoint-type": "ip"}
        equal({name: server.config_get(connection, name) for name in wanted}, wanted, "CONFIG GET")
        row = connection.call("CLUSTER", "NODES").split()[1]
        check(row.startswith(f"{ADDRESS}:6379@16379,{HOST}"), f"CLUSTER NODES: {row}")
        directives = [line.split()[0] for line in open(  # pylint: disable=consider-using-with
            os.path.join(server.config, "redis.conf"), encoding="utf-8")
            if line.strip() and not line.startswith("#")]
        equal(sorted(set(directives) - set(wanted)), [], "directives without a check")
        equal(os.stat(os.path.join(server.config, "redis.conf")).st_mode & 0o777, 0o600, "mode")


@each_server
def passwords_come_out_as_they_went_in(world, program):
    """Passwords of every byte let in exactly who knows them"""
    secret = os.path.join(world.dir, "secret")
    for password in PASSWORDS:
        with open(secret, "w", encoding="utf-8") as file:
            file.write(password + "\n")
        with Server(world, program, ORDAIN_REDIS_PASSWORD_FILE=secret) as server:
            equal(refused(server), "NOAUTH", f"without {password!r}")
            equal(refused(server, password=password + "x"), "WRONGPASS", f"beside {password!r}")
            with server.connect(password=password) as connection:
                for name in ("requirepass", "masterauth"):
                    equal(server.config_get(connection, name), password, name)


@each_server
def a_line_break_stays_in_its_value(world, program):
    """A value of several lines is one word, and adds no line"""
    templates = {"extra.conf": "requirepass ${LINES}\nmasterauth \"<${LINES}>\"\n"}
    lines = "two\nport 1\r\n\t#"
    with Server(world, program, templates=templates, LINES=lines) as server, \
            server.connect(password=lines) as connection:
        equal(server.config_get(connection, "masterauth"), f"<{lines}>", "masterauth")
    server = Server(world, program, ORDAIN_REDIS_PASSWORD="two\nlines")
    done = subprocess.run([ORDAIN, "render", "redis"], env=server.env, capture_output=True,
                          text=True, check=False)
    equal(done.returncode, 78, "a password of two lines")
    equal(os.listdir(server.config), [], "files made")


@each_server
def a_user_has_the_same_password(world, program):
    """A named user and the default one have the password, until extra.conf turns the latter off"""
    password = "two \"words\" #\\"
    settings = {"ORDAIN_REDIS_USERNAME": "app", "ORDAIN_REDIS_PASSWORD": password}
    with Server(world, program, **settings) as server:
        equal(refused(server), "NOAUTH", "without a password")
        equal(refused(server, username="app", password="x"), "WRONGPASS", "with a wrong password")
        server.connect(password=password).close()
        with server.connect(username="app", password=password) as connection:
            equal(connection.call("ACL", "WHOAMI"), "app", "the user")
            equal(server.config_get(connection, "masteruser"), "app", "masteruser")
            digest = hashlib.sha256(password.encode()).hexdigest()
            rows = connection.call("ACL", "LIST")
            check(any(row.startswith("user app on ") and digest in row and "~* &* +@all" in row
                      for row in rows), f"ACL LIST: {rows}")
    templates = {"extra.conf": "user default off\n"}
    with Server(world, program, templates=templates, **settings) as server:
        equal(refused(server), "NOAUTH", "without a password")
        equal(refused(server, password=password), "WRONGPASS", "the default user")
        server.connect(username="app", password=password).close()


@each_server
def replication_uses_user_and_password(world, program):
    """A replica copies from its master with the rendered user and password"""
    password = " it's \"q\" #\\ ☃ "
    access = {"username": "app", "password": password}
    settings = {"ORDAIN_REDIS_USERNAME": "app", "ORDAIN_REDIS_PASSWORD": password}
    with Server(world, program, **settings) as master, \
            Server(world, program, name="redis-1", port=6380, **settings) as replica, \
            master.connect(**access) as one, replica.connect(**access) as other:
        one.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        other.call("CLUSTER", "MEET", ADDRESS, 6379)
        end = time.monotonic() + 20
        while True:
            try:
                other.call("CLUSTER", "REPLICATE", one.call("CLUSTER", "MYID"))
                break
            except ReplyError:
                check(time.monotonic() < end, "REPLICATE is refused")
                time.sleep(0.05)
        while lab.redis.info(other.call("INFO", "replication")).get("master_link_status") != "up":
            check(time.monotonic() < end, "the replica's link does not come up")
            time.sleep(0.05)


def certificate(directory):
    """A CA and a certificate of it for the host name."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-subj", "/CN=test", "-days", "2")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tls.key", "-out", "tls.csr",
            "-subj", f"/CN={HOST}")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "tls.crt", "-days", "2")
    return {name: os.path.join(directory, f"{file}") for name, file in
            (("ca", "ca.crt"), ("cert", "tls.crt"), ("key", "tls.key"))}


@each_server
def tls_alone_is_spoken(world, program):
    """With certificates there is TLS alone, and clients are sent to names"""
    directory = os.path.join(world.dir, "with blank")
    os.makedirs(directory, exist_ok=True)
    files = certificate(directory)
    settings = {f"ORDAIN_REDIS_TLS_{name.upper()}": file for name, file in files.items()}
    with Server(world, program, ORDAIN_REDIS_PASSWORD="p w", **settings) as server:
        try:
            server.connect().call("PING")
            raise lab.Failure("a plain PING was answered")
        except Unreachable:
            pass
        with server.connect(password="p w", ca=files["ca"]) as connection:
            wanted = {"port": "0", "tls-port": "6379", "tls-cluster": "yes",
                      "tls-replication": "yes", "tls-auth-clients": "optional",
                      "cluster-preferred-endpoint-type": "hostname",
                      "tls-ca-cert-file": files["ca"], "tls-cert-file": files["cert"],
                      "tls-key-file": files["key"]}
            equal({name: server.config_get(connection, name) for name in wanted}, wanted,
                  "CONFIG GET")
            connection.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            equal(connection.call("CLUSTER", "SLOTS")[0][2][0], HOST, "where clients are sent")


@each_server
def an_extra_file_has_the_last_word(world, program):
    """extra.conf is included last, and includes what stands beside it"""
    templates = {"extra.conf": "maxmemory ${MAXMEMORY:-100mb}\n"
                               "#@if role == master\nappendonly no\n#@end\n"
                               "include ${CONFIG_DIR}/more.conf\n",
                 "more.conf": "cluster-node-timeout 7000\n"}
    with Server(world, program, templates=templates) as server, server.connect() as connection:
        wanted = {"maxmemory": str(100 << 20), "appendonly": "no", "cluster-node-timeout": "7000",
                  "cluster-announce-ip": ADDRESS}
        equal({name: server.config_get(connection, name) for name in wanted}, wanted, "CONFIG GET")


if __name__ == "__main__":
    lab.main([every_line_is_taken, passwords_come_out_as_they_went_in,
              a_line_break_stays_in_its_value, a_user_has_the_same_password,
              replication_uses_user_and_password, tls_alone_is_spoken,
              an_extra_file_has_the_last_word],
             needs=[ORDAIN, *SERVERS.values()])
