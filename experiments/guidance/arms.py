"""What is compared, and on which data."""

from dataclasses import dataclass

MATCH, GUIDANCE, PERCEPTUAL = "match", "alignment_guidance", "perceptual"
TEXT = "text_encoder=bert_pretrained"


@dataclass(frozen=True)
class Arm:
    """Loss terms and other words added to those of all arms; whether it plays without a VAE."""

    terms: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plain: bool = False

    @property
    def uses_encoders(self) -> bool:
        """Whether its seconds are less those of pretraining."""
        return bool(self.words) or bool({GUIDANCE, PERCEPTUAL} & set(self.terms))


ARMS = {
    "vae_gan": Arm(),
    "match": Arm((MATCH,)),
    "perceptual": Arm((PERCEPTUAL,)),
    "text": Arm((), (TEXT,)),
    "guidance": Arm((GUIDANCE,)),
    "all": Arm((MATCH, PERCEPTUAL, GUIDANCE), (TEXT,)),
    "gan": Arm(plain=True),
    "gan_match": Arm((MATCH,), plain=True),
    "gan_text": Arm((), (TEXT,), plain=True),
    "gan_guidance": Arm((GUIDANCE,), plain=True),
    "gan_all": Arm((MATCH, GUIDANCE), (TEXT,), plain=True),
}


@dataclass(frozen=True)
class Setting:
    """A data set: its experiments, what they are changed by, and which numbers count."""

    experiment: str
    pretraining: str
    losses: tuple[str, ...]
    plain_losses: tuple[str, ...]
    metrics: tuple[str, ...]
    columns: dict[str, str]


SETTINGS = {
    "shapes": Setting(
        "demo",
        "clip_shapes32",
        ("reconstruction", "kl_falling", "rpgan", "r1r2_light", "mismatch"),
        ("rpgan", "r1r2_light", "mismatch"),
        ("metric=[shape_alignment,shape_diversity,sharpness,fid_768]", "data.test_size=1000"),
        {
            "all right": "shape_alignment/all",
            "seen pairs": "shape_alignment/all_seen",
            "held-out pairs": "shape_alignment/all_held_out",
            "two objects": "shape_alignment/all_two",
            "fid_768": "fid_768",
            "diversity": "shape_diversity/diversity",
            "sharpness": "sharpness",
        },
    ),
}
