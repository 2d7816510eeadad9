"""Finding and reading the weights of Inception."""

import hashlib
import math
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textgan.errors import MissingWeightsError
from textgan.extractor.inception_layers import TAPS, inception_layers
from textgan.file.home import expanded

_FULL = "weights-inception-2015-12-05-6726825d.pth"
_CACHED = (_FULL, "pt_inception-2015-12-05-6726825d.pth")  # torch-fidelity's name, pytorch-fid's
_SOURCE = (
    f"{_FULL} from https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0 (its SHA-256 "
    "begins with 6726825d)"
)

_FINE = "1x1 5x5_1 5x5_2 3x3dbl_1 3x3dbl_2 3x3dbl_3 _pool"
_MIDDLE = "1x1 7x7_1 7x7_2 7x7_3 7x7dbl_1 7x7dbl_2 7x7dbl_3 7x7dbl_4 7x7dbl_5 _pool"
_COARSE = "1x1 3x3_1 3x3_2a 3x3_2b 3x3dbl_1 3x3dbl_2 3x3dbl_3a 3x3dbl_3b _pool"
_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_BLOCKS = {  # torchvision's branches, in the order of our convolutions
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), _FINE),
    "Mixed_6a": "3x3 3x3dbl_1 3x3dbl_2 3x3dbl_3",
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), _MIDDLE),
    "Mixed_7a": "3x3_1 3x3_2 7x7x3_1 7x7x3_2 7x7x3_3 7x7x3_4",
    **dict.fromkeys(("Mixed_7b", "Mixed_7c"), _COARSE),
}
_STATISTICS = ("weight", "bias", "running_mean", "running_var")
_HEADER_BYTES = 10_000  # of an array in a .npz file, at most
_EPS = 0.001  # of torchvision's batch norm

_BEFORE_ZIP = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the first bytes of older .pth files
_BROKEN = (  # the errors of numpy and torch over damaged files
    *(OSError, EOFError, ValueError, RuntimeError, LookupError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, struct.error, pickle.UnpicklingError),
)


def find_weights(weights: str | Path | None) -> Path:
    """The named file, or one that torch-fidelity or pytorch-fid put into torch's hub cache.

    Args:
        weights: its path; None takes the environment variable TEXTGAN_INCEPTION, else the cache.

    Raises:
        FileNotFoundError: the named file does not exist.
        MissingWeightsError: no file is named, and the cache has none.
    """
    variable = "the environment variable TEXTGAN_INCEPTION"
    named = weights or os.environ.get("TEXTGAN_INCEPTION")
    if named:
        path = Path(expanded(named))
        if not path.is_file():
            source = "weights" if weights else variable
            raise FileNotFoundError(
                f"{source} must name Inception's file, a .npz or .pth, got {named!r}"
            )
        return path.resolve()
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for name in _CACHED:
        if (folder / name).is_file():
            return (folder / name).resolve()
    raise MissingWeightsError(
        f"Inception's weights are named neither by the argument weights nor by {variable}, and "
        f"{folder} has neither {' nor '.join(_CACHED)}: get {_SOURCE}, and put it there or name "
        "its path by one of the two"
    )


