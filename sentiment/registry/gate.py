"""Whether a candidate may take the champion's place.

Candidates are chosen on the validation split. The one thing that the test split may do is to veto one of them, here: both
models score the same texts, so the comparison is paired.
"""

from dataclasses import dataclass

import numpy as np

from sentiment.evaluation.metrics import SIGNIFICANCE, ranking
from sentiment.evaluation.paired import mcnemar, right
from sentiment.model import many_texts
from sentiment.model.scorer import Scorer
from sentiment.registry.golden import Golden
from sentiment.settings.threshold import DEFAULT as THRESHOLD

SHOWN = 8  # golden texts in a reason
FEW = 10  # reviews with the rarer label in a test split, too few to measure by
TRAIN_MORE = "Train on more reviews or for more epochs, or with other settings"
OTHER_GOLDEN = "If these are no texts of the model's kind, give some that are: golden=FILE, a table with texts and labels"


@dataclass(frozen=True)
class GateResult:
    """The gate's decision.

    Attributes:
        passed: Whether the gate opens.
        reason: Why, in one sentence.
        measures: The figures that it rests on.
        advice: What to do if it does not open.
    """

    passed: bool
    reason: str
    measures: dict[str, float]
    advice: str = ""


def golden_failures(scorer: Scorer, golden: Golden) -> list[str]:
    """The first texts of the pairs that the model does not tell apart: whose first text does not score higher than the second."""
    scores = scorer.score([text for pair in golden.pairs for text in pair]).reshape(-1, 2)
    return [better for (better, _), (high, low) in zip(golden.pairs, scores, strict=True) if high <= low]


def worse_by_chance(
    labels: np.ndarray, candidate: np.ndarray, champion: np.ndarray, thresholds: tuple[float, float] = (THRESHOLD, THRESHOLD)
) -> tuple[int, int, float]:
    """Texts that only the candidate, and that only the champion gets right; and McNemar's exact one-sided p.

    labels: 0 or 1; candidate, champion: P(positive); each `[texts]`; thresholds: of the two.
    """
    return mcnemar(right(labels, candidate, thresholds[0]), right(labels, champion, thresholds[1]), "greater")


def network_measures(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """The network's AUC, and the one-sided p that guessing would reach it (Mann & Whitney 1947). labels: 0 or 1; logits; each `[texts]`."""
    auc, p = ranking(labels, logits)
    return {"network_auc": auc, "network_p": p}


def what_to_do(candidate: Scorer, labels: np.ndarray) -> str:
    """About a model that is no better than guessing. labels: of the test split, 0 or 1."""
    counts = np.bincount(labels, minlength=2)
    rare = int(np.argmin(counts))
    if counts[rare] >= FEW:
        return TRAIN_MORE
    name = candidate.model.label_names[rare]
    return (
        f"Only {counts[rare]} of the {len(labels)} reviews of the test split are {name}, too few to tell a model from guessing: "
        "give more of them, or prepare with a larger test_fraction"
    )


def judge(
    candidate: Scorer, outputs: dict[str, np.ndarray], champion: Scorer | None, texts: list[str], labels: np.ndarray, golden: Golden
) -> GateResult:
    """Compares the two on the texts of a test split.

    outputs: the candidate's, by name, as `many_texts.outputs`; labels: 0 or 1, `[texts]`; golden: those pairs that count for the candidate.
    """
    scores = outputs["score"]
    accuracy = float(right(labels, scores, candidate.threshold).mean())
    measures = {"candidate_accuracy": accuracy, "test_texts": float(len(texts)), "golden_pairs": float(len(golden.pairs))}
    if "network_logit" in outputs:
        measures |= network_measures(labels, outputs["network_logit"])
        if measures["network_p"] >= SIGNIFICANCE:
            reason = "its network is no better than guessing: AUC {network_auc:.4f} on the test split, p = {network_p:.3g}"
            return GateResult(False, reason.format(**measures), measures, what_to_do(candidate, labels))
    failures = golden_failures(candidate, golden)
    if failures:
        shown = "; ".join(f"{text:.80}" for text in failures[:SHOWN]) + (f" and {len(failures) - SHOWN} more" if failures[SHOWN:] else "")
        return GateResult(False, f"golden texts not told apart ({golden.source}): {shown}", measures, OTHER_GOLDEN)
    if champion is None:
        return GateResult(True, f"there is no champion yet; accuracy {accuracy:.4f} on the test split", measures)
    champion_scores = many_texts.outputs(champion, texts, "register: the champion")["score"]
    champion_accuracy = float(right(labels, champion_scores, champion.threshold).mean())
    thresholds = candidate.threshold, champion.threshold
    only_candidate, only_champion, p = worse_by_chance(labels, scores, champion_scores, thresholds)
    measures |= {"champion_accuracy": champion_accuracy, "p": p}
    measures |= {"only_candidate_right": only_candidate, "only_champion_right": only_champion}
    figures = f"accuracy {accuracy:.4f}, champion {champion_accuracy:.4f}, one-sided McNemar p = {p:.3g}"
    if p < SIGNIFICANCE:
        return GateResult(False, f"worse than the champion beyond noise: {figures}", measures, TRAIN_MORE)
    return GateResult(True, f"not worse than the champion beyond noise: {figures}", measures)
