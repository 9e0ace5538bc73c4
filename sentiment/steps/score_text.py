"""One text from the command line: its label, its score and the words that carried it, on the terminal. No step's run is begun for it."""

import logging

from sentiment import tracking
from sentiment.errors import UserError
from sentiment.model.explanation import Explanation
from sentiment.model.scorer import Scorer
from sentiment.registry import find_model, lineage
from sentiment.settings import ScoreSettings
from sentiment.tracking import commands

LEAST = 0.00005  # a weight that is more than a zero, as it is shown
NO_WORD = "no word by itself changes it by 0.0001"
EMPTY = "no words: this is the score of an empty text"
log = logging.getLogger(__name__)


def run(settings: ScoreSettings, opening: str) -> None:
    """opening: what is done, which the model's data are added to, and printed.

    Raises:
        UserError: There is no such model, or a parameter of tables is set, too.
    """
    if settings.output != "auto" or settings.engine != "local":
        received = f"text=…, output={settings.output}, engine={settings.engine}"
        raise UserError(f"A text is scored here, and to the terminal. Received: {received}. Leave out output and engine.")
    scorer = Scorer(find_model.find(settings.model))
    log.info("%s, with %s", opening, lineage.describe(settings.model, scorer.model.data_fingerprint))
    log.info("score: %s", describe(scorer, settings.text))
    tracking.describe_launched_run("score", "score a text", "One text was scored, on the terminal: nothing of it is logged.")
    commands.log_next_steps((commands.entry_point("score", model=settings.model, input="FILE"), "a table of texts"))


def describe(scorer: Scorer, text: str) -> str:
    """`positive 0.9312 (positive from 0.5 on), carried by: great +0.2134  dull -0.0312`.

    The weight of a word is by how much the score would be lower without it.
    """
    score = float(scorer.score([text])[0])
    words = Explanation(scorer, text).words()
    shown = [f"{item['word']} {item['weight']:+.4f}" for item in words if abs(float(item["weight"])) >= LEAST]
    carried = f"carried by: {'  '.join(shown)}" if shown else NO_WORD if words else EMPTY
    return f"{scorer.label(score)} {score:.4f} ({scorer.model.label_names[1]} from {scorer.threshold:.4g} on), {carried}"
