"""The end of a trainer whose driver ends, whatever it is busy with."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with(driver: int) -> None:
    """Has Linux kill this process as soon as its driver is gone.

    Compiled code may hold the interpreter for minutes, in which it would not see that its standard input has ended.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:  # gone before prctl was called
        sys.exit(1)
