"""How fast pullbot is, as ratios within one run: `make bench`."""
