"""A writer of rows in the background, which remembers every row whose commit was acknowledged."""

import threading
import time

from . import pgwire, redis

TABLE = "CREATE TABLE IF NOT EXISTS {table} (number bigint PRIMARY KEY, written_by text NOT NULL)"
FAILURES = (redis.Unreachable, pgwire.SqlError)


class Writer:
    """Inserts increasing numbers into a table of the primary until stopped. Context manager.

    The primary is whoever `primary()` answers (a pod or None; default: whom the register names),
    asked anew after each failure, reached by TCP. `acknowledged` is {number: name of the pod that
    confirmed its commit}; `errors` counts refused and lost writes; `longest_gap_s` is the longest
    time without any acknowledged one. A row whose answer was lost is not acknowledged and may
    exist all the same.
    """

    def __init__(self, lab, primary=None, table="written", pause_s=0.005, timeout_s=1.0):
        self.acknowledged = {}
        self.errors = 0
        self.last_error = None
        self.longest_gap_s = 0.0
        self._lab = lab
        self._primary = primary or lab.named
        self._table = table
        self._pause_s = pause_s
        self._timeout_s = timeout_s
        self._connection = self._pod = None
        self._number = 0
        self._over = threading.Event()
        self._running = threading.Event()
        self._idle = threading.Event()
        self._running.set()
        self._thread = threading.Thread(target=self._run, daemon=True, name="writer")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the writing."""
        self._over.set()
        self._running.set()
        self._thread.join(30)

    def pause(self):
        """Ends the writing until `resume`; nothing is under way when it returns."""
        self._idle.clear()
        self._running.clear()
        if self._thread.is_alive() and not self._idle.wait(30):
            raise TimeoutError("the writer does not pause")

    def resume(self):
        """Writes again."""
        self._running.set()

    def wait_rows(self, count, timeout_s=30):
        """Waits until `count` more rows are acknowledged."""
        wanted = len(self.acknowledged) + count
        self._lab.wait(lambda: len(self.acknowledged) >= wanted, timeout_s,
                       f"{count} more acknowledged rows",
                       lambda: f"{len(self.acknowledged)} of {wanted}; {self.last_error}")

    def lost(self, index, only_by=None):
        """The acknowledged numbers that a pod's server does not have, sorted. `only_by`: those
        that this pod (its name) acknowledged."""
        acknowledged = list(self.acknowledged.items())  # before the look: it goes on writing
        seen = {int(row[0]) for row in self._lab.sql(
            index, f"SELECT number FROM {self._table}", inside=True, database="app")}
        return sorted(number for number, by in acknowledged
                      if number not in seen and only_by in (None, by))

    def _run(self):
        last = time.monotonic()
        while not self._over.wait(self._pause_s):
            if not self._running.is_set():
                self._idle.set()
                self._running.wait()
                last = time.monotonic()
                continue
            good = self._write()
            now = time.monotonic()
            if good:
                self.longest_gap_s = max(self.longest_gap_s, now - last)
                last = now
        self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - last)
        self._forget()

    def _write(self):
        """One row; True when its commit was acknowledged."""
        self._number += 1
        try:
            if not self._connection:
                self._open()
            self._connection.query(
                f"INSERT INTO {self._table} VALUES ({self._number}, '{self._pod.name}')")
        except FAILURES as error:
            self.errors += 1
            self.last_error = error
            self._forget()
            return False
        self.acknowledged[self._number] = self._pod.name
        return True

    def _open(self):
        self._pod = self._primary()
        if not self._pod or not self._pod.ip:
            raise redis.Unreachable("there is no primary")
        self._connection = self._lab.access.connect(self._pod.ip, self._timeout_s, database="app")
        self._connection.query(TABLE.format(table=self._table))

    def _forget(self):
        if self._connection:
            self._connection.close()
        self._connection = None
