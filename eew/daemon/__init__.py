"""The dispatcher that stays: ``eew dispatch``."""

from eew.daemon.config import ConfigFile, read_config
from eew.daemon.daemon import Daemon
from eew.daemon.preparation import Prepared, prepare

__all__ = ["ConfigFile", "Daemon", "Prepared", "prepare", "read_config"]
