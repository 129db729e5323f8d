"""A pod's volume: a small file system of its own, which can be filled, lost, frozen and restored.

Each volume is a tmpfs that only the lab's world sees; `path` is where the test process reads it.
A change of the whole file system (size, read-only) reaches a running pod too.
"""

import errno
import os
import shutil
import subprocess
import threading

from . import syscalls


class Volume:
    """A volume claim. `size` as tmpfs takes it ("64m"); owner and mode are the root directory's.

    The default owner is what a fresh disk has: root, 0755, so that nobody else may write. With
    `fs_group` it is what the kubelet makes of it: group 999, setgid, group-writable.
    `generation` counts how often the test took the content away, which it does holding `lock`.
    """

    def __init__(self, world, name, size="256m", fs_group=False):
        self.name = name
        self.size = size
        self.fs_group = fs_group
        self.generation = 0
        self.lock = threading.Lock()
        self.path = os.path.join(world.dir, "volumes", name)
        self._copies = os.path.join(world.dir, "copies", name)
        os.makedirs(self.path)
        self._mount()

    def _mount(self):
        group = ",gid=999,mode=2775" if self.fs_group else ",mode=0755"
        syscalls.mount("volume", self.path, "tmpfs", 0, f"size={self.size}{group}")

    def lose(self):
        """The volume is gone and an empty one is in its place. Only while no pod has it."""
        with self.lock:
            self._renew()

    def _renew(self):
        self.generation += 1
        syscalls.umount(self.path)
        self._mount()

    def resize(self, size):
        """Changes the size at once ("1m"); below what is stored: OSError."""
        syscalls.mount("volume", self.path, "tmpfs", syscalls.MS_REMOUNT, f"size={size}")

    def shrink(self):
        """Not one byte more fits, until `grow`: the file system is as large as what is stored."""
        while True:
            seen = os.statvfs(self.path)
            try:
                self.resize(max((seen.f_blocks - seen.f_bfree) * seen.f_frsize, seen.f_frsize))
                return
            except OSError as error:  # EINVAL: more was stored meanwhile
                if error.errno != errno.EINVAL:
                    raise

    def grow(self):
        """The file system is as large as it was made."""
        self.resize(self.size)

    def fill(self, leave=0):
        """Stores a file `.filler` that leaves `leave` bytes; `unfill` removes it."""
        free = os.statvfs(self.path)
        count = free.f_bavail * free.f_frsize - leave
        if count > 0:
            with open(os.path.join(self.path, ".filler"), "wb") as file:
                os.posix_fallocate(file.fileno(), 0, count)

    def unfill(self):
        """Removes what `fill` stored."""
        os.unlink(os.path.join(self.path, ".filler"))

    def read_only(self, yes=True):
        """Makes the file system read-only or writable. Busy (OSError) while files are written."""
        syscalls.mount("volume", self.path, "tmpfs",
                       syscalls.MS_REMOUNT | (syscalls.MS_RDONLY if yes else 0))

    def save(self, label="old"):
        """Keeps a copy of everything (owners, times and links too) under a label."""
        copy = os.path.join(self._copies, label)
        shutil.rmtree(copy, ignore_errors=True)
        os.makedirs(self._copies, exist_ok=True)
        subprocess.run(["cp", "-a", self.path, copy], check=True)

    def restore(self, label="old"):
        """Puts the copy in the volume's place, as a restored snapshot. Only while no pod has it."""
        with self.lock:
            self._renew()
            copy = os.path.join(self._copies, label)
            subprocess.run(["cp", "-a", copy + "/.", self.path], check=True)

    def clear(self, *kept):
        """Removes every file but those named, and leaves the file system."""
        with self.lock:
            self.generation += 1
            for name in set(os.listdir(self.path)) - set(kept):
                full = os.path.join(self.path, name)
                if os.path.isdir(full) and not os.path.islink(full):
                    shutil.rmtree(full)
                else:
                    os.unlink(full)

    def remove(self, *names):
        """A person removes these directories, and nobody may take it for ordain's work."""
        with self.lock:
            self.generation += 1
            for name in names:
                shutil.rmtree(self.file(name))

    def file(self, name):
        """The path of a file in the volume, for the test process."""
        return os.path.join(self.path, name)
