"""Files that run code, point elsewhere, or declare what they don't have: each is refused in one line."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sentiment.errors import UserError
from sentiment.model import keras_file, model_file
from sentiment.model.scorer import Scorer
from sentiment.paths import PROJECT
from sentiment.preparation import prepared
from tests.processes import DEADLINE

FIXTURES = PROJECT / "tests" / "fixtures"
MODEL, OLD = FIXTURES / "default-bilstm.h5", FIXTURES / "old-lstm.h5"
TABLE = "model_weights/words/words/embeddings"
Edit = Callable[[h5py.File], None]
LAMBDA = {"name": "evil", "trainable": True, "function": ["code", None, None], "function_type": "lambda", "arguments": {}}


def edited(source: Path, folder: Path, edit: Edit) -> Path:
    path = folder / "edited.h5"
    shutil.copyfile(source, path)
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def config(change: Callable[[dict[str, Any]], None]) -> Edit:
    """Changes the configuration of Keras."""

    def edit(file: h5py.File) -> None:
        value = file.attrs["model_config"]
        saved = json.loads(value.decode() if isinstance(value, bytes) else value)
        change(saved)
        file.attrs["model_config"] = json.dumps(saved).encode()

    return edit


def attribute(name: str, value: Any, group: str = "sentiment") -> Edit:
    def edit(file: h5py.File) -> None:
        file[group].attrs[name] = value

    return edit


def dataset(path: str, make: Callable[[h5py.File, str], object]) -> Edit:
    """Puts another dataset, or link, in the place of one."""

    def edit(file: h5py.File) -> None:
        del file[path]
        make(file, path)

    return edit


def external(dtype: str, shape: tuple[int, ...]) -> Callable[[h5py.File, str], object]:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return lambda file, path: file.create_dataset(path, shape, dtype, external=[("/etc/passwd", 0, size)])


def linked(link: Any) -> Callable[[h5py.File, str], object]:
    return lambda file, path: file.__setitem__(path, link)


def virtual(file: h5py.File, path: str) -> None:
    layout = h5py.VirtualLayout((4,), "i4")
    layout[:] = h5py.VirtualSource("other.h5", "ids", (4,))
    file.create_virtual_dataset(path, layout)


def shared_strings(file: h5py.File, path: str) -> None:
    """A thousand references to one long string."""
    file.create_dataset(path, data=["x" * 60_000, *["y"] * 999], dtype=h5py.string_dtype())
    at = file[path].id.get_offset()
    file.flush()
    with open(file.filename, "r+b") as raw:
        raw.seek(at)
        reference = raw.read(16)
        raw.seek(at)
        raw.write(reference * 1000)


def long_chunk(file: h5py.File, path: str) -> None:
    """A chunk that unpacks to more than a chunk has."""
    import zlib

    made = file.create_dataset(path, (1 << 16,), "i4", chunks=(1 << 16,), compression="gzip")
    made.id.write_direct_chunk((0,), zlib.compress(bytes(100 << 20)))


def layers(saved: dict[str, Any]) -> list[dict[str, Any]]:
    inside = saved["config"]
    found: list[dict[str, Any]] = inside if isinstance(inside, list) else inside["layers"]
    return found


def layer(saved: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in layers(saved) if each["class_name"] == kind)


def add_lambda(saved: dict[str, Any]) -> None:
    layers(saved).append({"class_name": "Lambda", "name": "evil", "config": LAMBDA, "inbound_nodes": [[["tokens", 0, 0, {}]]]})


def wrap(kind: str) -> Callable[[dict[str, Any]], None]:
    """The whole model as the option of a wrapper, a Lambda inside another one."""

    def change(saved: dict[str, Any]) -> None:
        inner = {"class_name": "Sequential", "config": [{"class_name": "Lambda", "config": LAMBDA}]}
        graph = {"layers": layers(saved), "name": "model", "input_layers": [], "output_layers": []}
        saved.update(class_name=kind, config={**graph, "layer": inner})

    return change


def same_names(saved: dict[str, Any]) -> None:
    for each in layers(saved):
        each["config"]["name"] = "same"


IN_A_CONFIGURATION: dict[str, Callable[[dict[str, Any]], None]] = {
    "a Lambda that no score needs": add_lambda,
    "TimeDistributed": wrap("TimeDistributed"),
    "Bidirectional": wrap("Bidirectional"),
    "ActivityRegularization": wrap("ActivityRegularization"),
    "an unknown key": lambda saved: saved.update(custom_objects={}),
    "an unknown key of a layer": lambda saved: layers(saved)[0].update(module="os"),
    "an unknown option": lambda saved: layer(saved, "LSTM")["config"].update(cell={"class_name": "Lambda", "config": LAMBDA}),
    "a nested model": lambda saved: layers(saved)[1].update(class_name="Model", config={"layers": []}),
    "an initializer that is none": lambda saved: layer(saved, "LSTM")["config"].update(
        kernel_initializer={"class_name": "Lambda", "config": {}}
    ),
    "an initializer of another module": lambda saved: layer(saved, "LSTM")["config"].update(
        kernel_initializer={"module": "os", "class_name": "Zeros", "config": {}}
    ),
    "an object in an initializer": lambda saved: layer(saved, "LSTM")["config"].update(
        kernel_initializer={"class_name": "Constant", "config": {"value": {"class_name": "Lambda"}}}
    ),
    "an unknown key of an initializer": lambda saved: layer(saved, "LSTM")["config"].update(
        kernel_initializer={"class_name": "Zeros", "config": {"x": 1}}
    ),
    "a word for a number": lambda saved: layer(saved, "LSTM")["config"].update(dropout="0.5; import os"),
    "a function for an activation": lambda saved: layer(saved, "Dense")["config"].update(activation="system"),
    "an object for an activation": lambda saved: layer(saved, "Dense")["config"].update(activation={"class_name": "Lambda"}),
    "a path for a name": lambda saved: layer(saved, "LSTM")["config"].update(name="../../x"),
    "NUL in a name": lambda saved: layer(saved, "LSTM")["config"].update(name="a\0b"),
    "two of one name": same_names,
    "no layers": lambda saved: layers(saved).clear(),
    "much padding": lambda saved: layers(saved)[1].update(
        class_name="ZeroPadding1D", config={"name": layers(saved)[1]["config"]["name"], "padding": [0, 3_000_000]}
    ),
}


@pytest.mark.parametrize("case", IN_A_CONFIGURATION)
@pytest.mark.parametrize(("source", "read"), [(MODEL, model_file.read), (OLD, keras_file.read)], ids=["of this project", "of Keras 2"])
def test_a_configuration_is_known_as_a_whole(source: Path, read: Callable[[Path], object], case: str, tmp_path: Path) -> None:
    read(source)
    with pytest.raises(UserError, match=r"edited\.h5"):
        read(edited(source, tmp_path, config(IN_A_CONFIGURATION[case])))


def test_a_layer_may_not_lead_back_to_itself(tmp_path: Path) -> None:
    def turn(saved: dict[str, Any]) -> None:
        dropout = layer(saved, "Dropout")
        dropout["inbound_nodes"] = [[[dropout["config"]["name"], 0, 0, {}]]]

    with pytest.raises(UserError, match="cycle"):
        model_file.read(edited(MODEL, tmp_path, config(turn)))


def test_a_layer_of_an_earlier_format_has_no_name_of_today(tmp_path: Path) -> None:
    """Or two layers would come to have one name."""

    def rename(file: h5py.File) -> None:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"dropout_features"', '"embedding"')

    with pytest.raises(UserError, match="the layer embedding is not of that format"):
        model_file.read(edited(MODEL, tmp_path, rename))


VOCABULARY = "sentiment/vocabulary"
IN_A_MODEL: dict[str, Edit] = {
    "external storage of words": dataset(VOCABULARY, external("S8", (20,))),
    "external storage of weights": dataset(TABLE, external("f4", (8, 8))),
    "an external link": dataset(VOCABULARY, linked(h5py.ExternalLink("/etc/passwd", "/x"))),
    "a soft link": dataset(VOCABULARY, linked(h5py.SoftLink("/sentiment/more_words"))),
    "a soft link to itself": dataset(VOCABULARY, linked(h5py.SoftLink("/" + VOCABULARY))),
    "a virtual dataset": dataset("sentiment/ngrams/last", virtual),
    "a group for a dataset": dataset(VOCABULARY, lambda file, path: file.create_group(path)),
    "10 TB of weights": dataset(TABLE, lambda file, path: file.create_dataset(path, (10**10, 250), "f4", chunks=(1000, 250))),
    "6 GB of weights": dataset(
        TABLE, lambda file, path: file.create_dataset(path, (30_000_000, 50), "f4", chunks=(100_000, 50), compression="gzip", fillvalue=1)
    ),
    "6 GB of n-grams": dataset(
        "sentiment/ngrams/last", lambda file, path: file.create_dataset(path, (1_500_000_000,), "i4", chunks=(1 << 16,), compression="gzip")
    ),
    "a chunk too long": dataset("sentiment/ngrams/last", long_chunk),
    "many words": dataset(VOCABULARY, lambda file, path: file.create_dataset(path, (10**11,), h5py.string_dtype(), chunks=(1000,))),
    "many words that are one": dataset(VOCABULARY, shared_strings),
    "fewer rows than words": lambda file: dataset(
        VOCABULARY, lambda f, p: f.create_dataset(p, data=["w"] * 5000, dtype=h5py.string_dtype())
    )(file),
    "words without any": dataset(VOCABULARY, lambda file, path: file.create_dataset(path, data=h5py.Empty(h5py.string_dtype()))),
    "weights without any": dataset(TABLE, lambda file, path: file.create_dataset(path, data=h5py.Empty("f4"))),
    "an attribute without a value": attribute("text_settings", h5py.Empty(h5py.string_dtype())),
    "not numbers": lambda file: file[TABLE].__setitem__(..., np.nan),
    "weights of another shape": dataset(TABLE, lambda file, path: file.create_dataset(path, data=np.zeros((3, 3), "f4"))),
    "a maximal length that is none": attribute("text_settings", '{"max_length": "x"}'),
    "a maximal length below 2": attribute("text_settings", '{"max_length": -5}'),
    "three labels": attribute("label_names", '["a", "b", "c"]'),
    "labels that are not text": attribute("label_names", '[{"a": 1}, ["b"]]'),
    "another size than the weights have": attribute("settings", '{"architecture": "bilstm", "embedding_size": 1000000000, "lstm_size": 6}'),
    "a query for a fingerprint": attribute("data_fingerprint", "x' or tags.step = 'prepare"),
    "a deep configuration": lambda file: file.attrs.__setitem__("model_config", np.bytes_(b"[" * 60_000)),
    "bytes for a configuration": lambda file: file.attrs.__setitem__("model_config", np.void(b"[1]")),
    "a list for a configuration": lambda file: file.attrs.__setitem__("model_config", b"[1, 2]"),
}


@pytest.mark.parametrize("case", IN_A_MODEL)
def test_what_lies_or_points_elsewhere_in_a_model(case: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"edited\.h5") as error:
        model_file.read(edited(MODEL, tmp_path, IN_A_MODEL[case]))
    assert "root:" not in str(error.value)
    assert "NoneType" not in str(error.value)


def test_groups_that_lead_to_themselves_are_read_once(tmp_path: Path) -> None:
    """A file's tree may have a branch that is the root, under several names: there are more paths than can be gone."""

    def turn(file: h5py.File) -> None:
        for name in ("loop", "again", "more"):
            file[name] = file["/"]

    model_file.read(edited(MODEL, tmp_path, turn))


