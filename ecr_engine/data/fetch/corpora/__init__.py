"""One module a corpus; `build()` returns its `Corpus`."""
