"""The Large Movie Review Dataset (Maas et al., 2011), from where it is published."""

from pathlib import Path

import pooch

from sentiment.errors import UserError
from sentiment.paths import cache_folder

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"


def download(url: str = URL, md5: str = MD5) -> Path:
    """The archive on this machine: kept after the first time, checked before each use.

    Raises:
        UserError: It can't be fetched, or what came is not the original archive.
    """
    try:
        kept = pooch.retrieve(url, known_hash=f"md5:{md5}", fname="aclImdb_v1.tar.gz", path=cache_folder(), progressbar=True)
    except (OSError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
        raise UserError(
            f"The IMDB archive can't be had. Received: {url}: {what}. "
            "Check the network, or download it by hand and give its path as reviews=..."
        ) from error
    return Path(kept)
