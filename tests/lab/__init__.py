"""A laboratory for ordain: pods, a kubelet, a StatefulSet controller and DNS in namespaces.

See README.md beside this file.
"""

from .binary import path as ordain_binary
from .lab import Lab
from .pgwire import SqlError
from .postgres import Lab as PostgresLab
from .sandbox import Result, user
from .spec import Container, PodSpec, Probe, killed_at, ordain, plain, plain_postgres
from .spec import server
from .redis import Access, ReplyError, Unreachable
from .snapshot import differences, take
from .spawner import SpawnError
from .statefulset import together
from .tap import Failure, check, diagnose, equal, main, note, timeout
from .world import run

__all__ = [
    "Access", "Container", "Failure", "Lab", "PodSpec", "PostgresLab", "Probe", "ReplyError",
    "Result", "SpawnError", "SqlError", "Unreachable", "check", "diagnose", "differences", "equal",
    "killed_at", "main", "note", "ordain", "ordain_binary", "plain", "plain_postgres",
    "run", "server", "take", "timeout", "together", "user",
]
