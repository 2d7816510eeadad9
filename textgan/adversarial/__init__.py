"""The turns of generator and discriminator."""
