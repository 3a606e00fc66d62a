"""Fuzzes the reader of adapter_config.json.

python -m tests.fuzz.adapter_config --seconds 60
"""

from tests.fuzz.driver import fuzz

if __name__ == "__main__":
    fuzz("adapter_config", "check_config")
