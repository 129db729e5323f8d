"""Pictures of a directory tree, to prove that a second run changed nothing."""

import hashlib
import os
import stat


def take(*directories, ignore=()):
    """Each path below the directories -> a dict of what was seen: kind, mode, owner, inode, size,
    mtime (ns) and the sha1 of a file's content or a link's target. `ignore`: base names."""
    seen = {}
    for directory in directories:
        for parent, names, files in os.walk(directory):
            for name in [""] + names + files:
                path = os.path.join(parent, name) if name else parent
                if name not in ignore and path not in seen:
                    seen[path] = _look(path)
    return seen


def _look(path):
    status = os.lstat(path)
    picture = {"kind": stat.filemode(status.st_mode), "owner": (status.st_uid, status.st_gid),
               "inode": status.st_ino, "mtime": status.st_mtime_ns}
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            picture["content"] = hashlib.sha1(file.read()).hexdigest()
        picture["size"] = status.st_size
    elif stat.S_ISLNK(status.st_mode):
        picture["content"] = os.readlink(path)
    return picture


def differences(before, after):
    """What changed, as sentences; an empty list when nothing did."""
    lines = [f"new: {path}" for path in sorted(after.keys() - before.keys())]
    lines += [f"gone: {path}" for path in sorted(before.keys() - after.keys())]
    for path in sorted(before.keys() & after.keys()):
        changed = [key for key in before[path] if before[path][key] != after[path].get(key)]
        if changed:
            lines.append(f"changed: {path}: {', '.join(changed)}")
    return lines
