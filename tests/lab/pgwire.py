"""A small Postgres client: protocol 3.0, simple queries, SCRAM and md5, TCP, TLS or a local socket.

PostgreSQL 17 documentation, 53.2 (message flow), 53.3 (SASL), 53.7 (message formats); RFC 5802.
"""

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

from .redis import Unreachable

PROTOCOL = 196608  # 3.0
SSL_REQUEST = 80877103
SOCKET = ".s.PGSQL.{port}"


class SqlError(Exception):
    """An error that the server told: its text, and `code`, the SQLSTATE."""

    def __init__(self, fields):
        super().__init__(f"{fields.get('S')}: {fields.get('M')} ({fields.get('C')})")
        self.code = fields.get("C", "")


class Access:
    """Who asks: `user`, `password`, `database`; `port`; `ca`, `cert`, `key` are files and switch
    TLS on (the certificate is checked against `ca`, the host name is not)."""

    def __init__(self, user="postgres", password=None, database="postgres", port=5432, ca=None,
                 cert=None, key=None):
        self.user, self.password, self.database, self.port = user, password, database, port
        self.context = None
        if ca:
            self.context = ssl.create_default_context(cafile=ca)
            self.context.check_hostname = False
            if cert:
                self.context.load_cert_chain(cert, key)

    def connect(self, place, timeout_s=2.0, database=None, **parameters):
        """A new connection to an address or, where `place` begins with "/", to the socket in that
        directory. `parameters` are the server's (replication="true", ...). Raises Unreachable or
        SqlError."""
        return Connection(place, self, timeout_s, database or self.database, parameters)


class Connection:
    """One connection. Not for several threads at once. Each call has `timeout_s` for a packet."""

    def __init__(self, place, access, timeout_s, database, parameters):
        self.place = place
        self.parameters = {}
        self._access = access
        try:
            self._sock = self._open(timeout_s)
            self._file = self._sock.makefile("rb")
            words = {"user": access.user, "database": database, **parameters}
            body = "".join(f"{key}\0{value}\0" for key, value in words.items()).encode() + b"\0"
            self._sock.sendall(struct.pack("!II", len(body) + 8, PROTOCOL) + body)
            self._log_in()
        except OSError as error:
            raise Unreachable(f"{place}: {error}") from error

    def _open(self, timeout_s):
        access = self._access
        if self.place.startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout_s)
            sock.connect(os.path.join(self.place, SOCKET.format(port=access.port)))
            return sock
        sock = socket.create_connection((self.place, access.port), timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if access.context:
            sock.sendall(struct.pack("!II", 8, SSL_REQUEST))
            if sock.recv(1) != b"S":
                raise OSError("the server has no TLS")
            sock = access.context.wrap_socket(sock)
        return sock

    def query(self, text):
        """Runs SQL; answers the rows of the last statement that has any: lists of str or None.

        Raises SqlError for what the server refuses. When Unreachable is raised the statement may
        have been done or not.
        """
        try:
            self._send(b"Q", text.encode() + b"\0")
            return self._results()
        except OSError as error:
            raise Unreachable(f"{self.place}: {error}") from error

    def close(self):
        """Closes the connection at once."""
        self._file.close()
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- messages

    def _send(self, kind, body):
        self._sock.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _receive(self):
        """The next message that is no notice: its kind and body. Raises SqlError for an error
        that ends the session, OSError when the connection ends."""
        while True:
            head = self._file.read(5)
            if len(head) < 5:
                raise OSError("connection closed")
            size = struct.unpack("!I", head[1:])[0] - 4
            body = self._file.read(size)
            if len(body) < size:
                raise OSError("connection closed")
            kind = head[:1]
            if kind == b"S":
                name, value, _ = body.decode().split("\0")
                self.parameters[name] = value
            elif kind not in (b"N", b"A"):
                return kind, body

    def _results(self):
        rows, error = [], None
        while True:
            try:
                kind, body = self._receive()
            except OSError:
                if error:  # the last words of a server that ended the session
                    raise SqlError(error) from None
                raise
            if kind == b"T":
                rows = []
            elif kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                error = _fields(body)
            elif kind == b"Z":
                if error:
                    raise SqlError(error)
                return rows

    def _log_in(self):
        """Everything up to the first ReadyForQuery."""
        proof = None
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise SqlError(_fields(body))
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            how, rest = struct.unpack("!I", body[:4])[0], body[4:]
            if how == 5:
                self._send(b"p", self._md5(rest) + b"\0")
            elif how == 10:
                proof = Scram(self._access.password or "")
                first = proof.first()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
            elif how == 11:
                self._send(b"p", proof.final(rest))
            elif how == 12:
                proof.check(rest)
            elif how != 0:
                raise OSError(f"authentication {how} is not known here")

    def _md5(self, salt):
        inner = hashlib.md5(f"{self._access.password}{self._access.user}".encode()).hexdigest()
        return b"md5" + hashlib.md5(inner.encode() + salt).hexdigest().encode()


class Scram:
    """The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, 7677)."""

    def __init__(self, password):
        self._password = password.encode()
        self._bare = b"n=,r=" + base64.b64encode(os.urandom(18))
        self._key = self._messages = None

    def first(self):
        """client-first-message."""
        return b"n,," + self._bare

    def final(self, challenge):
        """client-final-message for a server-first-message."""
        words = dict(part.split(b"=", 1) for part in challenge.split(b","))
        self._key = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(words[b"s"]),
                                        int(words[b"i"]))
        end = b"c=biws,r=" + words[b"r"]
        self._messages = b",".join((self._bare, challenge, end))
        client = _hmac(self._key, b"Client Key")
        signature = _hmac(hashlib.sha256(client).digest(), self._messages)
        proof = bytes(one ^ other for one, other in zip(client, signature))
        return end + b",p=" + base64.b64encode(proof)

    def check(self, last):
        """Raises OSError unless the server proved that it knows the password too."""
        signature = _hmac(_hmac(self._key, b"Server Key"), self._messages)
        if last != b"v=" + base64.b64encode(signature):
            raise OSError("the server does not know the password")


def _hmac(key, text):
    return hmac.new(key, text, "sha256").digest()


def _row(body):
    """The values of a DataRow."""
    count, place, values = struct.unpack("!H", body[:2])[0], 2, []
    for _ in range(count):
        size = struct.unpack("!i", body[place:place + 4])[0]
        place += 4
        values.append(None if size < 0 else body[place:place + size].decode())
        place += max(size, 0)
    return values


def _fields(body):
    """The fields of an ErrorResponse by their letters."""
    return {part[:1].decode(): part[1:].decode(errors="replace")
            for part in body.split(b"\0") if part}
