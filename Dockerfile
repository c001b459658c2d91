# JupyterLab on the lessons, with the offline service and the tool server beside it: one container
# for one learner. How to use it, and what it keeps apart: docs/elsewhere.md.
FROM python:3.11-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1

# JupyterLab's token gives a shell here, so it must not run as root.
RUN useradd --create-home --uid 1000 learner
WORKDIR /workshop
RUN chown learner:learner /workshop

# A seat needs the engine of lesson 09, since a room may have no network. A team's service needs
# "[engines,trackers]".
ARG EXTRAS="[engines]"
COPY --chown=learner:learner . .
RUN pip install --constraint constraints.txt --editable ".${EXTRAS}"

USER 1000

# Made here, so that a volume in their place belongs to the user.
RUN mkdir /home/learner/state /home/learner/engine

# The state (the service's key, its database, logs) is kept apart from what a learner edits.
ENV BUILDHOUR_HOME=/home/learner/state

# Only JupyterLab is reached from outside, and it asks for a token: JUPYTER_TOKEN, or a random one
# that the log shows. The two servers stay on the container's 127.0.0.1.
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api')"]
CMD ["buildhour", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
