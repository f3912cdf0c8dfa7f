"""The dispatcher that stays: ``eew dispatch``."""

from eew.dispatch.daemon.config import ConfigFile, read_config
from eew.dispatch.daemon.daemon import Daemon
from eew.dispatch.daemon.preparation import Prepared, prepare

__all__ = ["ConfigFile", "Daemon", "Prepared", "prepare", "read_config"]
