"""The Deployment of a model, and the objects that belong to its pods."""
