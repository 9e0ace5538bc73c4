"""How far a search is."""

import threading
import time

import optuna
from optuna.trial import FrozenTrial, TrialState

from sentiment.progress import Bar, remaining
from sentiment.steps import trial
from sentiment.tracking import StepRun
from sentiment.tuning import search


class SearchProgress:
    """Trials as they end: on the terminal, and in the metrics of the search's run."""

    def __init__(self, study: optuna.Study, job: trial.Job, active: StepRun) -> None:
        self._job, self._active = job, active
        self._lock = threading.Lock()
        self._begun, self._ended_before = time.monotonic(), self._ended(study)
        self._bar = Bar("tune", job.settings.trials, "trials")

    def _ended(self, study: optuna.Study) -> int:
        return sum(each.state.is_finished() for each in search.counted(study))

    def on_trial_end(self, study: optuna.Study, ended: FrozenTrial) -> None:
        metric, asked = self._job.settings.metric, self._job.settings.trials
        if ended.state == TrialState.FAIL and search.FAILURE not in ended.user_attrs:
            return  # stopped, or one too many
        with self._lock:
            count = self._ended(study)
            parts = [f"trial {ended.number}: {self._outcome(ended)}"]
            if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                best = study.best_trial
                self._active.log_metrics({f"best_{metric}": best.values[0]}, step=count)
                parts.append(f"best {best.values[0]:.4f} in trial {best.number}")
            time_left = remaining(time.monotonic() - self._begun, count - self._ended_before, asked - self._ended_before)
            parts.append(f"{count} of {asked} done{time_left}")
            self._bar.print("; ".join(parts))
            self._bar.set(count, asked)

    def _outcome(self, ended: FrozenTrial) -> str:
        if ended.state == TrialState.FAIL:
            return f"failed: {ended.user_attrs[search.FAILURE].splitlines()[0]}"
        values = " ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in ended.params.items())
        if ended.state == TrialState.PRUNED:
            return f"pruned after epoch {ended.last_step} ({values})"
        return f"{self._job.settings.metric} {ended.values[0]:.4f} ({values})"

    def close(self) -> None:
        self._bar.close()
