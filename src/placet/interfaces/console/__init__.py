"""The console: what officers, analysts and administrators ask of the whole installation."""
