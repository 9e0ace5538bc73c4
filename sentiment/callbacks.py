"""What long work calls as it goes on."""

from collections.abc import Callable

Progress = Callable[[int, int], None]  # gets what is done, and how much there is to do


def unseen(done: int, of: int) -> None:
    """Progress that nobody follows."""
