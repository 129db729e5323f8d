"""What scenarios read in data directories, without a server and its programs: the control file's
fields, timelines' histories.

Offsets of PostgreSQL 13 to 18 (src/include/catalog/pg_control.h, little endian, 64 bits).
"""

import os
import struct
from dataclasses import dataclass

STATES = ("starting up", "shut down", "shut down in recovery", "shutting down",
          "in crash recovery", "in archive recovery", "in production")
SEGMENT = 16 << 20  # bytes of WAL in a file, as initdb makes it


@dataclass
class Control:
    """LSNs are integers; `timeline` is the newest that the directory has seen, `backup_start` not 0
    where the WAL of a base backup is not replayed yet."""

    system_identifier: int
    state: str
    checkpoint: int
    redo: int
    checkpoint_timeline: int
    min_recovery: int
    min_recovery_timeline: int
    backup_start: int

    @property
    def timeline(self):
        """After a promotion the checkpoint's may still be the former one."""
        return max(self.checkpoint_timeline, self.min_recovery_timeline)


def read(directory):
    """The control file of a data directory; OSError where there is none."""
    with open(os.path.join(directory, "global", "pg_control"), "rb") as file:
        data = file.read(296)
    state, checkpoint, redo, timeline = struct.unpack_from("<i12xQQI", data, 16)
    identifier = struct.unpack_from("<Q", data)[0]
    return Control(identifier, STATES[state], checkpoint, redo, timeline,
                   *struct.unpack_from("<QI4xQ", data, 136))


def lsn(text):
    """An LSN's text as an integer."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def timeline_at(directory, position):
    """The newest timeline of which a data directory has the segment with the byte before a position, which a running
    standby follows: its control file may lag behind. None where there is no such segment."""
    number = (position - 1) // SEGMENT
    end = f"{number * SEGMENT >> 32:08X}{number % (2 ** 32 // SEGMENT):08X}"
    names = os.listdir(os.path.join(directory, "pg_wal"))
    return max((int(name[:8], 16) for name in names if len(name) == 24 and name[8:] == end), default=None)


def history(directory, timeline):
    """{timeline: LSN at which the next one forked off} of a timeline's ancestors."""
    forks = {}
    if timeline > 1:
        path = os.path.join(directory, "pg_wal", f"{timeline:08X}.history")
        with open(path, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words and words[0].isdigit():
                    forks[int(words[0])] = lsn(words[1])
    return forks
