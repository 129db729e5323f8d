"""A small Redis client: RESP2 over TCP or TLS, with a deadline for every call."""

import socket
import ssl


class ReplyError(Exception):
    """An error reply of the server; its text."""


class Unreachable(Exception):
    """The server did not answer: refused, reset, closed or too late."""


class Access:
    """How to reach the servers of a lab: `port`, `password`, `username`; `ca`, `cert`, `key` are
    files and switch TLS on (the certificate is checked against `ca`, the host name is not)."""

    def __init__(self, port=6379, password=None, username=None, ca=None, cert=None, key=None):
        self.port = port
        self.password = password
        self.username = username
        self.context = None
        if ca:
            self.context = ssl.create_default_context(cafile=ca)
            self.context.check_hostname = False
            if cert:
                self.context.load_cert_chain(cert, key)

    def connect(self, address, timeout_s=2.0):
        """A new connection; raises Unreachable or ReplyError (wrong password)."""
        return Connection(address, self, timeout_s)


class Connection:
    """One connection. Not for several threads at once."""

    def __init__(self, address, access, timeout_s):
        self.address = address
        try:
            sock = socket.create_connection((address, access.port), timeout_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if access.context:
                sock = access.context.wrap_socket(sock)
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"{address}: {error}") from error
        self._sock = sock
        self._file = sock.makefile("rb")
        if access.password is not None:
            names = [access.username] if access.username else []
            self.call("AUTH", *names, access.password)

    def call(self, *words):
        """Sends a command, answers its reply: str, int, None or list. Raises ReplyError."""
        reply = self.pipeline([words])[0]
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def pipeline(self, commands):
        """Sends commands at once; answers their replies, errors among them as ReplyError."""
        try:
            self._sock.sendall(b"".join(_encode(words) for words in commands))
            return [self._reply() for _ in commands]
        except (OSError, ssl.SSLError, ValueError) as error:
            raise Unreachable(f"{self.address}: {error}") from error

    def close(self):
        """Closes the connection."""
        self._file.close()
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _reply(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("connection closed")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            return ReplyError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            data = self._file.read(size + 2)
            if len(data) != size + 2:
                raise OSError("connection closed")
            return data[:-2].decode(errors="replace")
        if kind == b"*":
            return None if int(rest) < 0 else [self._reply() for _ in range(int(rest))]
        raise OSError(f"no RESP: {line[:40]!r}")


def _encode(words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def info(text):
    """The fields of an INFO or CLUSTER INFO reply."""
    rows = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    return {key: value.strip() for key, value in rows}


def slot_of(key):
    """A key's slot (Redis Cluster specification: CRC16-XMODEM of the hash tag or key)."""
    begin = key.find("{")
    if begin >= 0:
        end = key.find("}", begin + 1)
        if end > begin + 1:
            key = key[begin + 1:end]
    crc = 0
    for byte in key.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc % 16384
