"""How far a search is."""

import threading
import time

import optuna
from optuna.trial import FrozenTrial, TrialState

from sentiment.progress import TrainerBar, remaining
from sentiment.steps import trial
from sentiment.tracking import StepRun
from sentiment.tuning import search


class SearchProgress:
    """Trials as they go on and end: on the terminal, and in the metrics of the search's run. From here on Keras starts."""

    def __init__(self, study: optuna.Study, job: trial.Job, active: StepRun) -> None:
        self._job, self._active = job, active
        self._lock = threading.Lock()
        self._begun, self._ended_before = time.monotonic(), self._ended(study)
        self._count, self._parts = self._ended_before, dict[int, float]()
        self._bar = TrainerBar("tune", "tune, at most", ", ".join(job.settings.backend), "trials")

    def on_part(self, number: int, part: float) -> None:
        """A trial goes on. part: of its epochs, of which early stopping may spare some."""
        with self._lock:
            self._parts[number] = part
            self._show()

    def _show(self) -> None:
        done = self._count - self._ended_before + sum(self._parts.values())
        self._bar.set(done, self._job.settings.trials - self._ended_before)

    def _ended(self, study: optuna.Study) -> int:
        return sum(each.state.is_finished() for each in search.counted(study))

    def on_trial_end(self, study: optuna.Study, ended: FrozenTrial) -> None:
        metric, asked = self._job.settings.metric, self._job.settings.trials
        if ended.state == TrialState.FAIL and search.FAILURE not in ended.user_attrs:
            return  # stopped, or one too many
        with self._lock:
            self._count = count = self._ended(study)
            self._parts.pop(ended.number, None)
            parts = [f"trial {ended.number}: {self._outcome(ended)}"]
            if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                best = study.best_trial
                self._active.log_metrics({f"best_{metric}": best.values[0]}, step=count)
                parts.append(f"best {best.values[0]:.4f} in trial {best.number}")
            time_left = remaining(time.monotonic() - self._begun, count - self._ended_before, asked - self._ended_before)
            parts.append(f"{count} of {asked} done{time_left}")
            self._show()
            self._bar.print("; ".join(parts))

    def _outcome(self, ended: FrozenTrial) -> str:
        if ended.state == TrialState.FAIL:
            return f"failed: {ended.user_attrs[search.FAILURE].splitlines()[0]}"
        values = " ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in ended.params.items())
        if ended.state == TrialState.PRUNED:
            return f"pruned after epoch {ended.last_step} ({values})"
        return f"{self._job.settings.metric} {ended.values[0]:.4f} ({values})"

    def close(self) -> None:
        self._bar.close()
