"""One module for each judge; the file's name is the registered name."""
