"""Slack: the chat's port, what people do there, and who they are."""
