"""One module for each empathy recogniser that needs no training; the file's name is the registered name."""
