"""What happens next: alert, incident, diagnosis, proposal, approval, execution, verification, undo."""
