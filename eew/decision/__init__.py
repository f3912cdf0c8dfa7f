"""3 Whom to tell, in which order."""
