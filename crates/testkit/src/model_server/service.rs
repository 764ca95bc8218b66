//! One request: recorded, routed, and answered as the script or the real server would.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, header};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::body::{Body, Cut, Step, Watch, chop, steps, streamed, with_end};
use super::generation::{self, Accepted, Refused};
use super::server::{State, lock};
use super::turn::Kind;
use super::wire::{Refusal, Wire, line};
use super::{Outcome, Recorded, Turn, conforming, facts, ollama};

/// Largest request.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// Serves one request. An error closes the connection without a word.
pub(super) async fn serve(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES)
        .collect()
        .await
        .map_err(|_| Cut)?
        .to_bytes();
    let path = head.uri.path().to_owned();
    let header = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    };
    let recorded = Recorded {
        method: head.method.to_string(),
        path: path.clone(),
        headers: head.headers.iter().map(header).collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        outcome: Outcome::Waiting,
    };
    let asked = recorded.clone();
    let watch = Watch::new(&state, recorded);
    let wire = wire_of(&asked);
    if let Some(turn) = state.at(&path) {
        return play(turn, wire, None, &asked.body, watch, None).await;
    }
    if let Some(refused) = without_key(&state, wire, &asked) {
        watch.set(Outcome::Answered);
        return Ok(refusal(wire, &refused));
    }
    if asked.is_generation() {
        return generate(&state, wire, &asked.body, watch).await;
    }
    if asked.path == "/api/pull" {
        let lines = facts::pull(&state, &asked.body);
        let steps = chop_lines(&lines);
        return Ok(response(
            200,
            wire.content_type(),
            streamed(steps, watch, None),
        ));
    }
    let answer = fact(&state, wire, &asked);
    watch.set(Outcome::Answered);
    Ok(answer.unwrap_or_else(|refused| refusal(wire, &refused)))
}

/// The list of models stands at one path in two protocols; the one names its version in a header.
fn wire_of(asked: &Recorded) -> Wire {
    let wire = Wire::of(&asked.path);
    if wire == Wire::Openai && asked.header("anthropic-version").is_some() {
        return Wire::Anthropic;
    }
    wire
}

/// The refusal of a request that has not the key that is wanted.
fn without_key(state: &State, wire: Wire, asked: &Recorded) -> Option<Refused> {
    let key = lock(&state.key).clone()?;
    let given = match wire {
        Wire::Anthropic => asked.header("x-api-key").map(str::to_owned),
        _ => asked
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::to_owned),
    };
    if given.as_deref() == Some(&key) {
        return None;
    }
    // OpenAI repeats the key that was given.
    let text = format!("Incorrect API key provided: {}.", given.unwrap_or_default());
    Some(Refused(401, text, "invalid_api_key"))
}

fn fact(state: &State, wire: Wire, asked: &Recorded) -> Result<Response<Body>, Refused> {
    let body = &asked.body;
    let path = asked.path.as_str();
    match (asked.method.as_str(), path) {
        ("GET" | "HEAD", "/") => Ok(text(200, "Ollama is running")),
        ("GET", "/api/version") => Ok(object(200, &facts::version())),
        ("GET", "/api/tags") => Ok(object(200, &facts::tags(state))),
        ("GET", "/api/ps") => Ok(object(200, &facts::ps(state))),
        ("GET", "/v1/models") if wire == Wire::Anthropic => {
            Ok(object(200, &facts::anthropic_models(state)))
        }
        ("GET", "/v1/models") => Ok(object(200, &facts::openai_models(state))),
        ("GET", path) if wire == Wire::Anthropic => {
            let name = path.strip_prefix("/v1/models/").unwrap_or_default();
            let model = generation::model_of(state, wire, &json!({ "model": name }))?;
            Ok(object(200, &facts::anthropic_model(&model)))
        }
        ("POST", "/api/show") => {
            let model = generation::model_of(state, wire, body)?;
            Ok(object(200, &facts::show(&model)))
        }
        ("POST", "/api/generate") => {
            let model = generation::model_of(state, wire, body)?;
            let asked = body["options"]["num_ctx"].as_u64().unwrap_or(4096);
            generation::load(state, &model, body, asked.min(model.context_length));
            Ok(object(200, &ollama::loaded(&model.name)))
        }
        ("POST", "/api/embed" | "/v1/embeddings") => {
            let model = generation::model_of(state, wire, body)?;
            if !model.can("embedding") {
                return Err(Refused::plainly(
                    400,
                    "this model does not support embeddings",
                ));
            }
            Ok(object(200, &facts::vectors(wire, &model, body)?))
        }
        _ => Ok(text(404, "404 page not found")),
    }
}

/// One generation, once the lane is free.
async fn generate(
    state: &Arc<State>,
    wire: Wire,
    body: &Value,
    watch: Watch,
) -> Result<Response<Body>, Cut> {
    let refuse = |watch: &Watch, refused: &Refused| {
        watch.set(Outcome::Answered);
        Ok(refusal(wire, refused))
    };
    if body.is_null() {
        return refuse(&watch, &Refused::plainly(400, "missing request body"));
    }
    if let Err(refused) = generation::model_of(state, wire, body) {
        return refuse(&watch, &refused);
    }
    let permit = Arc::clone(&state.lane).acquire_owned().await;
    let lane = permit.expect("the semaphore is never closed");
    watch.set(Outcome::Serving);
    let turn = state
        .next_turn(body)
        .unwrap_or_else(|| unscripted(wire, body));
    if !matches!(turn.kind, Kind::Answer(_)) {
        return play(turn, wire, None, body, watch, Some(lane)).await;
    }
    match generation::accept(state, wire, body) {
        Ok(accepted) => play(turn, wire, Some(accepted), body, watch, Some(lane)).await,
        Err(refused) => refuse(&watch, &refused),
    }
}

