"""The formulas, each once: of a number on a device, and of a column at the dispatcher. Free of numpy."""
