"""What is compared, and on which data."""

from dataclasses import dataclass

MATCH, PERCEPTUAL = "match", "perceptual"
GUIDANCE, LATE = "alignment_guidance", "alignment_guidance_late"
TEXT, PROJECTED = "text_encoder=bert_pretrained", "discriminator=projected"


@dataclass(frozen=True)
class Arm:
    """Loss terms and other words added to those of all arms; whether it plays without a VAE."""

    terms: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plain: bool = False

    @property
    def uses_encoders(self) -> bool:
        """Whether its seconds are less those of pretraining."""
        return bool(self.words) or bool({GUIDANCE, LATE, PERCEPTUAL} & set(self.terms))


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
    "gan": Arm(plain=True),
    "gan_match": Arm((MATCH,), plain=True),
    "gan_text": Arm((), (TEXT,), plain=True),
    "gan_projected": Arm((), (PROJECTED,), plain=True),
    "gan_guidance": Arm((GUIDANCE,), plain=True),
    "gan_all": Arm((MATCH, GUIDANCE), (TEXT,), plain=True),
}


@dataclass(frozen=True)
class Setting:
    """A data set: what its runs are composed of, and which numbers count.

    Attributes:
        words: of every arm.
        pretraining: of the encoders.
        losses: of every arm, and of those that play without a VAE.
        plain_losses: of the latter.
        columns: what the table shows -> the number's name.
        captions: what every arm draws for the grids.
        metrics: what `textgan test` is told; empty where judge.py judges.
        judge: what the judge is pretrained as, in seconds of its own; empty where there is none.
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
_PICTURES = {
    "fid_768": "fid_768",
    "diversity": "shape_diversity/diversity",
    "sharpness": "sharpness",
}
SETTINGS = {
    "shapes": Setting(
        words=("experiment=demo",),
        pretraining=("experiment=clip_shapes32",),
        columns={**_ALL_RIGHT, "two objects": "shape_alignment/all_two", **_PICTURES},
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
            **_PICTURES,
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
            "of real pictures": "r_precision/real",
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
