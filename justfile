# The one door for people and for CI. `just` lists what there is.

default:
    @just --list

# Run everything on this machine: embedded NATS, HTTP on port 8000 (just up --port 9000)
up *options:
    faststream run app.main:app {{options}}

# Run the tests, three files at a time: most of them wait (just test tests/unit -k subject)
test *options:
    pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder {{options}}

# Ask a running app whatever comes to mind, so many requests of each kind (just fuzz 500)
fuzz examples="200":
    FUZZ_EXAMPLES={{examples}} pytest -s tests/acceptance/test_schemathesis.py tests/acceptance/test_fuzz.py

# Lint, types, import contracts, streams
check:
    ruff check .
    ruff format --check .
    mypy
    lint-imports
    python -m streams check

# Mend what the linter and the formatter can
format:
    ruff check --fix .
    ruff format .

# Measure, each figure against a floor of the same run (just bench ingress --quick)
bench *options:
    python -m tests.bench {{options}}

# Look at a file of receivers and routes (just notify-check FILE --severity error --data '{"cluster": "prod"}')
[positional-arguments]
notify-check file *options:
    python -m app.notify_check "$@"

# Show what streams-apply would change on the server at EVENT_ENDPOINT
streams-plan *options:
    python -m streams plan {{options}}

# Make NATS hold what the code says
streams-apply *options:
    python -m streams apply {{options}}

# Write the AsyncAPI document to asyncapi.json
docs:
    faststream docs gen app.main:app --out asyncapi.json

# Write the pinned requirements: what CI installs, what the image holds, and what builds it
lock:
    uv lock --upgrade
    uv export --no-header --no-annotate --output-file requirements.txt
    uv export --no-header --no-annotate --no-dev --output-file deploy/requirements.txt
    echo setuptools | uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate - \
        --output-file deploy/requirements-build.txt

# Take the steps of the image here, without a Docker engine, and run the app from what they make
image-steps:
    IMAGE_STEPS=1 pytest tests/deploy/test_image_steps.py
