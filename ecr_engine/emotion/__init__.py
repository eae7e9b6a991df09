"""What the seeker feels and how a response shows empathy, by word lists."""
