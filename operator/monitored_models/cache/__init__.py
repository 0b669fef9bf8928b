"""Observed state by resource version: models, their children and pods, profiles, rejections. Pure."""