WITHOUT_A_FIT: dict[str, Callable[[dict[str, Any]], None]] = {
    "a Dense that does not say if it has a bias": lambda saved: layer(saved, "Dense")["config"].pop("use_bias"),
    "an axis that is none": lambda saved: layer(saved, "Concatenate")["config"].update(axis="x"),
    "an axis that there is not": lambda saved: layer(saved, "Concatenate")["config"].update(axis=7),
    "an output that there is not": lambda saved: saved["config"].update(output_layers=[["nothing", 0, 0]]),
    "an output that is no probability": lambda saved: saved["config"].update(output_layers=[["network_logit", 0, 0]]),
    "two outputs": lambda saved: saved["config"].update(output_layers=[["score", 0, 0], ["network_logit", 0, 0]]),
}


@pytest.mark.parametrize("case", WITHOUT_A_FIT)
def test_layers_that_do_not_fit_together(case: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"edited\.h5"):
        Scorer(edited(MODEL, tmp_path, config(WITHOUT_A_FIT[case])))


IN_PREPARED_DATA: dict[str, Edit] = {
    "external labels": dataset("labels", external("i1", (80,))),
    "external texts": dataset("test_texts/bytes", external("u1", (800,))),
    "10 TB of ids": dataset("ids", lambda file, path: file.create_dataset(path, (10**13 // 4,), "i4", chunks=(1 << 16,))),
    "offsets beyond the ids": lambda file: file["offsets"].__setitem__(5, 10**9),
    "ids without a word": lambda file: file["ids"].__setitem__(..., 10**6),
    "ids below 0": lambda file: file["ids"].__setitem__(..., -7),
    "labels of another kind": lambda file: file["labels"].__setitem__(..., 7),
    "too few labels": dataset("labels", lambda file, path: file.create_dataset(path, data=np.zeros(10, "i1"))),
    "a split that is none": lambda file: file["split"].__setitem__(..., 9),
    "no texts of the test split": lambda file: file["split"].__setitem__(..., 2),
    "a fingerprint that is none": lambda file: file.attrs.__setitem__("data_fingerprint", "' or 1 = 1"),
}


@pytest.mark.parametrize("case", IN_PREPARED_DATA)
def test_what_lies_or_points_elsewhere_in_prepared_data(case: str, small: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"edited\.h5"):
        prepared.read(edited(small, tmp_path, IN_PREPARED_DATA[case]))


def test_a_model_that_runs_code_registers_nothing(tmp_path: Path) -> None:
    evil = edited(OLD, tmp_path, config(wrap("TimeDistributed")))
    done = subprocess.run(
        [sys.executable, "-m", "entry_points.register", f"--run={evil}", f"--vocabulary={FIXTURES / 'old-words.json'}"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "TimeDistributed" in done.stderr
