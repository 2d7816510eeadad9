"""The YAML files that `textgan` composes; installed as textgan.conf."""
