"""One module for each reward component; the file's name is the registered name."""
