"""Project glue and the foundation that every app stands on."""

from botfactory.celery import app as celery_app

__all__ = ["celery_app"]
