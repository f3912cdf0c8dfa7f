"""One file a wire format; each reads messages into EventReport."""
