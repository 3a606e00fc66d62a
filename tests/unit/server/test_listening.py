import asyncio
import socket

from medley_server.listening import undelayed


async def test_answers_leave_at_once_on_connections_of_a_socket_made_without_a_protocol() -> None:
    bare = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bare.bind(("127.0.0.1", 0))
    address = bare.getsockname()
    seen = asyncio.get_running_loop().create_future()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made = writer.get_extra_info("socket")
        seen.set_result(made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(answer, sock=undelayed(bare)):
        _, writer = await asyncio.open_connection(*address)
        assert await seen == 1
        writer.close()
