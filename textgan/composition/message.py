"""What Hydra says of a wrong override, as one sentence."""

import re

from omegaconf.errors import MissingMandatoryValue

from textgan.composition.conf_folder import choices
from textgan.composition.overrides import no_such_setting
from textgan.composition.text import is_sweep
from textgan.errors import did_you_mean

_NOISE = ("full_key:", "object_type", "reference_type", "Set the environment", "Config search")


def refusal(error: Exception, overrides: list[str]) -> str:
    """One sentence on what Hydra, a launcher or a sweeper raised outside of a job.

    Args:
        error: what was raised.
        overrides: what was typed: the ones that such an error can come from are named.
    """
    if isinstance(error, OSError) and error.filename is not None:
        return f"the run folder cannot be made: {error.filename!r}: {error.strerror}"
    settings = [o for o in overrides if re.match(r"[+~]*hydra[/.=]", o)]
    sweeps = [o for o in overrides if is_sweep(o.partition("=")[2])]
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith(_NOISE)]
    said = " ".join(kept) or type(error).__name__
    return f"Hydra cannot work with {', '.join(settings or sweeps or ['this'])}: {said}"


def sentence(error: Exception) -> str:
    """One sentence, ours where the mistake is a common one."""
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} must be given, as in {error.full_key}=..."
    said = "\n".join([str(error), str(error.__cause__ or "")])
    if found := re.search(r"Could not override '([^']+)'", said):
        return no_such_setting(found[1])
    if found := re.search(r"Could not load '([^'/]+)/([^']+)'", said):
        names = choices().get(found[1], [])
        there = f"; there are {', '.join(names)}" if names else ""
        return f"no {found[1]} called {found[2]!r}{did_you_mean(found[2], names) or there}"
    if found := re.search(r"Could not find '([^']+)/([^']+)'", said):
        options = re.search(r"Available options in '[^']+':\n((?:\t.*\n?)*)", said)
        names = options[1].split() if options else []
        there = f"; there are {', '.join(names)}" if names else ""
        return f"no {found[1]} called {found[2]!r}{did_you_mean(found[2], names) or there}"
    if found := re.search(r"Ambiguous value for argument '\+*([^']+)'", said):
        return (
            f"{found[1]} names several values: sweep over them with -m, or write [a,b] for a list"
        )
    if found := re.search(r"Environment variable '([^']+)' not found", said):
        key = getattr(error, "full_key", None)
        other = f", or {key} given" if key else ""
        return f"the environment variable {found[1]} must be set{other}"
    said = re.sub(r"\b(Value|Type)Error raised while resolving interpolation: ", "", said)
    lines = [line.strip() for line in said.splitlines()]
    kept = [line for line in lines if line and not line.startswith(_NOISE)]
    return " ".join(dict.fromkeys(kept))
