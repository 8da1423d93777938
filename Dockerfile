# BotFactory in one image: web server, Celery workers and beat differ by their command alone.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# Words added to the installation of torch. The plain package may bring gigabytes of GPU libraries;
# "--index-url <index of CPU builds>" chooses a build without them (see README).
ARG TORCH_PIP_ARGS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# torch first and alone, then the lock file: the slow layers change only when versions do.
RUN pip install torch==2.13.0 ${TORCH_PIP_ARGS}
COPY requirements.lock .
RUN pip install -r requirements.lock
# What optional parts need, such as "playwright>=1.65".
ARG PIP_PACKAGES=""
RUN if [ -n "$PIP_PACKAGES" ]; then pip install $PIP_PACKAGES; fi
COPY manage.py /app/
COPY botfactory /app/botfactory
COPY bots /app/bots
COPY ingestion /app/ingestion
COPY widget /app/widget
COPY frontend_static /app/frontend_static
RUN python -m compileall -q /app

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 botfactory \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin botfactory \
    && install -d -o botfactory -g botfactory /data
# Programs that optional parts need, such as "tesseract-ocr chromium".
ARG APT_PACKAGES=""
RUN if [ -n "$APT_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $APT_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/data/models \
    BOTFACTORY_DATA_DIR=/data
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8000
# Static files are collected by `serve` itself, into the data folder.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--no-worker"]
