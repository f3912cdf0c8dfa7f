"""MQTT: bytes, connections, reconnecting, and the embedded broker."""
