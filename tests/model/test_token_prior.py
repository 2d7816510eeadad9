"""Training of priors over codes."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.callback.checkpoint import Checkpoint
from textgan.metric import ShapeAlignment
from textgan.model.token_prior import TokenPriorModel
from textgan.prior import GPTPrior, MaskedPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget
from textgan.training.checkpoint import load_pipeline
from textgan.training.muon import Muon

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


def made(*, discrete: bool = True, **changes: object) -> TokenPriorModel:
    torch.manual_seed(0)
    quantizer = FSQ(levels=(4, 4), groups=2) if discrete else None
    arguments = {
        "autoencoder": ConvolutionAutoencoder(
            sample_shape=(3, 16, 16), downsampling=4, quantizer=quantizer, **SMALL
        ),
        "prior": partial(GPTPrior, text_width=8, width=16, depth=1, num_heads=2),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "optimizer": partial(Muon, lr=3e-3),
        "budget": Budget(total_images=40, warmup_images=4),
        "metrics": {"shape_alignment": ShapeAlignment()},
        "tokenizer_captions": 20,
    }
    return TokenPriorModel(**{**arguments, **changes})


class Losses(pl.Callback):
    def __init__(self):
        self.values: list[float] = []

    def on_train_batch_end(self, trainer, pl_module, *_):
        self.values.append(float(trainer.callback_metrics["train/prior/cross_entropy"]))


@pytest.mark.parametrize("prior", [GPTPrior, MaskedPrior])
def test_it_learns_and_leaves_the_autoencoder_alone(prior, trainer, data):
    losses = Losses()
    model = made(
        budget=Budget(total_images=1_200, warmup_images=100),
        prior=partial(prior, text_width=8, width=16, depth=1, num_heads=2),
    )
    before = {name: value.clone() for name, value in model.autoencoder.state_dict().items()}
    trainer(losses).fit(model, data(batch_size=12, train_size=1200))
    assert losses.values[0] < 2 * torch.tensor(16.0).log() + 0.5  # two groups of 16 codes
    assert losses.values[-1] < 0.95 * losses.values[0]
    for name, value in model.autoencoder.state_dict().items():
        assert torch.equal(value, before[name]), name


class Crash(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        if int(pl_module.images_seen) == 20:
            raise ConnectionAbortedError("the machine is gone")


def test_a_resumed_run_is_bitwise_the_whole_one(trainer, data, tmp_path):
    def run(*callbacks: pl.Callback, **options: object) -> dict:
        trainer(*callbacks).fit(made(), data(), **options)
        return torch.load(tmp_path / "last.ckpt", weights_only=True)

    whole = run(Checkpoint(every_images=0))
    with pytest.raises(ConnectionAbortedError):
        run(Checkpoint(every_images=16), Crash())
    torch.manual_seed(99)
    again = {"ckpt_path": tmp_path / "last.ckpt", "weights_only": True}
    resumed = run(Checkpoint(every_images=0), **again)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, resumed["state_dict"][name]), name


def test_the_pipeline_of_a_checkpoint_draws_as_the_model(trainer, data, tmp_path):
    model = made()
    trainer(Checkpoint(every_images=0)).fit(model, data())
    again = load_pipeline(tmp_path / "last.ckpt")
    one, two = (
        pipeline("a large red circle", output_type="pt").images
        for pipeline in (model.pipeline(), again)
    )
    assert torch.equal(one, two)


def test_it_is_evaluated_by_the_metrics_of_samples(trainer, data):
    model = made()
    run = trainer(limit_val_batches=1.0)
    run.fit(model, data())
    assert "val/shape_alignment/all" in run.validate(model, data(), verbose=False)[0]


def test_it_learns_to_make_captions_in_the_other_order(trainer, data):
    model = made(
        budget=Budget(total_images=2_400, warmup_images=100),
        prior=partial(GPTPrior, text_width=8, width=32, depth=1, num_heads=2, text_vocabulary=270),
        describe_weight=1.0,
    )
    trainer().fit(model, data(batch_size=12, train_size=2400))
    pipeline = model.pipeline()
    assert "describe" in pipeline.abilities
    images = next(iter(data().val_dataloader())).images
    captions = pipeline.describe(images)
    assert len(captions) == len(images)
    # It knows the form of a caption: "a large red circle on a white background".
    assert all(text.startswith("a ") and "background" in text for text in captions), captions
    one = pipeline.describe(images[1:2])
    assert one == captions[1:2]


def test_what_does_not_fit_is_a_sentence():
    with pytest.raises(ValueError, match="text_vocabulary of the prior must be that of the text"):
        made(describe_weight=0.1)
    masked = partial(MaskedPrior, text_width=8, width=16, depth=1, num_heads=2)
    with pytest.raises(ValueError, match="describe_weight needs a prior that makes captions"):
        made(prior=masked, describe_weight=0.1)
    with pytest.raises(ValueError, match="describe_weight must be at least 0, got -1"):
        made(describe_weight=-1)
    with pytest.raises(ValueError, match="autoencoder must be discrete"):
        made(discrete=False)
    with pytest.raises(ValueError, match="text_width of the prior must be the text encoder's"):
        made(prior=partial(GPTPrior, text_width=9, width=16, depth=1, num_heads=2))
    with pytest.raises(ValueError, match="caption_dropout must be within"):
        made(caption_dropout=2.0)
