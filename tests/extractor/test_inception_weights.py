"""Where Inception's weights are looked for, what a file of them may be, and what is made of it."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from textgan.errors import MissingWeightsError
from textgan.extractor import Inception
from textgan.extractor.inception_weights import _sha256, read_weights

FULL = "weights-inception-2015-12-05-6726825d.pth"


def some(n: int, size: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """Where torch's hub keeps files, empty, and nothing named."""
    monkeypatch.delenv("TEXTGAN_INCEPTION", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def in_tensorflow(layers: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """As arrays of a .npz file: mixed.tower.conv.weight is mixed_tower_conv.weight there."""
    parts = [name.rpartition(".") for name in layers]
    names = [f"{layer.replace('.', '_')}.{kind}" for layer, _, kind in parts]
    return dict(zip(names, [x.numpy() for x in layers.values()], strict=True))


def small(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of the same shapes that take no room in a file: each one number, repeated."""
    return {key: torch.ones(()).expand(x.shape) for key, x in state.items()}


def test_a_full_file_gives_what_convolution_batch_norm_and_relu_give(full, reference):
    net = Inception("logits", weights=str(full))
    taps = ["64", "192", "768", "1280", "2048", "logits"]
    found = net.outputs(reference[1], taps)
    assert net.num_features == 1008
    for tap in taps:
        expected = reference[2][tap]
        assert expected.std() > 0.01
        difference = (found[tap] - expected).abs().max()
        assert difference < 1e-5 * expected.abs().max()  # another pool or eps: 1e-2 and more


def test_batch_norm_is_folded_in_double_precision(full, reference):
    state = {key: x.double() for key, x in reference[0].items()}
    layers = read_weights(full, "64")
    root = (state["Conv2d_2a_3x3.bn.running_var"] + 0.001).sqrt()
    scale = state["Conv2d_2a_3x3.bn.weight"] / root
    weight = state["Conv2d_2a_3x3.conv.weight"] * scale.view(-1, 1, 1, 1)
    bias = state["Conv2d_2a_3x3.bn.bias"] - state["Conv2d_2a_3x3.bn.running_mean"] * scale
    assert torch.equal(layers["conv_1.weight"], weight.float())
    assert torch.equal(layers["conv_1.bias"], bias.float())


def test_the_depth_read_changes_neither_the_name_nor_the_features(full):
    deep, shallow = Inception(2048, weights=str(full)), Inception(64, weights=str(full))
    assert deep.network() == shallow.network()
    assert torch.equal(deep.outputs(some(2), ["64"])["64"], shallow(some(2)))


def test_a_file_is_hashed_once_for_all_that_read_it(full):
    before = _sha256.cache_info().misses
    copies = [Inception(64, weights=str(full)) for _ in range(3)]
    assert len({copy.network() for copy in copies}) == 1
    assert _sha256.cache_info().misses <= before + 1


def test_both_kinds_of_file_give_the_same_module(full, tmp_path):
    folded = read_weights(full, "logits")
    arrays = in_tensorflow(folded)
    assert "mixed_9_tower_mixed_conv_1.weight" in arrays
    np.savez(tmp_path / "folded.npz", **arrays)
    again = read_weights(tmp_path / "folded.npz", "logits")
    assert list(again) == list(folded)
    assert all(torch.equal(again[name], folded[name]) for name in folded)


def test_a_file_from_before_torch_saved_zip_files_is_read_too(tmp_path, reference):
    file = tmp_path / "old.pth"
    torch.save(small(reference[0]), file, _use_new_zipfile_serialization=False)
    layers = read_weights(file, "64")
    assert layers["conv.weight"].unique().item() == pytest.approx(1.001**-0.5)
    assert layers["conv.bias"].unique().item() == pytest.approx(1 - 1.001**-0.5, rel=1e-3)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"old\.pth cannot be read"):
        read_weights(file, "64")


@pytest.mark.parametrize("name", [FULL, "pt_inception-2015-12-05-6726825d.pth"])
def test_where_none_is_named_torchs_hub_cache_is_looked_at(hub, name, reference):
    torch.save(small(reference[0]), hub / name)
    net = Inception(64)
    net.load()
    assert net.layers.conv.weight.unique().item() == pytest.approx(1.001**-0.5)


def test_a_named_file_goes_before_the_environments_and_the_caches(hub, reference, monkeypatch):
    for value, file in enumerate(("a.pth", "b.pth", FULL)):
        state = {key: x + value * (key == "fc.weight") for key, x in small(reference[0]).items()}
        torch.save(state, hub / file)
    assert read_weights(hub / FULL, "logits")["softmax.weight"].unique() == 3
    names = [Inception(64).network()]
    monkeypatch.setenv("TEXTGAN_INCEPTION", str(hub / "b.pth"))
    names.append(Inception(64).network())
    names.append(Inception(64, weights=str(hub / "a.pth")).network())
    files = (FULL, "b.pth", "a.pth")
    assert names == [Inception(64, weights=str(hub / file)).network() for file in files]
    assert len(set(names)) == 3


def test_nowhere_to_be_found_says_where_it_looked_and_what_to_get(hub):
    net = Inception(768)
    for use in (net.load, net.network, net.protocol, lambda: net(some(1))):
        with pytest.raises(MissingWeightsError) as caught:
            use()
        said = str(caught.value)
        for part in ("argument weights", "TEXTGAN_INCEPTION", str(hub), FULL, "pt_inception"):
            assert part in said
        assert "github.com/toshas/torch-fidelity/releases/tag/v0.2.0" in said


def test_a_named_file_that_is_not_there_is_said_so(hub, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"weights must name Inception's file, a .* got"):
        Inception(64, weights=str(tmp_path / "none.npz")).load()
    monkeypatch.setenv("TEXTGAN_INCEPTION", str(tmp_path / "none.pth"))
    with pytest.raises(FileNotFoundError, match="variable TEXTGAN_INCEPTION must name"):
        Inception(64).load()


def test_a_file_of_another_kind_or_cut_off_is_refused(tmp_path, full):
    file = tmp_path / "text.pth"
    file.write_text("no arrays")
    with pytest.raises(ValueError, match=r"text\.pth must be a \.npz or \.pth file"):
        read_weights(file, "64")
    file.write_bytes(full.read_bytes()[:10_000_000])
    with pytest.raises(ValueError, match=r"text\.pth must be a \.npz or \.pth file"):
        read_weights(file, "64")
    torch.save([torch.ones(3)], file)
    with pytest.raises(ValueError, match=r"text\.pth must be a state dict"):
        read_weights(file, "64")
    torch.save({"a": Path("x")}, file)  # would run code of the file's choice
    with pytest.raises(ValueError, match=r"text\.pth cannot be read"):
        read_weights(file, "64")


def test_a_tensor_too_many_too_few_or_misshapen_is_named_at_any_depth(tmp_path, reference):
    file, state = tmp_path / "full.pth", small(reference[0])
    torch.save(state | {"Mixed_8a.conv.weight": torch.ones(1)}, file)
    with pytest.raises(ValueError, match=r"has the tensor Mixed_8a\.conv\.weight, which is not"):
        read_weights(file, "64")
    torch.save({k: x for k, x in state.items() if k != "Mixed_7c.branch_pool.bn.bias"}, file)
    with pytest.raises(ValueError, match=r"lacks the tensor Mixed_7c\.branch_pool\.bn\.bias"):
        read_weights(file, "64")
    torch.save(state | {"fc.weight": torch.ones(1000, 2048)}, file)  # torchvision's own network
    with pytest.raises(ValueError, match=r"fc\.weight must be floats \(1008, 2048\), got"):
        read_weights(file, "64")
    torch.save(state | {"fc.bias": torch.ones(1008, dtype=torch.int64)}, file)
    with pytest.raises(ValueError, match=r"fc\.bias must be floats \(1008,\), got torch\.int64"):
        read_weights(file, "64")


def test_missing_and_misshapen_arrays_are_named(tmp_path):
    file = tmp_path / "weights.npz"
    np.savez(file, **{"conv.weight": np.zeros((32, 3, 3, 3), np.float32)})
    for tap in ("64", "2048"):
        with pytest.raises(ValueError, match=r"lacks the array conv\.bias"):
            read_weights(file, tap)
    shapes = {"conv": (32, 3, 3, 3), "conv_1": (32, 32, 3, 3), "conv_2": (64, 32, 3, 3)}
    arrays = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    arrays |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    np.savez(file, **arrays)
    assert Inception(64, weights=str(file))(some(1)).eq(0).all()
    np.savez(file, **arrays | {"conv_1.weight": np.zeros((32, 32, 5, 5), np.float32)})
    with pytest.raises(ValueError, match=r"conv_1\.weight must be floats \(32, 32, 3, 3\), got"):
        read_weights(file, "64")
    np.savez(file, **arrays | {"conv_1.bias": np.full(32, "a")})
    with pytest.raises(ValueError, match=r"conv_1\.bias must be floats \(32,\), got <U1"):
        read_weights(file, "64")


@pytest.mark.parametrize(("last", "to"), [("mixed_8", "1280"), ("mixed_10", "2048")])
def test_a_file_that_ends_early_says_what_it_has(tmp_path, full, last, to):
    np.savez(tmp_path / "part.npz", **in_tensorflow(read_weights(full, to)))
    assert read_weights(tmp_path / "part.npz", to)
    rule = f"ends at {last} and has Inception's features 64 to {to}, and logits needs the full"
    with pytest.raises(MissingWeightsError, match=rule):
        Inception("logits", weights=str(tmp_path / "part.npz")).load()


def test_the_file_that_ends_at_mixed_8_has_no_2048_features():
    data = os.environ.get("TEXTGAN_DATA")
    folder = Path(data or "").parent / "weights" / "fid-inception-2015"
    file = folder / "inception_2015_upto_mixed8.npz"
    if not data or not file.is_file():
        pytest.skip("TEXTGAN_DATA does not name a folder beside one of weights")
    rule = "ends at mixed_8 and has Inception's features 64 to 1280, and 2048 needs the full"
    with pytest.raises(MissingWeightsError, match=rule):
        Inception(2048, weights=str(file)).load()


def test_an_array_that_unpacks_to_far_more_than_its_layer_is_not_read(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", **{"conv.weight": np.zeros((1, 10**6), np.float32)})
    with pytest.raises(ValueError, match=r"bomb.npz cannot be read: the array conv.weight must be"):
        read_weights(tmp_path / "bomb.npz", "64")


def test_an_array_that_says_it_is_huge_is_one_sentence(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "huge.npz", "w") as file,
        file.open("conv.weight.npy", "w") as to,
    ):
        said = {"descr": "<f4", "fortran_order": False, "shape": (2**55,)}
        np.lib.format.write_array_header_1_0(to, said)
    with pytest.raises(ValueError, match=r"huge.npz cannot be read: "):
        read_weights(tmp_path / "huge.npz", "64")
