"""Vector stores: Chroma and Qdrant, on a server or in the bot's process. No document, embedding, metadata or id."""
