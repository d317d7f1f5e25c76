"""Clouds and clusters behind ports: the only modules that import their SDKs."""
