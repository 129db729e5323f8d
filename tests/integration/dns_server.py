"""A name server that does as it is told: a script answers each query with any bytes at all.

Wire format: RFC 1035, 4; EDNS: RFC 6891, 6.1.
"""

import ipaddress
import socket
import struct
import threading

A, CNAME, SOA, AAAA, OPT = 1, 5, 6, 28, 41
FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 1, 2, 3, 4, 5


class Query:
    """One question as it came."""

    def __init__(self, raw, tcp):
        self.raw, self.tcp = raw, tcp
        self.id, _, _, _, _, extra = struct.unpack("!6H", raw[:12])
        labels, at = [], 12
        while raw[at]:
            labels.append(raw[at + 1:at + 1 + raw[at]].decode("latin-1"))
            at += 1 + raw[at]
        self.name = ".".join(labels)
        self.type, = struct.unpack("!H", raw[at + 1:at + 3])
        self.question = raw[12:at + 5]
        # The size that the client takes, None without EDNS.
        self.edns = struct.unpack("!H", raw[at + 8:at + 10])[0] if extra else None


def encode(name):
    """NAME on the wire, not compressed; bytes are taken as they are."""
    if isinstance(name, bytes):
        return name
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, data, ttl=5):
    """One resource record."""
    return encode(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(name, text, ttl=5):
    """An A or AAAA record."""
    ip = ipaddress.ip_address(text)
    return record(name, A if ip.version == 4 else AAAA, ip.packed, ttl)


def alias(name, target):
    """A CNAME record."""
    return record(name, CNAME, encode(target))


ASKED = b"\xc0\x0c"  # a compressed name: the one in the question


def authority(name, ttl=30):
    """An SOA record: how long absence may be remembered (RFC 2308)."""
    return record(name, SOA, encode("ns." + name) + encode("root." + name) + struct.pack("!5I", 1, 5, 5, 5, ttl), ttl)


def reply(query, answers=(), rcode=0, truncated=False, number=None, question=None, extra=(), soa=()):
    """An answer to QUERY."""
    flags = 0x8180 | (0x0200 if truncated else 0) | rcode
    number = query.id if number is None else number
    question = query.question if question is None else question
    return struct.pack("!6H", number, flags, 1, len(answers), len(soa), len(extra)) + question + \
        b"".join(answers) + b"".join(soa) + b"".join(extra)


def zone(addresses, rcode=NXDOMAIN):
    """A script: {name: [address, ...]}; other names get RCODE, a known name without the type NODATA."""
    def script(query):
        if query.name not in addresses:
            return reply(query, rcode=rcode)
        kind = 4 if query.type == A else 6
        found = [address(ASKED, text) for text in addresses[query.name]
                 if ipaddress.ip_address(text).version == kind]
        whole = reply(query, found)
        if not query.tcp and len(whole) > (query.edns or 512):
            return reply(query, truncated=True)
        return whole
    return script


class Server:
    """SCRIPT answers on port 53 of HOST: bytes, a list of several, or None for silence."""

    def __init__(self, host, script, tcp=True):
        self.script, self.queries, self.closed = script, [], False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.bind((host, 53))
        self.sockets = [self.udp]
        self.threads = [threading.Thread(target=self._serve_udp, daemon=True)]
        if tcp:
            self.tcp = socket.socket(family, socket.SOCK_STREAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind((host, 53))
            self.tcp.listen(64)
            self.sockets.append(self.tcp)
            self.threads.append(threading.Thread(target=self._serve_tcp, daemon=True))
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        for sock in self.sockets:
            # A thread that is blocked on the socket does not notice close alone.
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(5)
        for sock in self.sockets:
            sock.close()

    def _answers(self, raw, tcp):
        if len(raw) < 17:
            return []  # the socket was shut down
        query = Query(raw, tcp)
        self.queries.append(query)
        answers = self.script(query)
        return answers if isinstance(answers, (list, tuple)) else [] if answers is None else [answers]

    def _serve_udp(self):
        while not self.closed:
            try:
                raw, peer = self.udp.recvfrom(4096)
                for answer in self._answers(raw, False):
                    self.udp.sendto(answer, peer)
            except OSError:
                pass

    def _serve_tcp(self):
        while not self.closed:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection):
        stream = connection.makefile("rb")
        with connection:
            while True:
                try:
                    head = stream.read(2)
                    if len(head) < 2:
                        return
                    for answer in self._answers(stream.read(struct.unpack("!H", head)[0]), True):
                        connection.sendall(answer.whole if isinstance(answer, Stream) else
                                           struct.pack("!H", len(answer)) + answer)
                        if isinstance(answer, Stream) and answer.closes:
                            return
                except OSError:
                    return


class Stream:
    """Bytes for a TCP connection without a length of the server's making."""

    def __init__(self, whole, closes=True):
        self.whole, self.closes = whole, closes


def garbage(query):
    """Answers that no client may believe, or fall over."""
    head = struct.pack("!6H", query.id, 0x8180, 1, 1, 0, 0)
    return [
        b"", b"\0", query.raw[:2], head[:11], head, head + query.question[:-1], b"\xff" * 512, bytes(65000),
        head + query.question,  # the promised record is missing
        head + query.question + b"\xc0\x0c\0\1\0\1\0\0\0\5\xff\xff\x0a\0\0\1",  # a length beyond the end
        head + query.question + b"\xc0\x0c\0\1\0\1\0\0\0\5\0\2\x0a\0",  # an address of 2 bytes
        head + b"\xc0\x0c\0\1\0\1",  # a name that points at itself
        head + query.question + b"\xc0\xff\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1",  # a name that points beyond
        head + query.question + b"\x7fshort",  # a label of an unknown kind
        head + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" +
        b"a" * 63 + b"\0\0\1\0\1",  # a name of 320 bytes
        struct.pack("!6H", query.id, 0x8180, 0xffff, 0xffff, 0xffff, 0xffff) + query.question,
        query.raw,  # the question comes back
    ]


class FakeQuery:
    """What reply and garbage need of a query."""

    id, raw, question = 0, bytes(12), bytes(5)


KINDS_OF_GARBAGE = len(garbage(FakeQuery))
