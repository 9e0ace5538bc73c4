"""Apache Spark, which is an extra: whether it can run here, and a session of it."""

import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sentiment.errors import UserError
from sentiment.progress import Bar, Wait

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
STARTS = 10  # seconds
LOOKS = 0.5  # seconds between two looks at how far it is
SETTINGS = {
    "spark.ui.enabled": "false",  # no port
    "spark.ui.showConsoleProgress": "false",  # it knows no time that is left
    "spark.log.level": "FATAL",  # errors come as exceptions
    "spark.sql.caseSensitive": "true",  # columns `Score` and `score` are two
    "spark.sql.csv.parser.columnPruning.enabled": "false",  # it would hide that a row has too many columns
    "spark.sql.legacy.javaCharsets": "true",  # more encodings than Unicode's
}


def check() -> None:
    """Raises UserError if PySpark or Java is not there."""
    if importlib.util.find_spec("pyspark") is None:
        raise UserError("Spark is not installed. Received: engine=spark. Install it once with: make install-spark")
    home = os.environ.get("JAVA_HOME")
    try:
        message = subprocess.run([f"{home}/bin/java" if home else "java", "-version"], capture_output=True, text=True).stderr
    except OSError as error:
        message = str(error)
    version = re.search(r'version "(\d+)', message)
    if not version or int(version[1]) < JAVA:
        first = message.strip().partition("\n")[0]
        raise UserError(f"Spark needs Java {JAVA} or later. Received: {first}. Install it: apt-get install openjdk-{JAVA}-jre-headless")


@contextmanager
def session(master: str) -> Iterator["SparkSession"]:
    """A session on a cluster (`spark://host:7077`, `yarn`) or on this machine (`local[*]`).

    What is not in SETTINGS is Spark's to say: `spark-defaults.conf`, `PYSPARK_PYTHON`.

    Raises:
        UserError: Spark does not start.
    """
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("sentiment").master(master)
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    try:
        with Wait("score: starting Spark", STARTS):
            started = builder.getOrCreate()
    except Exception as error:  # whatever the Java side raises
        message = f"Received: spark_master={master}: {reason(error)}"
        raise UserError(f"Spark does not start. {message}. Give the URL of a cluster, or local[*].") from error
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def progress(running: "SparkSession", title: str) -> Iterator[None]:
    """Shows while the block lasts how many tasks are done. What one has read, Spark does not tell before its end."""
    over = threading.Event()

    def follow() -> None:
        with Bar(title, 0, "tasks") as bar:
            while not over.wait(LOOKS):
                bar.set(*_tasks(running))

    following = threading.Thread(target=follow, daemon=True)
    following.start()
    try:
        yield
    finally:
        over.set()
        following.join()


def _tasks(running: "SparkSession") -> tuple[int, int]:
    """Of the jobs that are at work: the tasks that are done, and all."""
    tracker = running.sparkContext.statusTracker()
    jobs = [job for number in tracker.getActiveJobsIds() if (job := tracker.getJobInfo(number))]
    stages = [stage for job in jobs for number in job.stageIds if (stage := tracker.getStageInfo(number))]
    return sum(stage.numCompletedTasks for stage in stages), sum(stage.numTasks for stage in stages)


def reason(error: Exception) -> str:
    """What Spark says in an exception, without the Java stack."""
    java = getattr(error, "java_exception", None)
    return " ".join(str(java.getMessage() if java else error).split())[:200]
