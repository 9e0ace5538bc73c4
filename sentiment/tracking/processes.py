"""Which process began a run, and whether it is known to be gone."""

import json
import os
import socket
from functools import cache
from pathlib import Path

GONE = "Its process was gone."  # why a run failed
WHOLE_MACHINE = "pid:[4026531836]"  # the kernel's first namespace of processes: no container's


@cache
def this_process() -> str:
    """This process among those of all machines, as JSON.

    Its machine, the id of the machine's boot, the namespace of its number, its number, and when it began, as numbers are used again.
    """
    return json.dumps([_machine(), _read("/proc/sys/kernel/random/boot_id"), _namespace(), os.getpid(), _begun(os.getpid())])


def is_gone(process: str) -> bool:
    """Whether it was one of this machine, and is none any more; False where that can't be known."""
    try:
        machine, boot, namespace, number, begun = _parts(process)
    except (ValueError, TypeError):
        return False
    here, since, own = _machine(), _read("/proc/sys/kernel/random/boot_id"), _namespace()
    if not (since and own and begun):
        return False
    if (boot, namespace) == (since, own):
        return _begun(number) != begun
    return boot != since and machine == here and {namespace, own} == {WHOLE_MACHINE}  # started anew since


def is_running(process: str) -> bool:
    """Whether it is one of this machine, and at work."""
    _, boot, namespace, number, begun = _parts(process)
    return (boot, namespace) == (_read("/proc/sys/kernel/random/boot_id"), _namespace()) and _begun(number) == begun


def _parts(process: str) -> tuple[str, str, str, int, str]:
    machine, boot, namespace, number, begun = json.loads(process)
    return machine, boot, namespace, number, begun


def _machine() -> str:
    return f"{socket.gethostname()} {_read('/etc/machine-id')}"


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _begun(number: int) -> str:
    """In the kernel's ticks; nothing if there is none."""
    words = _read(f"/proc/{number}/stat").rpartition(")")[2].split()
    return words[19] if words else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""
