"""Programs that measure time, memory and the effect of design choices; README.md lists them."""
