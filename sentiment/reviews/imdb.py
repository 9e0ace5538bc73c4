"""The Large Movie Review Dataset (Maas et al., 2011), from where it is published."""

from pathlib import Path

import pooch

from sentiment.errors import UserError
from sentiment.paths import cache_folder
from sentiment.progress import Bar

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"


class _Progress:
    """As Pooch moves its own bar."""

    def __init__(self) -> None:
        self.total, self._done = 0, 0
        self._bar = Bar("download", 0, "bytes")

    def update(self, size: int) -> None:
        self._done += size
        self._bar.set(self._done, self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        self._bar.close()


def download(url: str = URL, md5: str = MD5) -> Path:
    """The archive on this machine: kept after the first time, checked before each use.

    Raises:
        UserError: It can't be fetched, or what came is not the original archive.
    """
    try:
        kept = pooch.retrieve(
            url, f"md5:{md5}", fname="aclImdb_v1.tar.gz", path=cache_folder(), downloader=pooch.HTTPDownloader(progressbar=_Progress())
        )
    except (OSError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
        raise UserError(
            f"The IMDB archive can't be had. Received: {url}: {what}. "
            "Check the network, or download it by hand and give its path as reviews=..."
        ) from error
    return Path(kept)
