"""The names of the files in a run's folder; torch is not needed to know them."""

EVENTS = "events.jsonl"
BEST, LAST = "best.safetensors", "last.safetensors"
STOP_FILE = "stop"  # whoever wants the run to end well creates it
RUN_FILE = "run.json"  # what the window knows of a run: its name, its command, its process
