"""Settings for tests: the real ones, on a scratch data directory and without shared services."""

import os
import tempfile

os.environ["BOTFACTORY_DATA_DIR"] = tempfile.mkdtemp(prefix="botfactory-tests-")
for _name in ("DATABASE_URL", "REDIS_URL", "ENGINE_URL", "ENGINE_KIND"):
    os.environ.pop(_name, None)

from botfactory.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# A real Qdrant server is used by the store's contract tests alone.
QDRANT_URL = ""
LOGGING_CONFIG = None
CELERY_TASK_ALWAYS_EAGER = True
