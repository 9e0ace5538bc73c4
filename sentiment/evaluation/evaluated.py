"""What the test split says of a model."""

from dataclasses import dataclass

from sentiment.evaluation.examples import Example
from sentiment.evaluation.scored import Scored


@dataclass(frozen=True)
class Evaluated:
    """metrics: `test_...`; wrong, right: reviews that the model called wrongly, the worst first, and rightly, the surest first."""

    metrics: dict[str, float]
    scored: Scored
    wrong: list[Example]
    right: list[Example]
