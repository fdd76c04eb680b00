// An agent on the official TypeScript SDK. It does what it is told on its standard input, one JSON object a line, and
// answers each on its standard output. What the SDK would show to a person comes as {"open": URL} before the answer.
//
// Nothing here knows OAuth but the loop that the SDK asks of every host: open the browser, wait for the redirect, and try
// again.

import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import { auth, extractWWWAuthenticateParams, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const settings = JSON.parse(process.argv[2]);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

// Where the browser comes back to: a port that the system chose, as every program on a desktop has it.
const answers = [];
let arrived = () => {};
const listener = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
    const ours = pathname === "/callback";
    response.writeHead(ours ? 200 : 404, { "content-type": "text/plain" });
    response.end(ours ? "The agent has your answer." : "");
    if (ours) {
        answers.push(Object.fromEntries(searchParams));
        arrived();
    }
});
listener.listen(0, "127.0.0.1");
await once(listener, "listening");
const redirectUrl = `http://127.0.0.1:${listener.address().port}/callback`;

const kept = { tokensReceived: 0 };
const provider = {
    redirectUrl,
    clientMetadataUrl: settings.client_metadata_url,
    clientMetadata: {
        client_name: settings.name,
        redirect_uris: [redirectUrl],
        grant_types: settings.grant_types,
        response_types: ["code"],
        token_endpoint_auth_method: "none",
    },
    state: () => (kept.state = crypto.randomUUID()),
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => {
        kept.tokens = tokens;
        kept.tokensReceived += 1;
    },
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    redirectToAuthorization: (url) => say({ open: url.href }),
    invalidateCredentials: (what) => {
        if (what === "all") delete kept.client;
        if (what === "all" || what === "tokens") delete kept.tokens;
    },
};

async function authorizationCode() {
    if (answers.length === 0) await new Promise((resolve) => (arrived = resolve));
    const { code, state, error } = answers.shift();
    if (state !== kept.state) throw new Error("another state came back");
    if (error) throw new Error(error);
    return code;
}

const url = new URL(settings.url);
let client;
let transport;
let challenge;

async function connect() {
    const fetchAndNote = async (...request) => {
        const response = await fetch(...request);
        if (response.status === 403) challenge = extractWWWAuthenticateParams(response);
        return response;
    };
    client = new Client({ name: settings.name, version: "1.0.0" });
    transport = new StreamableHTTPClientTransport(url, { authProvider: provider, fetch: fetchAndNote });
    await client.connect(transport);
}

async function allowed(action) {
    try {
        return await action();
    } catch (error) {
        if (error instanceof UnauthorizedError) {
            await transport.finishAuth(await authorizationCode());
        } else if (error.code === 403 && kept.tokens) {
            // The SDK has refreshed, which brings no more scope, and leaves the rest to its host.
            delete kept.tokens;
            await auth(provider, { serverUrl: url, ...challenge });
            await transport.finishAuth(await authorizationCode());
        } else {
            throw error;
        }
        return await action();
    }
}

const commands = {
    connect: async () => {
        await allowed(connect);
        return client.getServerVersion();
    },
    tools: async () => (await allowed(() => client.listTools())).tools.map((tool) => tool.name),
    call: async ({ tool, input }) => (await allowed(() => client.callTool({ name: tool, arguments: input }))).structuredContent,
    // The SDK does not look at a clock: that its token has expired is for the server to say.
    pass_time: async () => null,
    credentials: async () => ({
        client_id: kept.client?.client_id,
        scope: kept.tokens?.scope,
        can_refresh: kept.tokens?.refresh_token !== undefined,
        tokens_received: kept.tokensReceived,
    }),
};

for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
        say({ done: await commands[command.do](command) });
    } catch (error) {
        say({ failed: String(error) });
    }
}
process.exit();
