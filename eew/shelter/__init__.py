"""4 Where to go afterwards."""
