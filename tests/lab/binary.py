"""The ordain binary under test: read once, so that a build meanwhile changes nothing.

Every scenario of a program, and every pod of it, runs the same bytes; a binary that the linker has
half written is waited for.
"""

import functools
import os
import subprocess
import time

WAIT_S = 30


def path():
    """The binary: $ORDAIN, else build/ordain of this checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.abspath(os.environ.get("ORDAIN")
                           or os.path.join(here, "..", "..", "build", "ordain"))


@functools.cache
def content():
    """The binary's bytes, once it can say its version; None where there is no file.

    Raises OSError when it does not within WAIT_S.
    """
    deadline = time.monotonic() + WAIT_S
    while os.path.exists(path()):
        with open(path(), "rb") as file:
            data = file.read()
        if _works(data):
            return data
        if time.monotonic() > deadline:
            raise OSError(f"{path()} --version fails")
        time.sleep(0.2)
    return None


def place(target):
    """Stores the binary as an executable file; nothing where there is none."""
    data = content()
    if data is not None:
        with open(target, "wb") as file:
            file.write(data)
        os.chmod(target, 0o755)


def _works(data):
    """True when the bytes run and tell a version."""
    writable = os.memfd_create("ordain")
    try:
        with open(writable, "wb", closefd=False) as file:
            file.write(data)
        readable = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY)
    finally:
        os.close(writable)
    try:
        return subprocess.run([f"/proc/self/fd/{readable}", "--version"], pass_fds=[readable],
                              env={}, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
    finally:
        os.close(readable)
