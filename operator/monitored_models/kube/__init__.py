"""The API server: requests to it, and which fields of an object this operator owns."""
