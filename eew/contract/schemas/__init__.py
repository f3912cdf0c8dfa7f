"""The contract in files: JSON Schemas and the AsyncAPI document."""
