"""Folders in which a run takes over what an earlier run saved."""

import os

from textgan.composition.conf_folder import choices

STAGES = {
    "encoders": "contrastive",
    "autoencoder_folder": "autoencoder",
    "prior_folder": "diffusion_prior",
}
"""Scalar of the configuration that names such a folder -> the model that saved it."""


def with_saved_parts(overrides: list[str]) -> list[str]:
    """Replace `autoencoder=FOLDER` by `autoencoder=saved` and `autoencoder_folder=FOLDER`.

    So the folder of an earlier run is written where a choice of the group is written. A value that
    is no choice is a folder if it has a slash or exists.
    """
    found, groups = [], choices()
    for override in overrides:
        group, equals, value = override.partition("=")
        folder = f"{group}_folder"
        is_choice = value in (*groups.get(group, ()), "null", "???")
        if equals and folder in STAGES and not is_choice and ("/" in value or _exists(value)):
            found += [f"{group}=saved", f"{folder}={value}"]
        else:
            found.append(override)
    return found


def _exists(value: str) -> bool:
    return os.path.exists(value)  # noqa: PTH110 - Path's raises where it is too long to be one