/// What a model answers when nothing is scripted: the smallest value of the schema, a call of the one tool there is,
/// or a word.
fn unscripted(wire: Wire, body: &Value) -> Turn {
    let tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let schema = match wire {
        Wire::Ollama | Wire::OllamaGenerate => &body["format"],
        Wire::Openai => &body["response_format"]["json_schema"]["schema"],
        Wire::Anthropic => match tools {
            [.., last] if !body["tool_choice"].is_null() => &last["input_schema"],
            _ => &Value::Null,
        },
    };
    match (schema, tools) {
        (schema @ Value::Object(_), _) => Turn::replies(conforming(schema).to_string()),
        (Value::String(_), _) => Turn::replies("{}"),
        (_, [tool]) => {
            let function = match wire {
                Wire::Anthropic => tool,
                _ => &tool["function"],
            };
            let parameters = match wire {
                Wire::Anthropic => &function["input_schema"],
                _ => &function["parameters"],
            };
            let name = function["name"].as_str().unwrap_or_default();
            Turn::calls_tools([("call_fake", name, conforming(parameters))])
        }
        _ => Turn::replies("ok"),
    }
}

/// Plays a turn.
async fn play(
    turn: Turn,
    wire: Wire,
    accepted: Option<Accepted>,
    body: &Value,
    watch: Watch,
    lane: Option<OwnedSemaphorePermit>,
) -> Result<Response<Body>, Cut> {
    if let Some(gate) = &turn.gate {
        gate.pass().await;
    }
    let kind = wire.content_type();
    match &turn.kind {
        Kind::Silence => std::future::pending().await,
        Kind::Slam => {
            watch.set(Outcome::Answered);
            Err(Cut)
        }
        Kind::Unending => {
            let steps = VecDeque::from([Step::Forever(wire.endless())]);
            Ok(response(200, kind, streamed(steps, watch, lane)))
        }
        Kind::Endless { line } => {
            let steps = VecDeque::from([Step::Forever(line.clone())]);
            Ok(response(200, kind, streamed(steps, watch, lane)))
        }
        Kind::Refusal {
            status,
            headers,
            text,
            code,
        } => {
            watch.set(Outcome::Answered);
            let said = wire.refusal(&Refusal {
                status: *status,
                text,
                code,
            });
            Ok(with_headers(object(*status, &said), headers))
        }
        Kind::Raw {
            status,
            headers,
            body,
        } => {
            let steps = with_end(chop(&turn.chopping, vec![body.clone()]), &turn.ending);
            let plain = Response::builder()
                .status(*status)
                .body(streamed(steps, watch, lane))
                .expect("a scripted status is valid");
            Ok(with_headers(plain, headers))
        }
        Kind::Answer(answer) => {
            let accepted = accepted.unwrap_or_else(|| unjudged(wire, body));
            if !accepted.streams {
                watch.set(Outcome::Answered);
                return Ok(object(200, &ollama::whole(&accepted, answer)));
            }
            let frames = wire.frames(&accepted, answer);
            let steps = steps(&turn, frames, |text| wire.error_frame(text));
            Ok(response(200, kind, streamed(steps, watch, lane)))
        }
    }
}

/// A generation at a scripted path: nothing about it was judged.
fn unjudged(wire: Wire, body: &Value) -> Accepted {
    Accepted {
        wire,
        model: body["model"].as_str().unwrap_or(super::MODEL).to_owned(),
        prompt_tokens: generation::count(body),
        context: u64::MAX,
        room: None,
        streams: true,
        counts: true,
        answer_tool: None,
    }
}

fn chop_lines(lines: &[Value]) -> VecDeque<Step> {
    lines.iter().map(|value| Step::Send(line(value))).collect()
}

fn refusal(wire: Wire, refused: &Refused) -> Response<Body> {
    let said = wire.refusal(&Refusal {
        status: refused.0,
        text: &refused.1,
        code: refused.2,
    });
    object(refused.0, &said)
}

fn object(status: u16, body: &Value) -> Response<Body> {
    whole(status, "application/json; charset=utf-8", body.to_string())
}

fn text(status: u16, body: &'static str) -> Response<Body> {
    whole(status, "text/plain; charset=utf-8", body.to_owned())
}

fn whole(status: u16, kind: &'static str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    response(status, kind, body.boxed_unsync())
}

fn response(status: u16, kind: &'static str, body: Body) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .expect("a status and one header are valid")
}

fn with_headers(mut response: Response<Body>, headers: &[(String, String)]) -> Response<Body> {
    for (name, value) in headers {
        let name = header::HeaderName::try_from(name).expect("a scripted header is valid");
        let value = header::HeaderValue::try_from(value).expect("a scripted header is valid");
        response.headers_mut().insert(name, value);
    }
    response
}
