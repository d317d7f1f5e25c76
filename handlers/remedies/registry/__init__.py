"""What is done about registries of any kind, and the way to them: by people, as it is not ours to do."""
