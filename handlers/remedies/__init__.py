"""One file, one remedy, found without registration: see ``handlers/remedies/aws/attach_pull_policy.py``."""
