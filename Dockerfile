# The chapters in JupyterLab where nothing is installed: docker build -t sketchlib . && docker run -p 8888:8888 sketchlib
# Services that open a repository by its Dockerfile give NB_UID and call `jupyter`, which is on the path.
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends make git chromium && rm -rf /var/lib/apt/lists/*
ARG NB_USER=reader
ARG NB_UID=1000
RUN useradd --create-home --uid ${NB_UID} ${NB_USER} && install -d -o ${NB_UID} /srv/sketchlib
USER ${NB_USER}
WORKDIR /srv/sketchlib
COPY --chown=${NB_UID} . .
RUN PIP_NO_CACHE_DIR=1 make .venv/.installed
ENV PATH=/srv/sketchlib/.venv/bin:${PATH}
EXPOSE 8888
CMD ["make", "lab", "LAB=--ip=0.0.0.0 --no-browser"]
