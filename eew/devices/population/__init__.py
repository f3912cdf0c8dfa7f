"""Where simulated devices are: made, imported, stored."""
