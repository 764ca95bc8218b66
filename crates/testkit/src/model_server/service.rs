//! One request: recorded, routed, and answered as the script or Ollama would.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, header};
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::generation::{self, Accepted, Refused};
use super::server::State;
use super::turn::{Answer, Chopping, Ending, Kind};
use super::{Gate, Outcome, Recorded, Turn, conforming, facts};

/// The connection is to be cut.
#[derive(Debug)]
pub(super) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut, as scripted")
    }
}

impl std::error::Error for Cut {}

type Body = UnsyncBoxBody<Bytes, Cut>;

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
    let recorded = Recorded {
        method: head.method.to_string(),
        path: path.clone(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        outcome: Outcome::Waiting,
    };
    let body = recorded.body.clone();
    let generates = recorded.is_generation();
    let watch = Watch::new(&state, recorded);
    if let Some(turn) = state.at(&path) {
        return play(turn, None, &body, watch, None).await;
    }
    if generates {
        return generate(&state, &path, &body, watch).await;
    }
    let answer = fact(&state, head.method.as_str(), &path, &body);
    watch.set(Outcome::Answered);
    Ok(answer)
}

fn fact(state: &State, method: &str, path: &str, body: &Value) -> Response<Body> {
    match (method, path) {
        ("GET" | "HEAD", "/") => text(200, "Ollama is running"),
        ("GET", "/api/version") => object(200, &facts::version()),
        ("GET", "/api/tags") => object(200, &facts::tags(state)),
        ("GET", "/api/ps") => object(200, &facts::ps(state)),
        ("POST", "/api/show") => match generation::model_of(state, body) {
            Ok(model) => object(200, &facts::show(&model)),
            Err(refused) => refusal(&refused),
        },
        ("POST", "/api/embed") => match generation::model_of(state, body) {
            Ok(model) if model.can("embedding") => object(200, &facts::embed(body)),
            Ok(_) => refusal(&Refused(
                400,
                "this model does not support embeddings".to_owned(),
            )),
            Err(refused) => refusal(&refused),
        },
        _ => text(404, "404 page not found"),
    }
}

/// One generation, once the lane is free.
async fn generate(
    state: &Arc<State>,
    path: &str,
    body: &Value,
    watch: Watch,
) -> Result<Response<Body>, Cut> {
    if body.is_null() {
        watch.set(Outcome::Answered);
        return Ok(refusal(&Refused(400, "missing request body".to_owned())));
    }
    if let Err(refused) = generation::model_of(state, body) {
        watch.set(Outcome::Answered);
        return Ok(refusal(&refused));
    }
    let lane = Arc::clone(&state.lane).lock_owned().await;
    watch.set(Outcome::Serving);
    let turn = state.next_turn(body).unwrap_or_else(|| unscripted(body));
    if !matches!(turn.kind, Kind::Answer(_)) {
        return play(turn, None, body, watch, Some(lane)).await;
    }
    match generation::accept(state, path, body) {
        Ok(accepted) => play(turn, Some(accepted), body, watch, Some(lane)).await,
        Err(refused) => {
            watch.set(Outcome::Answered);
            Ok(refusal(&refused))
        }
    }
}

/// What a model answers when nothing is scripted: the smallest value of the schema, or a word.
fn unscripted(body: &Value) -> Turn {
    match &body["format"] {
        schema @ Value::Object(_) => Turn::replies(conforming(schema).to_string()),
        Value::String(_) => Turn::replies("{}"),
        _ => Turn::replies("ok"),
    }
}

/// Plays a turn.
async fn play(
    turn: Turn,
    accepted: Option<Accepted>,
    body: &Value,
    watch: Watch,
    lane: Option<OwnedMutexGuard<()>>,
) -> Result<Response<Body>, Cut> {
    if let Some(gate) = &turn.gate {
        gate.pass().await;
    }
    let (status, headers, steps) = match &turn.kind {
        Kind::Silence => {
            std::future::pending::<()>().await;
            return Err(Cut);
        }
        Kind::Slam => {
            watch.set(Outcome::Answered);
            return Err(Cut);
        }
        Kind::Endless { line } => (200, ndjson(), VecDeque::from([Step::Forever(line.clone())])),
        Kind::Raw {
            status,
            headers,
            body,
        } => {
            let steps = chop(&turn.chopping, vec![body.clone()]);
            (*status, headers.clone(), with_end(steps, &turn.ending))
        }
        Kind::Answer(answer) => {
            let accepted = accepted.unwrap_or_else(|| Accepted {
                model: body["model"].as_str().unwrap_or(super::MODEL).to_owned(),
                prompt_tokens: 1,
                context: u64::MAX,
                room: None,
                chats: true,
                streams: true,
            });
            if !accepted.streams {
                watch.set(Outcome::Answered);
                return Ok(object(200, &accepted.whole(answer)));
            }
            (200, ndjson(), answer_steps(&turn, &accepted, answer))
        }
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response
        .body(streamed(steps, watch, lane))
        .expect("a scripted status and headers are valid"))
}

