"""The knowledge graph: what movies are about, who made them, and which of it a text mentions."""
