"""Somebody between a pod and its upstream who cuts, holds or changes what the upstream sends.

The node turns the pod's connections to that port to the test process, which passes everything on,
byte for byte, over sockets of its own, with the pod's address as the source.
"""

import itertools
import socket
import struct
import threading

from . import faults

CHUNK = 65_536
SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h
_marks = itertools.count(0x100)


class Interposer:
    """Stands between `client` and `upstream` (pods) for new connections. Context manager. IPv4.

    A blow is struck at byte `offset` (0 is the first) of what the upstream sends in the first
    connection that reaches it, once; before, after and elsewhere all passes. `struck` is set then.
    `longest` is the most bytes that any connection has brought so far. Both pods may get new
    addresses meanwhile.
    """

    def __init__(self, client, upstream, port=5432):
        self.struck = threading.Event()
        self.longest = 0
        self._upstream = upstream
        self._blow = None
        self._lock = threading.Lock()
        self._sockets = set()
        self._rules = []
        self._source_marks = {}  # address of the client -> mark of connections made in its name
        self._listener = socket.create_server(("0.0.0.0", 0), backlog=64)
        # --syn: connections that are there already go on as they are
        self._rule("PREROUTING", "-i", client.interface, "-p", "tcp", "--syn", "--dport", str(port),
                   "-j", "REDIRECT", "--to-ports", str(self._listener.getsockname()[1]))
        threading.Thread(target=self._accept, daemon=True, name="interposer").start()

    def _rule(self, chain, *words):
        self._rules.append(faults.Cut([("iptables", [chain, "-t", "nat", *words])]))

    def _mark_for(self, source):
        """The socket mark that makes the node send from this address."""
        with self._lock:
            if source not in self._source_marks:
                mark = self._source_marks[source] = next(_marks)
                self._rule("POSTROUTING", "-p", "tcp", "-m", "mark", "--mark", hex(mark),
                           "-j", "SNAT", "--to-source", source)
            return self._source_marks[source]

    def cut_at(self, offset, times=1):
        """Ends the connection with a reset instead of passing the byte on; so the next ones too,
        until it was done so many `times`, and only then `struck` is set."""
        self._strike_at(offset, "cut", times)

    def flip_at(self, offset, bit=0):
        """Changes one bit of the byte."""
        self._strike_at(offset, bit)

    def hold_at(self, offset):
        """Passes nothing on from that byte, while the connection stays."""
        self._strike_at(offset, "hold")

    def _strike_at(self, offset, how, times=1):
        with self._lock:
            self.struck.clear()
            self._blow = (offset, how, times)

    def close(self):
        """Steps aside: connections that go through here end."""
        self._listener.close()
        with self._lock:
            for rule in self._rules:
                rule.heal()
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _shut(one)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                near, (source, _) = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near, source), daemon=True).start()

    def _serve(self, near, source):
        far = socket.socket()
        with self._lock:
            self._sockets |= {near, far}
        try:
            target = _original_target(near)
            far.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark_for(source))
            far.connect(target)
        except OSError:
            _reset(near)
            far.close()
            return
        up = threading.Thread(target=self._pass_up, args=(near, far), daemon=True)
        up.start()
        self._pass_down(far, near, target[0] in self._upstream.addresses)
        up.join()
        with self._lock:
            self._sockets -= {near, far}
        near.close()
        far.close()

    @staticmethod
    def _pass_up(near, far):
        """From the client to the upstream."""
        try:
            while data := near.recv(CHUNK):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            _shut(far)

    def _pass_down(self, far, near, strikes):
        """To the client, from the upstream, where it `strikes`, or from another server."""
        passed = 0
        try:
            while data := far.recv(CHUNK):
                data, how = self._struck_part(data, passed) if strikes else (data, None)
                near.sendall(data)
                passed += len(data)
                self.longest = max(self.longest, passed if strikes else 0)
                if how == "cut":
                    _reset(near)
                    _shut(far)
                    return
                if how == "hold":
                    while far.recv(CHUNK):
                        pass
                    return
            near.shutdown(socket.SHUT_WR)
        except OSError:
            _shut(near)

    def _struck_part(self, data, passed):
        """What shall be passed on of the bytes after `passed`, and the blow that fell."""
        with self._lock:
            if not self._blow or not passed <= self._blow[0] < passed + len(data):
                return data, None
            offset, how, times = self._blow
            self._blow = (offset, how, times - 1) if times > 1 else None
            if not self._blow:
                self.struck.set()
        place = offset - passed
        if isinstance(how, str):
            return data[:place], how
        return data[:place] + bytes([data[place] ^ 1 << how]) + data[place + 1:], how


def _original_target(sock):
    """The (address, port) that a redirected connection was made to."""
    raw = sock.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    return socket.inet_ntoa(raw[4:8]), struct.unpack("!H", raw[2:4])[0]


def _reset(sock):
    """Closes with RST, as a dead upstream's kernel does."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    _shut(sock, socket.SHUT_RD)  # wakes who reads from it, without a FIN
    sock.close()


def _shut(sock, how=socket.SHUT_RDWR):
    try:
        sock.shutdown(how)
    except OSError:
        pass
