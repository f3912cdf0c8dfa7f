"""5 Telling them."""
