"""AKS and ACR: who pulls, whether the registry lets it, and how the packets get there."""
