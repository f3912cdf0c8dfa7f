"""The contract with integrators as files: JSON Schemas, AsyncAPI, and the rule that version 1 may only grow."""
