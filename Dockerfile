# The demo's bot, with its Discord and its users, for docker-compose.yml. Its servers are others' containers.
FROM python:3.11-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
COPY grafana/dashboards /source/grafana/dashboards
# chromadb-client is the half of chromadb that asks
RUN python -m venv /opt/whisperwatch \
    && /opt/whisperwatch/bin/pip install --no-cache-dir "/source[demo-bot,charts]" chromadb-client

FROM python:3.11-slim
COPY --from=build /opt/whisperwatch /opt/whisperwatch
RUN useradd --uid 10001 --no-create-home whisperwatch \
    && install -d -o whisperwatch /var/lib/whisperwatch /var/log/whisperwatch
USER whisperwatch
ENV PATH=/opt/whisperwatch/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 9091
# the users' Ctrl-C: they leave first
STOPSIGNAL SIGINT
ENTRYPOINT ["whisperwatch"]
CMD ["demo", "--port", "9091"]
