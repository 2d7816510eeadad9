"""The lowest versions that setup.cfg allows are those that `make test-lowest` tests."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = {"ruff", "playwright", "pytest-xdist"}  # used by contributors only


def named(text: str, sign: str) -> dict[str, str]:
    """Return the version after the sign for each package, whose name is written with dashes."""
    found = re.findall(rf"^([\w-]+)(?:\[[\w,]+\])?{sign}([\w.]+)", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = dict(CONFIG["options.extras_require"])
EXTRAS.pop("docs")  # builds the manual, which only contributors do
LISTS = {"install_requires": CONFIG["options"]["install_requires"], **EXTRAS}
LOWEST = named((ROOT / "constraints" / "lowest.txt").read_text(encoding="utf-8"), "==")


@pytest.mark.parametrize("where", LISTS)
def test_every_floor_is_what_the_lowest_versions_are(where):
    packages = [line for line in LISTS[where].splitlines() if line]
    floors = named("\n".join(packages), ">=")
    assert len(floors) == len(packages), "each package must have a lowest version"
    unproven = {n: v for n, v in floors.items() if n not in TOOLS and LOWEST.get(n) != v}
    assert unproven == {}


def test_no_lowest_version_is_of_a_package_that_nothing_needs():
    floors = {name for packages in LISTS.values() for name in named(packages, ">=")}
    assert {*LOWEST} <= floors


def test_the_extra_for_tests_has_what_all_others_have():
    needed = {
        n: v for name, e in EXTRAS.items() if name != "test" for n, v in named(e, ">=").items()
    }
    held = {**named(LISTS["install_requires"], ">="), **named(EXTRAS["test"], ">=")}
    assert {name: held.get(name) for name in needed} == needed


def test_a_version_of_hydra_that_instantiates_commands_is_not_allowed():
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    targets = ("os.system", "posix.system", "textgan.run.folder.subprocess.getoutput")
    for target in (*targets, "yaml.unsafe_load", "builtins.eval"):
        with pytest.raises(InstantiationException, match="blocklist"):
            instantiate({"_target_": target, "_args_": ["true"]})


def test_the_makefile_names_tests_that_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (names,) = re.findall(
        r"^LOWEST_TESTS = \$\(addprefix tests/,([^)]+)\)$", makefile, re.MULTILINE
    )
    assert len(names.split()) >= 15
    assert [name for name in names.split() if not (ROOT / "tests" / name).exists()] == []
