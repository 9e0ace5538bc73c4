"""What a trainer process may use, and the variables that it is started with."""

import os
from pathlib import Path

from sentiment.backends.interpreters import Backend
from sentiment.errors import UserError
from sentiment.paths import PROJECT

SILENCE_VARIABLE = "SENTIMENT_TRAINER_SILENCE"
SILENCE = 1800.0  # seconds; it speaks after each epoch, and several times a second within one


def available_cores() -> list[int]:
    """The numbers of the CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def seconds_of_silence() -> float:
    """After which a trainer counts as stuck. Raises UserError if the environment says no number."""
    value = os.environ.get(SILENCE_VARIABLE, "") or str(SILENCE)
    try:
        return float(value)
    except ValueError:
        raise UserError(f"It is no number of seconds. Received: {SILENCE_VARIABLE}={value}. Give a number, or unset it.") from None


def environment(backend: Backend, cores: int) -> dict[str, str]:
    """The variables of a process that uses a backend on so many cores."""
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")
    own = {
        "KERAS_BACKEND": backend.name,
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_WAIT_POLICY": "passive",  # a thread that spins takes the core from one that the others wait for
    }
    if backend.name == "cntk":
        cores = 1  # as in framework.fix_threads
        if _is_amd_with_avx2():
            own["MKL_DEBUG_CPU_TYPE"] = "5"  # CNTK's MKL, of 2018, would use its oldest code on a processor that is not Intel's
    return os.environ | dict.fromkeys(limits, str(cores)) | own


def _is_amd_with_avx2() -> bool:
    info = Path("/proc/cpuinfo")
    words = set(info.read_text().split()) if info.exists() else set[str]()
    return {"AuthenticAMD", "avx2", "fma"} <= words
