"""What every command needs of the system: signals, output files, secrets, memory, the end of tasks."""
