"""The API server client, and which fields of an object this operator owns."""
