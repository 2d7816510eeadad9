# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Train on shapes and sample
#
# This notebook trains a small model on scenes of one simple shape and generates images with it.
# It is kept as a Python script, `docs/notebooks/train_and_sample.py`. `make notebooks` turns it
# into a Jupyter notebook, and `python docs/notebooks/train_and_sample.py` runs it as it is.
#
# The recipe is short: 16,000 images of 32 x 32 pixels take about five minutes on one CPU thread.
# It shows the steps and not the quality; `textgan fit experiment=demo` is the whole recipe.

# %%
from pathlib import Path

from PIL import Image

from textgan.cli.main import main
from textgan.pipeline import GANPipeline

total_images = 16_000
run = Path("runs/notebook")

# %% [markdown]
# ## Train
#
# `main` is the command `textgan`. The words are the same as on the command line:
# one object in each scene, no discriminator, and the loss without it.

# %%
status = main(
    [
        "fit",
        "data=shapes",
        "data.max_objects=1",
        "data.spread=0.5",
        "data.batch_size=16",
        "image_size=32",
        "noise_width=6",
        "text_encoder=bert_small",
        "discriminator=null",
        "loss=[reconstruction,kl_falling]",
        "model.caption_dropout=0",
        "model.generator_optimizer.lr=2e-3",
        f"total_images={total_images}",
        f"sample_every_images={total_images // 4}",
        f"hydra.run.dir={run}",
    ]
)
assert status == 0

# %% [markdown]
# ## Look at the grids
#
# The run folder has a grid of fixed captions for each quarter of the training.

# %%
grids = sorted((run / "samples").glob("*.png"))
print([grid.name for grid in grids])
Image.open(grids[-1])

# %% [markdown]
# ## Sample
#
# The folder `pipeline` of the run is all that sampling needs.

# %%
pipe = GANPipeline.from_pretrained(run / "pipeline")
captions = ["a large red circle on a white background", "a small blue star on a black background"]
images = pipe(captions, num_images_per_prompt=4, seed=0).images
sheet = Image.new("RGB", (4 * 128, 2 * 128))
for number, image in enumerate(images):
    large = image.resize((128, 128), Image.Resampling.NEAREST)
    sheet.paste(large, (number % 4 * 128, number // 4 * 128))
sheet

# %% [markdown]
# ## Measure
#
# `shape_alignment` reads each sample by rules and reports the share of captions that it follows.

# %%
status = main(
    [
        "test",
        f"ckpt_path={run}/last.ckpt",
        "metric=[shape_alignment]",
        "data.test_size=100",
        f"hydra.run.dir={run}-test",
    ]
)
assert status == 0
