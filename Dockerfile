# Two stages: what builds does not ship. Nothing is compiled or written at run time, so the root may be read-only.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/pullbot
COPY requirements.lock /tmp/requirements.lock
RUN /opt/pullbot/bin/pip install --require-hashes --no-deps -r /tmp/requirements.lock
COPY checks /opt/pullbot/app/checks
COPY handlers /opt/pullbot/app/handlers
COPY bot /opt/pullbot/app/bot
# unchecked-hash: Python trusts the compiled files without looking at the sources' times.
RUN /opt/pullbot/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/pullbot/lib /opt/pullbot/app \
 && /opt/pullbot/bin/pip uninstall --yes --quiet pip

FROM python:3.12-slim
LABEL org.opencontainers.image.title=pullbot org.opencontainers.image.licenses=Apache-2.0
COPY LICENSE /usr/share/licenses/pullbot/LICENSE
COPY --from=build /opt/pullbot /opt/pullbot
ENV PATH=/opt/pullbot/bin:$PATH PYTHONPATH=/opt/pullbot/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run", "--config", "/etc/pullbot/pullbot.yaml"]