fn ndjson() -> Vec<(String, String)> {
    vec![("content-type".to_owned(), "application/x-ndjson".to_owned())]
}

fn answer_steps(turn: &Turn, accepted: &Accepted, answer: &Answer) -> VecDeque<Step> {
    let lines = generation::sent_before(&turn.ending, accepted.lines(answer));
    let mut lines: Vec<Bytes> = lines
        .iter()
        .map(|line| Bytes::from(format!("{line}\n")))
        .collect();
    let mut steps = VecDeque::new();
    if let Some((count, gate)) = &turn.gap {
        let rest = lines.split_off((*count).min(lines.len()));
        steps.extend(chop(&turn.chopping, lines));
        steps.push_back(Step::Wait(gate.clone()));
        lines = rest;
    }
    steps.extend(chop(&turn.chopping, lines));
    with_end(steps, &turn.ending)
}

fn with_end(mut steps: VecDeque<Step>, ending: &Ending) -> VecDeque<Step> {
    match ending {
        Ending::Cut(_) => steps.push_back(Step::Cut),
        Ending::Hang(_) => steps.push_back(Step::Hang),
        Ending::Done | Ending::Quiet(_) | Ending::Error(..) => {}
    }
    steps
}

fn chop(chopping: &Chopping, lines: Vec<Bytes>) -> VecDeque<Step> {
    let pieces: Vec<Bytes> = match chopping {
        Chopping::Lines => lines,
        Chopping::Every(size) => {
            let all = lines.concat();
            all.chunks(*size).map(Bytes::copy_from_slice).collect()
        }
        Chopping::At(offsets) => {
            let mut rest = Bytes::from(lines.concat());
            let mut pieces = Vec::new();
            let mut start = 0;
            for offset in offsets {
                let at = offset.saturating_sub(start).min(rest.len());
                pieces.push(rest.split_to(at));
                start += at;
            }
            pieces.push(rest);
            pieces
        }
    };
    pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .map(Step::Send)
        .collect()
}

/// What a streamed body does next.
enum Step {
    Send(Bytes),
    Wait(Gate),
    Forever(Bytes),
    Hang,
    Cut,
}

/// A body that plays its steps. The lane is held until it ends or its client goes away.
fn streamed(steps: VecDeque<Step>, watch: Watch, lane: Option<OwnedMutexGuard<()>>) -> Body {
    let playing = stream::unfold(
        (steps, watch, lane),
        |(mut steps, watch, lane)| async move {
            loop {
                match steps.pop_front() {
                    None => {
                        watch.set(Outcome::Answered);
                        return None;
                    }
                    Some(Step::Send(piece)) => {
                        // The client may close as soon as it has the last piece; that is no early leave.
                        if steps.is_empty() {
                            watch.set(Outcome::Answered);
                        }
                        return Some((Ok(Frame::data(piece)), (steps, watch, lane)));
                    }
                    Some(Step::Wait(gate)) => gate.pass().await,
                    Some(Step::Forever(piece)) => {
                        tokio::task::yield_now().await;
                        steps.push_front(Step::Forever(piece.clone()));
                        return Some((Ok(Frame::data(piece)), (steps, watch, lane)));
                    }
                    Some(Step::Hang) => std::future::pending().await,
                    Some(Step::Cut) => {
                        watch.set(Outcome::Answered);
                        return Some((Err(Cut), (steps, watch, lane)));
                    }
                }
            }
        },
    );
    BodyExt::boxed_unsync(StreamBody::new(playing))
}

/// Keeps the record of one request true: dropped before its end, its client is gone.
struct Watch {
    state: Arc<State>,
    number: usize,
    has_ended: std::cell::Cell<bool>,
}

impl Watch {
    fn new(state: &Arc<State>, recorded: Recorded) -> Self {
        let number = state.record(recorded);
        Self {
            state: Arc::clone(state),
            number,
            has_ended: std::cell::Cell::new(false),
        }
    }

    fn set(&self, outcome: Outcome) {
        if !self.has_ended.get() {
            self.has_ended.set(outcome == Outcome::Answered);
            self.state.set_outcome(self.number, outcome);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(Outcome::ClientGone);
    }
}

fn refusal(refused: &Refused) -> Response<Body> {
    object(refused.0, &json!({ "error": refused.1 }))
}

fn object(status: u16, body: &Value) -> Response<Body> {
    whole(status, "application/json; charset=utf-8", body.to_string())
}

fn text(status: u16, body: &'static str) -> Response<Body> {
    whole(status, "text/plain; charset=utf-8", body.to_owned())
}

fn whole(status: u16, kind: &'static str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .body(body.boxed_unsync())
        .expect("a status and one header are valid")
}
