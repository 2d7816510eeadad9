"""Conversion of Hydra's errors about overrides to one sentence."""

import re

from omegaconf.errors import MissingMandatoryValue

from textgan.composition.conf_folder import choices
from textgan.composition.overrides import no_such_setting
from textgan.composition.text import is_sweep
from textgan.errors import did_you_mean

_NOISE = ("full_key:", "object_type", "reference_type", "Set the environment", "Config search")


def refusal(error: Exception, overrides: list[str]) -> str:
    """Return a sentence about an error of Hydra, a launcher or a sweeper outside of a job.

    It names those of the typed overrides that can cause such an error.
    """
    if isinstance(error, OSError) and error.filename is not None:
        return f"the run folder cannot be made: {error.filename!r}: {error.strerror}"
    settings = [o for o in overrides if re.match(r"[+~]*hydra[/.=]", o)]
    sweeps = [o for o in overrides if is_sweep(o.partition("=")[2])]
    reason = " ".join(_reasons(str(error))) or type(error).__name__
    return f"Hydra cannot work with {', '.join(settings or sweeps or ['this'])}: {reason}"


def sentence(error: Exception) -> str:
    """Return one sentence about an error of Hydra; common mistakes have their own sentences."""
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} must be given, as in {error.full_key}=..."
    message = "\n".join([str(error), str(error.__cause__ or "")])
    if found := re.search(r"Could not override '([^']+)'", message):
        return no_such_setting(found[1])
    if found := re.search(r"Could not (?:load|find) '([^']+)/([^']+)'", message):
        options = re.search(r"Available options in '[^']+':\n((?:\t.*\n?)*)", message)
        names = options[1].split() if options else choices().get(found[1], [])
        there = f"; there are {', '.join(names)}" if names else ""
        return f"no {found[1]} called {found[2]!r}{did_you_mean(found[2], names) or there}"
    if found := re.search(r"Ambiguous value for argument '\+*([^']+)'", message):
        return f"{found[1]} has several values: sweep over them with -m, or write [a,b] for a list"
    if found := re.search(r"Environment variable '([^']+)' not found", message):
        key = getattr(error, "full_key", None)
        other = f", or {key} given" if key else ""
        return f"the environment variable {found[1]} must be set{other}"
    message = re.sub(r"\b(Value|Type)Error raised while resolving interpolation: ", "", message)
    return " ".join(dict.fromkeys(_reasons(message)))


def _reasons(message: str) -> list[str]:
    lines = [line.strip() for line in message.splitlines()]
    return [line for line in lines if line and not line.startswith(_NOISE)]
