"""`python -m sentiment.backends jax torch [--device cuda]`: installs backends and prints the interpreter that has each."""

import argparse
import sys

from sentiment.backends.interpreters import install
from sentiment.errors import UserError

parser = argparse.ArgumentParser(prog="python -m sentiment.backends", description="Installs backends.")
parser.add_argument("names", nargs="+")
parser.add_argument("--device", default="cpu")
arguments = parser.parse_args()
try:
    for name in arguments.names:
        print(f"{name}: {install(name, arguments.device)}")
except UserError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
