"""Whether a model scores the same everywhere: on every backend, each in its own process and by its own layers, and in the scorer.

What is compared is the score, and the network's own logit, of which the score would hide a part.
"""

import logging
from contextlib import closing

import numpy as np
import pandas as pd

from sentiment import tracking
from sentiment.backends import interpreters
from sentiment.errors import StepError, UserError
from sentiment.model.scorer import Scorer
from sentiment.progress import TrainerBar
from sentiment.registry import find_model
from sentiment.reviews import find_source
from sentiment.settings import ParitySettings, PrepareSettings
from sentiment.tracking import commands
from sentiment.training.trainer_process import Trainer, write_ids

ALLOWED = 1e-4
log = logging.getLogger(__name__)


def run(settings: ParitySettings) -> None:
    """Scores the texts everywhere, logs the differences from the scorer.

    Raises:
        UserError: There is no such run or backend, or the reviews can't be read.
        StepError: A difference is over 1e-4.
    """
    backends = interpreters.parse_names(settings.backends)
    source = find_source(PrepareSettings(reviews=settings.reviews), labelled=False)
    if settings.run == "latest":
        run_id = find_model.newest_run("run=latest").info.run_id
    else:
        run_id = tracking.get_run(settings.run, "run", *find_model.STEPS).info.run_id
    texts = [text for batch in source.read(lambda size: None) for text in batch.texts]
    if not texts:
        raise UserError(f"There is nothing to score. Received: reviews={settings.reviews}, without a row. Give some reviews.")
    with tracking.step_run("parity", settings, model_run_id=run_id) as active, tracking.work_folder() as folder:
        model = tracking.artifact(run_id, find_model.FILE)
        scorer = Scorer(model)
        encoded = scorer.model.encoder.encode(texts)
        reviews = write_ids(folder / "reviews.unfinished", encoded)
        outputs = scorer.outputs(encoded)
        scores, logits = {"scorer": outputs["score"].astype(np.float64)}, {}
        if "network_logit" in outputs:
            logits["scorer"] = outputs["network_logit"].astype(np.float64)
        for name in backends:
            with closing(TrainerBar("parity", f"parity: {name}", name)) as bar, Trainer(interpreters.ALL[name]) as trainer:
                scored = trainer.score(model, reviews, bar.set)
            scores[name] = scored.scores
            differences = {"": _difference(scores, name)}
            if logits and len(scored.network_logits):
                logits[name] = scored.network_logits
                differences["_network_logit"] = _difference(logits, name)
            active.log_metrics({f"difference_{name}{what}": value for what, value in differences.items()})
            amounts = ", the network's logit ".join(f"{value:.1e}" for value in differences.values())
            log.info("parity: %-10s %s from the scorer at most, over %s texts", name, amounts, f"{len(texts):,}")
        table = pd.DataFrame({"reviewText": texts, **scores, **{f"network_logit_{name}": each for name, each in logits.items()}})
        table.to_csv(folder / "scores.csv", index=False)
        active.log_file(folder / "scores.csv")
        for what, columns, metric in (("scores", scores, "largest_difference"), ("network's logits", logits, "largest_logit_difference")):
            if not columns:
                continue
            spread = largest_difference(columns)
            active.log_metrics({metric: spread})
            if not spread <= ALLOWED:
                raise StepError(f"The {what} differ by {spread:.1e}, more than {ALLOWED:.0e}. See scores.csv of the run.")
        active.set_tags({tracking.NOTE: f"One model's scores on {', '.join(backends)} and in the scorer: `scores.csv`."})
    commands.log_next_steps(commands.open_page(commands.run_page(active.info)))


def _difference(columns: dict[str, np.ndarray], name: str) -> float:
    return largest_difference({each: columns[each] for each in ("scorer", name)})


def largest_difference(scores: dict[str, np.ndarray]) -> float:
    """Between any two scores of one text; not a number if any score is none."""
    return float(np.ptp(np.stack(list(scores.values())), axis=0).max())
