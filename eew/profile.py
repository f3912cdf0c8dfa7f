"""Region profiles: read from ``profiles/*.toml`` into ``model.Profile``."""
