"""A run on disk: folder, record, lock, events, checkpoints, addresses, trackers."""
