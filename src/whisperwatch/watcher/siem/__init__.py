"""Security events for the systems that collect them (SIEM): in their formats, exported or sent by syslog."""
