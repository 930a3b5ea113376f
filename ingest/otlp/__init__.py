"""The OpenTelemetry protocol: decoding requests here, understanding their attributes in `dialects`."""
