"""What every entry point does: read the parameters, do the step, turn a failure into an exit status."""

import argparse
import logging
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from sentiment.errors import DISK_FULL, StepError, UserError
from sentiment.libraries import configure_libraries
from sentiment.settings import ENTRY_POINTS, NONE, REQUIRED, as_text, from_text, parameters

PURPOSES = {
    "main": "prepare, train, evaluate and register",
    "prepare": "reviews to numbers",
    "train": "one model",
    "tune": "a search for good settings",
    "register": "a model to the registry",
    "score": "texts to scores",
    "parity": "one model on several backends",
    "compare": "runs side by side",
    "monitor": "later texts against a model's reference",
    "send": "runs that were not sent",
}
LOGGED = (
    *("reviews", "prepared", "input", "folder", "run", "runs", "model", "engine"),
    *("architecture", "backend", "backends", "trials", "study"),
)
NAME_A_MODEL = ("score", "monitor")  # they begin with their opening line and the data that the model is of
WRITTEN = ("output", "storage")  # parameters that say where a command writes


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help.")


def parse(kind: type, arguments: Sequence[str], program: str) -> Any:
    """The settings that a command line gives: `--lstm-size=64`, `--lstm_size 64`.

    Raises:
        UserError: A parameter is unknown, or its value is not one that it takes.
    """
    parser = _Parser(prog=program, description=kind.__doc__, allow_abbrev=False)
    for parameter in parameters(kind):
        option = parameter.name.replace("_", "-")
        default = "required" if parameter.default == REQUIRED else f"default {as_text(parameter.default)}"
        names = [f"--{option}"] + [f"--{parameter.name}"] * (option != parameter.name)
        parser.add_argument(*names, dest=parameter.name, metavar="X", help=f"{parameter.metadata['help']} ({default})")
    values = vars(parser.parse_args(arguments))
    for parameter in parameters(kind):
        if parameter.default == REQUIRED and values[parameter.name] is None:
            raise UserError(f"{parameter.name} is missing. Received: no {parameter.name}. Give {parameter.metadata['help']}.")
    return kind(**{f.name: from_text(f, values[f.name]) for f in parameters(kind) if values[f.name] is not None})


def run(name: str) -> NoReturn:
    """Does the step of an entry point; ends with exit status 0 when done, 2 for what the user can mend (one line), 1 for anything else."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.raiseExceptions = False  # of a reader such as `head`, which has gone
    signal.signal(signal.SIGTERM, _on_sigterm)
    configure_libraries()
    settings = None
    try:
        settings = parse(ENTRY_POINTS[name], sys.argv[1:], f"python -m entry_points.{name}")
        step = import_module(f"sentiment.steps.{name}")
        _tracking().own_temporary_folder()
        _tracking().check_server()
        opening = _opening(name, settings)
        if name in NAME_A_MODEL:
            step.run(settings, opening)
        else:
            logging.info(opening)
            step.run(settings)
    except UserError as error:
        line = _redact(" ".join(str(error).split()))
        print(line, file=sys.stderr, flush=True)
        _tracking().fail_launched_run(name, line)
        sys.exit(2)
    except StepError as error:
        print(_redact(str(error)), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Interrupted. What was logged so far is kept.", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        print(_redact(_unexpected(error, settings)), file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _opening(step: str, settings: Any) -> str:
    """One line: what is done, on what, and where it is tracked."""
    names = [name for name in LOGGED if name in {each.name for each in parameters(type(settings))}]
    values = [f"{name}={value}" for name in names if (value := as_text(getattr(settings, name))) != NONE]
    purpose = PURPOSES[step] if getattr(settings, "register", True) else PURPOSES[step].replace(" and register", "")
    return f"{step}: {purpose} ({', '.join(values)}), tracked in {_tracking().location()}"


def _on_sigterm(number: int, frame: object) -> NoReturn:
    raise SystemExit("Told to end. What was logged so far is kept.")


def _fullest(settings: Any) -> Path:
    """Of the folders that a command writes to, that with the least room."""
    named = (getattr(settings, name, "") for name in WRITTEN)
    folders = [Path.cwd(), Path(tempfile.gettempdir()), *(Path(path).expanduser().absolute().parent for path in named if path)]
    return min(filter(Path.is_dir, folders), key=lambda folder: shutil.disk_usage(folder).free)


def _unexpected(error: Exception, settings: Any) -> str:
    """One line for a disk that is full, a folder that can't be written and a server that went away; a traceback for a fault of ours."""
    from mlflow.exceptions import MlflowException

    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return f"A disk is full, most likely that of {_fullest(settings)}. Make room, and give the same command again."
    if isinstance(error, OSError | MlflowException):
        return f"It could not be done: {_tracking().one_line(error)}"
    return "".join(traceback.format_exception(error))


def _redact(text: str) -> str:
    return str(_tracking().redact(text))


def _tracking() -> Any:
    from sentiment import tracking  # not before the libraries are configured

    return tracking
