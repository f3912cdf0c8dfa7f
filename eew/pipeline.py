"""The whole program on one screen: the stages in order."""
