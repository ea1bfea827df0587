"""Language models: the SDKs of OpenAI and Anthropic, which one generator has made, and which are watched alike."""
