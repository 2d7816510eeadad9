"""Hydra's half of the command line; nothing else imports hydra."""
