"""How messages of a feed come in: each transport is an async generator of messages and signs of life."""
