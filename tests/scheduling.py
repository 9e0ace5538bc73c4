"""Which tests run in one worker of pytest-xdist: those that share what takes long to make."""

import re
from functools import cache

from xdist.scheduler import LoadScopeScheduling

from sentiment.paths import PROJECT

TRAINERS = re.compile(r"\b(trainers?: Trainers?|models: Models)\b")  # fixtures of conftest.py


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of files that use the running trainers go to one worker; so do those of a file that has a fixture for all of its own.

    All others are units of their own. (Groups by marks are lost from pytest 9.2 on: pytest-dev/pytest-xdist#1386.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return _shared(file) or nodeid


@cache
def _shared(file: str) -> str:
    source = (PROJECT / file).read_text(encoding="utf-8")
    if TRAINERS.search(source):
        return "trainers"
    return file if 'scope="module"' in source else ""
