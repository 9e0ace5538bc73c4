"""`python -m sentiment.trainer --driver 4711 --cores 0 1`: does jobs until its standard input ends, or its driver does."""

import argparse
import os
import sys
import traceback

from sentiment.trainer.channel import Channel
from sentiment.trainer.parent_death import end_with

UNUSED = ("matplotlib", "pandas", "sklearn")  # Keras imports them where they are, which is a third of its start, and does without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, nargs="+", required=True)
    parser.add_argument("--driver", type=int, required=True)
    arguments = parser.parse_args()
    cores = arguments.cores
    end_with(arguments.driver)
    if hasattr(os, "sched_setaffinity"):  # before Keras is imported: CNTK makes as many threads as it sees cores
        os.sched_setaffinity(0, cores)
    channel = Channel()  # before Keras is imported, which prints
    for name in UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # its import then fails
    from sentiment.trainer import framework, jobs

    framework.fix_threads()
    channel.send("ready", backend=framework.BACKEND, keras=framework.VERSION, device=framework.device())
    for job in channel.jobs():
        try:
            jobs.JOBS[job["job"]](job, channel)
        except (EOFError, BrokenPipeError):
            return
        except Exception as error:
            traceback.print_exc()
            channel.send("failed", error="{}: {}".format(type(error).__name__, error), errno=getattr(error, "errno", None))


if __name__ == "__main__":
    main()
