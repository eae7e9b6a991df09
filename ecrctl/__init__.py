"""The command line: it parses, shows and exits. Everything that is computed is computed by `ecr_engine`."""
