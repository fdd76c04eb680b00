"""An agent on the official Python SDK.

It does what it is told on its standard input, one JSON object a line, and answers each on its standard output. What the SDK
would show to a person comes as {"open": URL} before the answer.
"""

import asyncio
import json
import sys
import time
from urllib.parse import parse_qsl, urlsplit

import httpx2
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata


def say(message):
    print(json.dumps(message), flush=True)


class Kept:
    """What the agent remembers: the storage that the SDK asks for."""

    tokens = None
    client = None
    tokens_received = 0

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens
        self.tokens_received += 1

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Callback:
    """Where the browser comes back to: a port that the system chose, as every program on a desktop has it."""

    def __init__(self):
        self.answers = asyncio.Queue()

    async def listen(self):
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        target = urlsplit(head.split(b" ")[1].decode())
        ours = target.path == "/callback"
        status, text = ("200 OK", "The agent has your answer.") if ours else ("404 Not Found", "")
        headers = f"content-type: text/plain\r\ncontent-length: {len(text)}\r\nconnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()
        if ours:
            await self.answers.put(dict(parse_qsl(target.query)))

    async def wait(self):
        answer = await self.answers.get()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))


def cause(error):
    """What is at the bottom of groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def read_line():
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def pass_time(seconds):
    """Makes it so much later for the SDK, which looks at the clock to see whether its token has expired."""
    now = time.time
    time.time = lambda: now() + seconds


async def open_browser(url):
    say({"open": url})


async def serve(session, kept, started):
    """Does what it is told, until there is nothing left to do or the connection is lost."""
    say({"done": started.server_info.model_dump(mode="json", exclude_none=True)})
    while line := await read_line():
        command = json.loads(line)
        try:
            match command["do"]:
                case "tools":
                    done = [tool.name for tool in (await session.list_tools()).tools]
                case "call":
                    done = (await session.call_tool(command["tool"], command["input"])).structured_content
                case "pass_time":
                    done = pass_time(command["seconds"])
                case "credentials":
                    tokens = kept.tokens
                    done = {
                        "client_id": kept.client and kept.client.client_id,
                        "scope": tokens and tokens.scope,
                        "can_refresh": bool(tokens and tokens.refresh_token),
                        "tokens_received": kept.tokens_received,
                    }
            say({"done": done})
        except Exception as error:
            say({"failed": cause(error)})


async def main():
    settings = json.loads(sys.argv[1])
    kept, callback = Kept(), Callback()
    await callback.listen()
    metadata = OAuthClientMetadata(
        client_name=settings["name"],
        redirect_uris=[callback.url],
        grant_types=settings["grant_types"],
        token_endpoint_auth_method="none",
    )
    provider = OAuthClientProvider(
        settings["url"],
        metadata,
        kept,
        redirect_handler=open_browser,
        callback_handler=callback.wait,
        client_metadata_url=settings.get("client_metadata_url"),
    )
    while line := await read_line():
        assert json.loads(line)["do"] == "connect"
        try:
            async with (
                httpx2.AsyncClient(auth=provider, timeout=60) as http,
                streamable_http_client(settings["url"], http_client=http) as (read, write),
                ClientSession(read, write) as session,
            ):
                await serve(session, kept, await session.initialize())
                return
        except Exception as error:
            say({"failed": cause(error)})


asyncio.run(main())
