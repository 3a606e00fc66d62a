"""What `medley serve` is told about documents: their limits, and how many at a time."""

from dataclasses import dataclass

from medley_server.listed_hosts import check_list


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionSettings:
    """Limits of extraction.

    Attributes:
        max_upload_bytes: Longest document.
        max_pages: Most pages that are read of one.
        running: Documents worked on at a time.
        waiting: Documents that may wait for their turn; one more is refused.
        results_kept_s: How long a job's result can be had.
        patience_s: How long a caller waits in mode ``auto`` before there is a job.
        deadline_s: How long a caller waits in mode ``sync``.
        most_wait_s: The longest that a caller's own ``timeout_s`` may be.
        longest_s: How long one document may be worked on.
        callback_hosts: Names, addresses and networks that jobs may be posted to; none: nowhere.
        callback_key: Signs what is posted; none: it is not signed.
        ocr_workers: Processes that read pages; None for what suits the machine.
    """

    max_upload_bytes: int = 50_000_000
    max_pages: int = 100
    running: int = 4
    waiting: int = 64
    results_kept_s: float = 3600.0
    patience_s: float = 25.0
    deadline_s: float = 120.0
    most_wait_s: float = 600.0
    longest_s: float = 3600.0
    callback_hosts: tuple[str, ...] = ()
    callback_key: str | None = None
    ocr_workers: int | None = None

    def __post_init__(self) -> None:
        """Checks what is listed.

        Raises:
            CannotStart: One of the callback hosts is no name, address or network.
        """
        check_list(self.callback_hosts, flag="--callback-hosts")

    @property
    def rows(self) -> dict[str, float | int]:
        """The limits as `GET /health` tells them."""
        return {
            "max_upload_bytes": self.max_upload_bytes,
            "max_pages": self.max_pages,
            "patience_s": self.patience_s,
            "deadline_s": self.deadline_s,
            "results_kept_s": self.results_kept_s,
        }
