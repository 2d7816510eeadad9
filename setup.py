"""Packages of the distribution; all else is in setup.cfg. `conf/` is installed as textgan.conf."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["textgan", "textgan.*"]), "textgan.conf"])
