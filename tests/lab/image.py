"""What a container image brings into its pods beside the programs of the machine."""

import os
import shutil
from dataclasses import dataclass, field


@dataclass
class Image:
    """`config`: where the config emptyDir is mounted. `programs`: {name in /usr/local/bin: the
    machine's file}; `homes`: directories that these need, bound at their own paths. `scripts`:
    {name in /usr/local/bin: the checkout's file}. `etc`: {path: text}. `replaced`: {path: text} of
    files that the machine has otherwise. `empty_dirs`: (name, path)s of more emptyDirs; "config/x"
    is a subPath of the config one."""

    config: str
    programs: dict = field(default_factory=dict)
    homes: tuple = ()
    scripts: dict = field(default_factory=dict)
    etc: dict = field(default_factory=dict)
    replaced: dict = field(default_factory=dict)
    empty_dirs: tuple = ()

    def install(self, directory):
        """Puts programs and scripts into a directory's bin/."""
        for name, path in self.programs.items():
            os.symlink(path, os.path.join(directory, "bin", name))
        for name, path in self.scripts.items():
            shutil.copy(path, os.path.join(directory, "bin", name))

    def binds(self, directory):
        """(source, target, read_only) of homes and replaced files, which are kept below
        `directory`."""
        rows = [(home, home, True) for home in self.homes]
        for number, (path, text) in enumerate(self.replaced.items()):
            source = os.path.join(directory, f"replaced-{number}")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            rows.append((source, path, True))
        return rows


def redis(server=None):
    """The Redis image; `server`: the file that stands for `redis-server`, None the machine's."""
    if server is None:
        return Image("/etc/redis")
    path = os.path.realpath(server)
    home = os.path.dirname(path)
    return Image("/etc/redis", {"redis-server": path}, (home,))
