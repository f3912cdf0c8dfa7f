"""The records between the stages, and what they are made of: profiles, errors, clock, units."""
