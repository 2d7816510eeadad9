"""textgan trains small text-to-image GANs on your own captioned images."""

__version__ = "0.1.0"
