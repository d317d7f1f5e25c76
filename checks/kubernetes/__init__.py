"""What the Kubernetes API says about the pod, its node, its secrets and its recovery."""
