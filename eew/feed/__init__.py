"""1 Where reports come from."""
