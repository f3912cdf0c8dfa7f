"""2 What each device will feel, and when."""
