"""What vLLM mixes into its worker (`--worker-extension-cls`).

The server calls it in each worker (`collective_rpc`).
"""

from medley_server.engine.adapter_staging import AdapterStaging
from medley_server.engine.memory_probe import MemoryProbe


class WorkerExtension(MemoryProbe, AdapterStaging):
    """All of it: vLLM takes one class."""
