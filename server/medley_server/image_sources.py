"""Where pictures, sound and video of a request may come from: the request itself, or listed hosts.

vLLM fetches whatever URL a request names, from inside the network that it runs in. Here nothing is
fetched unless its host is listed; `medley_server.engine.media` holds to the same list at the moment
of connecting, when a name may lead elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medley_server.errors import FieldForbidden, ImageSourceForbidden
from medley_server.listed_hosts import HostRefused, ListedHosts

FLAG = "--image-hosts"

_CONTENTS = ("messages", "input", "previous_input_messages")
"""Fields of a request that may hold media; a function's schema may speak of URLs, too."""

_URLS = ("image_url", "video_url", "audio_url", "file_url")
_TENSORS = ("image_embeds", "audio_embeds", "video_embeds", "prompt_embeds", "image_pil")
"""Parts that vLLM, or the model's processor, unpacks itself: by torch.load, or as a file's name."""

_MEDIA = frozenset({*_URLS, *_TENSORS, "input_audio", "input_image"})


class ImageSources:
    """An allow-list; without hosts, only what stands in the request itself (data URLs) passes."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """Names, addresses and networks, as `ListedHosts` has them."""
        self.hosts = ListedHosts(hosts, flag=f"medley serve {FLAG}")

    def check(self, request: Mapping[str, Any]) -> None:
        """Looks at each part of the conversation.

        Raises:
            ImageSourceForbidden: a part comes from where nothing is fetched.
            FieldForbidden: a part names a cached one of anybody's, or is a tensor.
        """
        for part in _parts([request.get(name) for name in _CONTENTS]):
            kind = part.get("type")
            is_media = isinstance(kind, str) and kind in _MEDIA
            if not is_media and _MEDIA.isdisjoint(part):
                continue
            if part.get("uuid") is not None:
                raise FieldForbidden("uuid", "it would name what others have sent")
            for name in _TENSORS:
                if part.get(name) is not None:
                    raise FieldForbidden(name, "send the picture, sound or text itself")
            for name in _URLS:
                self._check_url(name, part.get(name))

    def _check_url(self, name: str, value: Any) -> None:
        url = value.get("url") if isinstance(value, dict) else value
        if not isinstance(url, str) or url[:5].lower() == "data:":
            return
        try:
            self.hosts.check(url)
        except HostRefused as error:
            raise ImageSourceForbidden(name, str(error)) from None


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, however deep; a stack, since a request may be deeper than Python's."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
