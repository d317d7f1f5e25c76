"""People see incidents here: one message model, one thread per incident, one renderer per chat."""
