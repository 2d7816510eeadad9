"""The arms that are compared, and the data sets that they are compared on."""

from dataclasses import dataclass

MATCH, PERCEPTUAL = "match", "perceptual"
GUIDANCE, LATE = "alignment_guidance", "alignment_guidance_late"
TEXT, PROJECTED = "text_encoder=saved", "discriminator=projected"
ENERGY, ENERGY_FEATURES, MMD = "energy", "energy_features", "joint_mmd"
EYES, MUON = "discriminator=projected_eyes", "optimizers=muon"


@dataclass(frozen=True)
class Arm:
    """A variant of the recipe.

    Attributes:
        terms: loss terms added to those of every arm.
        words: overrides added to those of every arm.
        plain: True for a plain GAN, without posterior and reconstruction.
    """

    terms: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plain: bool = False

    @property
    def uses_encoders(self) -> bool:
        """True if the seconds of pretraining are counted as seconds of this arm."""
        return bool({TEXT, PROJECTED, GUIDANCE, LATE, PERCEPTUAL} & {*self.terms, *self.words})


ARMS = {
    "vae_gan": Arm(),
    "match": Arm((MATCH,)),
    "perceptual": Arm((PERCEPTUAL,)),
    "text": Arm((), (TEXT,)),
    "projected": Arm((), (PROJECTED,)),
    "guidance": Arm((GUIDANCE,)),
    "guidance_late": Arm((LATE,)),
    "guided": Arm((LATE,), (TEXT,)),
    "all": Arm((MATCH, PERCEPTUAL, LATE), (TEXT,)),
    "energy": Arm((ENERGY,)),
    "mmd": Arm((MMD,)),
    "muon": Arm((), (MUON,)),
    "gan": Arm(plain=True),
    "gan_match": Arm((MATCH,), plain=True),
    "gan_text": Arm((), (TEXT,), plain=True),
    "gan_projected": Arm((), (PROJECTED,), plain=True),
    "gan_guidance": Arm((GUIDANCE,), plain=True),
    "gan_all": Arm((MATCH, GUIDANCE), (TEXT,), plain=True),
    "gan_energy": Arm((ENERGY,), plain=True),
    "gan_energy_features": Arm((ENERGY_FEATURES,), plain=True),
    "gan_mmd": Arm((MMD,), plain=True),
    "gan_eyes": Arm((), (EYES,), plain=True),
}


@dataclass(frozen=True)
class Setting:
    """A data set with the overrides of its runs and the numbers of its table.

    Attributes:
        words: overrides of every arm.
        pretraining: overrides for the pretraining of the encoders.
        losses: loss terms of every arm with a posterior.
        plain_losses: loss terms of every plain GAN.
        columns: heads of the table and the names of their numbers.
        captions: captions of the grids.
        metrics: overrides of `textgan test`; empty if judge.py evaluates.
        judge: overrides for the pretraining of the judge, which is not counted; empty without one.
    """

    words: tuple[str, ...]
    pretraining: tuple[str, ...]
    losses: tuple[str, ...]
    plain_losses: tuple[str, ...]
    columns: dict[str, str]
    captions: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    judge: tuple[str, ...] = ()


_SMALL = ("image_size=32", "data.batch_size=16")
_SCENES = {
    "losses": ("reconstruction", "kl_falling", "rpgan", "r1r2_light", "mismatch"),
    "plain_losses": ("rpgan", "r1r2_light", "mismatch"),
    "metrics": (
        "metric=[shape_alignment,shape_diversity,sharpness,fid_768]",
        "data.test_size=1000",
    ),
}
_ALL_RIGHT = {
    "all right": "shape_alignment/all",
    "seen pairs": "shape_alignment/all_seen",
    "held-out pairs": "shape_alignment/all_held_out",
}
_IMAGES = {
    "fid_768": "fid_768",
    "diversity": "shape_diversity/diversity",
    "sharpness": "sharpness",
}
SETTINGS = {
    "shapes": Setting(
        words=("experiment=demo",),
        pretraining=("experiment=clip_shapes32",),
        columns={**_ALL_RIGHT, "two objects": "shape_alignment/all_two", **_IMAGES},
        captions=(
            "a large red circle on a white background",
            "a small cyan ring on a gray background",
            "a large yellow star on a navy background",
            "a small pink cross on a black background",
            "a large blue square above a small red triangle on a white background",
            "a small orange star below a large green circle on a black background",
            "a large purple ring left of a large cyan square on a gray background",
            "a small green triangle right of a small yellow cross on a navy background",
        ),
        **_SCENES,
    ),
    "hard": Setting(
        words=("experiment=shapes64_hard",),
        pretraining=("experiment=clip_shapes64_hard",),
        columns={
            **_ALL_RIGHT,
            "one object": "shape_alignment/all_one",
            "colour": "shape_alignment/colour",
            "shape": "shape_alignment/shape",
            "texture": "shape_alignment/texture",
            "count": "shape_alignment/count",
            **_IMAGES,
        },
        captions=(
            "a large red circle on a white background",
            "a small striped yellow square on a navy background",
            "a large dotted blue star on a gray background",
            "a small orange ring on a black background",
            "a large pink star above a small dotted blue square on a black background",
            "a small green triangle in front of a large striped red circle on a white background",
            "a large cyan cross left of a large purple ring on a gray background",
            "a large striped green square below a small dotted purple cross on a navy background",
        ),
        **_SCENES,
    ),
    "emoji": Setting(
        words=(
            *("experiment=emoji64", *_SMALL),
            *("model.generator_optimizer.lr=1.5e-3", "model.discriminator_optimizer.lr=5e-4"),
        ),
        pretraining=("experiment=clip_emoji64", "image_size=32", "loss=[info_nce]"),
        losses=("reconstruction", "kl", "rpgan", "r1r2_light", "mismatch"),
        plain_losses=("rpgan", "r1r2_light", "mismatch"),
        columns={
            "R-precision": "r_precision",
            "of real images": "r_precision/real",
            "fid_768": "fid_768",
        },
        captions=(
            *("grinning face", "red heart", "tiger face", "woman running"),
            *("red apple", "pizza", "octopus", "full moon"),
        ),
        judge=(
            *("experiment=clip_emoji64", "image_size=32", "loss=[info_nce]"),
            *("image_encoder=vit", "seed=100"),
        ),
    ),
}
