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
# # Sample, interpolate, and see the attention
#
# This notebook uses the model of simple shapes that comes with the package. It needs no training
# and takes a few seconds. It is kept as a Python script, `docs/notebooks/sample_and_look.py`;
# `make notebooks` turns it into a Jupyter notebook.

# %%
import numpy as np
from PIL import Image

from textgan.pipeline import GANPipeline
from textgan.weights import SHAPES

pipe = GANPipeline.from_pretrained(SHAPES)


def row(images: list[Image.Image]) -> Image.Image:
    """The images side by side, enlarged to 128 pixels."""
    sheet = Image.new("RGB", (len(images) * 128, 128))
    for number, image in enumerate(images):
        large = image.resize((128, 128), Image.Resampling.NEAREST)
        sheet.paste(large, (number * 128, 0))
    return sheet


# %% [markdown]
# ## Sample
#
# The same seed and caption always give the same image. Each of the four samples has its own noise.

# %%
caption = "a large red circle above a small blue square on a white background"
row(pipe(caption, num_images_per_prompt=4, seed=0).images)

# %% [markdown]
# `truncation` multiplies the noise. With 0 all samples of a caption are the same, typical image.

# %%
row(pipe(caption, num_images_per_prompt=4, seed=0, truncation=0.0).images)

# %% [markdown]
# Captions with the same index get the same noise, so only the caption differs.

# %%
colours = [f"a large {name} star on a black background" for name in ("red", "yellow", "green")]
row(pipe(colours, indices=[0, 0, 0], seed=1).images)

# %% [markdown]
# ## Interpolate
#
# The images on the way from one caption to another, and from one noise to another.

# %%
start, end = "a large red circle on a white background", "a small blue star on a black background"
row(pipe.interpolate(start, end).images[::2])

# %%
row(pipe.interpolate(start, seed=0, end_seed=1).images[::2])

# %% [markdown]
# ## Attention
#
# For each word, the positions of the generator that attend to it: 1 is the largest value.

# %%
image = pipe(caption, seed=0).images[0]
shown = [image]
for word in pipe.attention(caption, seed=0):
    if word.word in ("red", "circle", "blue", "square"):
        heat = (word.map.numpy() * 255).astype(np.uint8)
        shown.append(Image.fromarray(heat).convert("RGB"))
        print(word.word, f"{word.map.mean():.2f}")
row(shown)
