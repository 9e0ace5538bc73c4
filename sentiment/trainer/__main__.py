"""`python -m sentiment.trainer --threads N`: does jobs until its standard input ends."""

import argparse
import traceback

from sentiment.trainer.channel import Channel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    threads = parser.parse_args().threads
    channel = Channel()  # before Keras is imported, which prints
    from sentiment.trainer import framework, jobs

    framework.fix_threads(threads)
    channel.send("ready", backend=framework.BACKEND, keras=framework.VERSION)
    for job in channel.jobs():
        try:
            jobs.JOBS[job["job"]](job, channel)
        except (EOFError, BrokenPipeError):
            return
        except Exception as error:
            traceback.print_exc()
            channel.send("failed", error="{}: {}".format(type(error).__name__, error))


if __name__ == "__main__":
    main()
