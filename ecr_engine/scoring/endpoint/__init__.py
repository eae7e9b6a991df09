"""Judges behind an OpenAI-compatible endpoint: vLLM, Ollama, llama.cpp, or a service."""
