"""The terminal: commands that print. Each module offers ``add_arguments`` and ``run``."""
