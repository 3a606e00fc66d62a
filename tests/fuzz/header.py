"""Fuzzes the reader of safetensors headers; what it takes must be what the library reads.

python -m tests.fuzz.header --seconds 60
"""

from tests.fuzz.driver import fuzz

if __name__ == "__main__":
    fuzz("header", "check_header")
