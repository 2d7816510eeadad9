"""Folders in which a run takes over what an earlier run saved."""

from textgan.composition.conf_folder import choices

STAGES = {"encoders": "contrastive", "autoencoder_folder": "autoencoder"}
"""Scalar of the configuration that names such a folder -> the model that saved it."""


def with_saved_parts(overrides: list[str]) -> list[str]:
    """Replace `autoencoder=FOLDER` by `autoencoder=saved` and `autoencoder_folder=FOLDER`.

    So the folder of an earlier run is written where a choice of the group is written. A value with
    a slash, or one that is no choice, is a folder.
    """
    found, groups = [], choices()
    for override in overrides:
        group, equals, value = override.partition("=")
        folder = f"{group}_folder"
        if equals and folder in STAGES and value not in (*groups[group], "null", "???"):
            found += [f"{group}=saved", f"{folder}={value}"]
        else:
            found.append(override)
    return found
