"""The Deployment of a model and the objects around its pods."""
