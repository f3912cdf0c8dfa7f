"""The dispatcher that stays: ``eew dispatch``."""

from eew.daemon.config import ConfigFile, read_config
from eew.daemon.daemon import Daemon

__all__ = ["ConfigFile", "Daemon", "read_config"]
