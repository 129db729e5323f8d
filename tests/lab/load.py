"""A writer in the background, which remembers every write that was acknowledged."""

import threading
import time

from . import redis


class Writer:
    """Writes one key after the other through `cluster` until stopped. Context manager.

    `acknowledged` holds the keys that some master said OK to; `errors` counts refused or lost
    writes; `longest_gap_s` is the longest time without any acknowledged write.
    """

    def __init__(self, cluster, access, prefix="load", pause_s=0.002):
        self.acknowledged = []
        self.errors = 0
        self.longest_gap_s = 0.0
        self._cluster = cluster
        self._access = access
        self._prefix = prefix
        self._pause_s = pause_s
        self._connections = {}
        self._owners = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="writer")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the writing."""
        self._over.set()
        self._thread.join(30)

    def lost(self):
        """The acknowledged keys that cannot be read now."""
        replies = self._cluster.batch([(key, ("GET", key)) for key in self.acknowledged])
        return [key for key, reply in zip(self.acknowledged, replies) if reply != key]

    def _run(self):
        number, last = 0, time.monotonic()
        while not self._over.wait(self._pause_s):
            key = f"{self._prefix}:{number}"
            number += 1
            try:
                good = self._write(key)
            except (redis.Unreachable, redis.ReplyError):
                good = False
            now = time.monotonic()
            if good:
                self.acknowledged.append(key)
                self.longest_gap_s = max(self.longest_gap_s, now - last)
                last = now
            else:
                self.errors += 1
                self._forget()
        self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - last)
        self._forget()

    def _write(self, key):
        """One write, to the owner as it was known at the last failure."""
        if not self._owners:
            self._owners = self._cluster.owners()
        slot = redis.slot_of(key)
        ip = next((ip for first, last, ip in self._owners if first <= slot <= last), None)
        if ip is None:
            return False
        if ip not in self._connections:
            self._connections[ip] = self._access.connect(ip, 0.5)
        return self._connections[ip].call("SET", key, key) == "OK"

    def _forget(self):
        for connection in self._connections.values():
            connection.close()
        self._connections, self._owners = {}, []
