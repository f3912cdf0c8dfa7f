"""One frozen ``Settings`` from TOML, environment and options; read at the edge and nowhere deeper."""
