"""The errors that are shown as one line, without a traceback."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)  # numbers of an OSError


class UserError(Exception):
    """A wrong parameter or input; its text is the one line that the user sees.

    Say what was wrong, what was received and what to do: "Unknown backend. Received: backend=nosuch. Use one of: ...".
    """


class Stopped(Exception):  # noqa: N818 (nothing is wrong)
    """What was begun was ended from outside, with nothing wrong in it; its text says when or why."""


class StepError(Exception):
    """A step that could not be done, or whose result is not good enough, through no wrong input; its text says all there is to say."""
