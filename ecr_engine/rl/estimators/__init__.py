"""The advantage estimators, one file each."""
