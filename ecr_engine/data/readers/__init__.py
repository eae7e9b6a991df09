"""Data readers, one a file (`ecr_engine.data.reader.READERS`)."""
