"""MQTT: bytes, links, reconnecting, and the embedded broker."""
