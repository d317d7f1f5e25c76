"""`pullbot demo`: simulated clusters and clouds on this machine."""
