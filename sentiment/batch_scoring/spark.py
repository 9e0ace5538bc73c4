"""Apache Spark, which is an extra: whether it can run here, and a session of it."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sentiment.errors import UserError
from sentiment.progress import Wait

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
STARTS = 10  # seconds
SETTINGS = {
    "spark.ui.enabled": "false",  # no port
    "spark.ui.showConsoleProgress": "false",  # it knows tasks, of which a table may have but one, and no time that is left
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


def reason(error: Exception) -> str:
    """What Spark says in an exception, without the Java stack."""
    java = getattr(error, "java_exception", None)
    return " ".join(str(java.getMessage() if java else error).split())[:200]
