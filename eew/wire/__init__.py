"""What stands on the wire: packets, topics, messages, signatures. Below the stages, above the records."""
