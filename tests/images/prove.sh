#!/usr/bin/env bash
# Proves without a container engine that both images build and that a job of each runs under /opt/ml.
#
# Needs root, buildah and debootstrap (Debian packages). The base image is a small Debian made by debootstrap, given to the
# Dockerfiles by their build argument; builds and jobs run in a chroot. Usage: tests/images/prove.sh [WORK_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-$(mktemp -d)}
mkdir -p "$work"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
python=${PYTHON:-.venv/bin/python}

for program in buildah debootstrap; do
  command -v "$program" >/dev/null || { echo "Expected the program $program, found none: install the Debian package $program." >&2; exit 2; }
done

base=localhost/trainyard-base
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates bookworm "$work/root" >"$work/debootstrap.log"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$work/root" / >/dev/null
  # Debian guards its own Python packages; this image has no others to guard.
  buildah config --env PIP_BREAK_SYSTEM_PACKAGES=1 --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "$base" >/dev/null
fi

# The certificates of this machine, so that a build behind an inspecting proxy reaches its package index.
certificates=/etc/ssl/certs/ca-certificates.crt
for name in processing training; do
  echo "== building the $name image"
  "$python" -m infra.sources "$work/context-$name" "${name}_container"
  time buildah bud --quiet --build-arg BASE_IMAGE="$base" --volume "$certificates:$certificates:ro" \
    --env PIP_CERT="$certificates" --tag "localhost/trainyard-$name" \
    --file "$work/context-$name/${name}_container/Dockerfile" "$work/context-$name" >/dev/null
done

run_job() { # image, folder that becomes /opt/ml, arguments as SageMaker passes them
  local container
  container=$(buildah from "localhost/trainyard-$1")
  # buildah run takes a whole command: the image's own entry point comes first, as in SageMaker.
  mapfile -t entrypoint < <(buildah inspect --format '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}' "$container" | grep .)
  buildah run --volume "$2:/opt/ml" "$container" -- "${entrypoint[@]}" "${@:3}"
  buildah rm "$container" >/dev/null
}

echo "== inputs of the jobs"
"$python" -m tests.images.inputs "$work/jobs"
echo "== process"
run_job processing "$work/jobs/process" process
"$python" -m tests.images.inputs "$work/jobs" --train
echo "== train"
run_job training "$work/jobs/train" train
"$python" -m tests.images.inputs "$work/jobs" --check
echo "== serve"
# A chroot has this machine's network, so the service is told to stay on loopback.
port=${PORT:-18180}
container=$(buildah from localhost/trainyard-training)
mapfile -t entrypoint < <(buildah inspect --format '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}' "$container" | grep .)
buildah run --env TRAINYARD_HOST=127.0.0.1 --env SAGEMAKER_BIND_TO_PORT="$port" --volume "$work/jobs/train/model:/opt/ml/model:ro" \
  "$container" -- "${entrypoint[@]}" serve &
service=$!
"$python" -m tests.images.inputs "$work/jobs" --ask="$port"
kill "$service"
wait "$service" || true
buildah rm "$container" >/dev/null
echo "Both images build and run their jobs, and the training image serves."
