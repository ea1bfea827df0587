"""The hot path: cells, spans and providers. Records only; what leaves this process leaves by `ship`."""
