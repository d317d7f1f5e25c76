"""What fails on a cluster now: seen once for the terminal, or watched for ever."""