def sha256(path: Path) -> str:
    """The hash of the file, computed again only if its size or time of change differs."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(16)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_weights(path: Path, tap: str) -> dict[str, Tensor]:
    """The state dict, float32, of `inception_layers(tap)`.

    A .npz file has arrays NAME.weight (out, in, height, width) and NAME.bias of convolutions with
    folded batch norm, under TensorFlow's names, and softmax.weight; later layers are not read. A
    .pth file is a state dict of the whole network under torchvision's names; its batch norm (eps
    0.001) is folded here, in float64, and its auxiliary classifier and batch counts are ignored.

    Raises:
        ValueError: it is no such file, lacks a tensor, or has a tensor of another shape.
        MissingWeightsError: a .npz file ends before the layer of `tap`.
    """
    with path.open("rb") as file:
        is_old_pth = file.read(len(_BEFORE_ZIP)) == _BEFORE_ZIP
    if is_old_pth:
        return _from_state_dict(path, tap)
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} must be a .npz or .pth file of Inception's weights")
    return _from_npz(path, tap) if _is_npz(path) else _from_state_dict(path, tap)


def _is_npz(path: Path) -> bool:
    """Whether a zip file holds arrays only."""
    try:
        with zipfile.ZipFile(path) as file:
            return all(name.endswith(".npy") for name in file.namelist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _from_npz(path: Path, tap: str) -> dict[str, Tensor]:
    shapes = {_tensorflow(name): shape for name, shape in _shapes(tap).items()}
    try:
        with np.load(path, allow_pickle=False) as file:
            for key, shape in shapes.items():
                _check_size(file, key, shape)
            arrays = {key: file[key] for key in shapes if key in file}
    except _BROKEN as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    absent = [key for key in shapes if key not in arrays]
    if absent:
        raise _lack(path, tap, absent)
    return {
        name: _checked(path, key, arrays[key], shapes[key])
        for name, key in zip(_shapes(tap), shapes, strict=True)
    }


def _check_size(file: np.lib.npyio.NpzFile, key: str, shape: tuple[int, ...]) -> None:
    """Refuse an array of far more bytes than floats of its shape, before it is unpacked."""
    sizes = {info.filename: info.file_size for info in file.zip.infolist()}
    if sizes.get(f"{key}.npy", 0) > 64 * math.prod(shape) + _HEADER_BYTES:
        raise ValueError(f"the array {key} must be floats {shape}, but takes far more bytes")


def _lack(path: Path, tap: str, absent: list[str]) -> ValueError | MissingWeightsError:
    """The error of a .npz file without these arrays."""
    whole = [t for t in TAPS if not any(_tensorflow(name) in absent for name in _shapes(t))]
    if "1280" not in whole:
        return ValueError(f"{path} lacks the array {absent[0]}, which these features need")
    last = [*_shapes(whole[-1])][-1].partition(".")[0]
    return MissingWeightsError(
        f"{path} ends at {last} and has Inception's features 64 to {whole[-1]}, and {tap} needs "
        f"the full weights, {_SOURCE}"
    )


def _from_state_dict(path: Path, tap: str) -> dict[str, Tensor]:
    state = _load(path)
    names = _torchvision()
    shapes = _state_shapes(names)
    for key in state:
        if key not in shapes:
            raise ValueError(f"{path} has the tensor {key}, which is not of this network")
    for key in shapes:
        if key not in state:
            raise ValueError(f"{path} lacks the tensor {key}")
    state = {key: _checked(path, key, state[key], shape) for key, shape in shapes.items()}
    layers = {}
    for name in _shapes(tap):
        layer, _, kind = name.rpartition(".")
        if layer == "softmax":
            layers[name] = state["fc.weight"]
        elif kind == "weight":
            layers[name], layers[f"{layer}.bias"] = _fold(state, names[layer])
    return layers


def _load(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth file, without those that are ignored."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(x, Tensor) for x in state.values()):
        raise ValueError(f"{path} must be a state dict that holds tensors only")
    return {
        key: tensor
        for key, tensor in state.items()
        if not str(key).startswith("AuxLogits.") and not str(key).endswith(".num_batches_tracked")
    }


def _fold(state: Mapping[str, Tensor], layer: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with its batch norm folded in."""
    weight = state[f"{layer}.conv.weight"].double()
    gamma, beta, mean, variance = (state[f"{layer}.bn.{name}"].double() for name in _STATISTICS)
    scale = gamma / (variance + _EPS).sqrt()  # (out,)
    return (weight * scale[:, None, None, None]).float(), (beta - mean * scale).float()


def _checked(path: Path, key: str, found: np.ndarray | Tensor, shape: tuple[int, ...]) -> Tensor:
    """The same values as float32; a ValueError unless they are floats of this shape."""
    is_tensor = isinstance(found, Tensor)
    is_float = found.is_floating_point() if is_tensor else found.dtype.kind == "f"
    if tuple(found.shape) != shape or not is_float:
        what, got = "tensor" if is_tensor else "array", f"{found.dtype} {tuple(found.shape)}"
        raise ValueError(f"{path}: the {what} {key} must be floats {shape}, got {got}")
    return found.float() if is_tensor else torch.from_numpy(np.asarray(found, np.float32))


@lru_cache(len(TAPS))
def _shapes(tap: str) -> dict[str, tuple[int, ...]]:
    """Tensors of the network up to `tap`, in order: name -> shape."""
    with torch.device("meta"):  # takes no memory and draws no random weights
        return {name: tuple(x.shape) for name, x in inception_layers(tap).state_dict().items()}


def _tensorflow(name: str) -> str:
    layer, _, kind = name.rpartition(".")
    return f"{layer.replace('.', '_')}.{kind}"


def _torchvision() -> dict[str, str]:
    """Names of our convolutions -> torchvision's names."""
    ours = [name.removesuffix(".bias") for name in _shapes("logits") if name.endswith(".bias")]
    blocks = [f"{block}.branch{x}" for block, branches in _BLOCKS.items() for x in branches.split()]
    return dict(zip(ours, [*_STEM, *blocks], strict=True))


def _state_shapes(names: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Tensors of a .pth file of the whole network: name -> shape."""
    ours = _shapes("logits")
    shapes = {"fc.weight": ours["softmax.weight"], "fc.bias": ours["softmax.weight"][:1]}
    for layer, name in names.items():
        shapes[f"{name}.conv.weight"] = ours[f"{layer}.weight"]
        shapes |= {f"{name}.bn.{kind}": ours[f"{layer}.bias"] for kind in _STATISTICS}
    return shapes
