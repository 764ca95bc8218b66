//! What the cases share: a lane to the scripted server in each protocol, a question, and the list of protocols that
//! every case is run for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{
    ApiKey, ChatRequest, Lane, LlmError, Message, Provider, ProviderKind, Reply, Span, connect,
};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};

/// A limit that no case but those about it may reach.
pub(crate) const LONG: Span = Span::minutes(2);
/// A limit that is there to be reached.
pub(crate) const SHORT: Span = Span(Duration::from_millis(250));
/// The same for a whole exchange, which must have begun before, also on a machine that is busy.
pub(crate) const SHORT_TOTAL: Span = Span(Duration::from_millis(900));
/// What every provider is given.
pub(crate) const KEY: &str = "sk-test-open-the-doors";

/// Makes a test of each case for each protocol, so that each has a name of its own.
macro_rules! in_every_protocol {
    ($($case:ident),+ $(,)?) => {
        crate::support::in_every_protocol!(@of ollama, Ollama: $($case),+);
        crate::support::in_every_protocol!(@of openai_compatible, OpenaiCompatible: $($case),+);
        crate::support::in_every_protocol!(@of openai, Openai: $($case),+);
        crate::support::in_every_protocol!(@of anthropic, Anthropic: $($case),+);
    };
    (@of $protocol:ident, $kind:ident: $($case:ident),+) => {
        mod $protocol {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(watchkeeper_llm::ProviderKind::$kind).await;
                }
            )+
        }
    };
}
pub(crate) use in_every_protocol;

/// A lane that waits long for everything.
pub(crate) fn lane_to(kind: ProviderKind, url: &str) -> Lane {
    let mut lane = Lane::new(MODEL);
    lane.provider = kind;
    lane.url = url.parse().expect("a server's URL is an address");
    lane.timeouts.first_byte = LONG;
    lane.timeouts.idle = LONG;
    lane.timeouts.total = LONG;
    lane
}

pub(crate) fn provider_to(lane: Lane) -> Arc<dyn Provider> {
    let key = ApiKey::new(KEY).expect("a key");
    connect(lane, Some(key)).expect("a valid lane")
}

pub(crate) fn provider_of(kind: ProviderKind, server: &ModelServer) -> Arc<dyn Provider> {
    provider_to(lane_to(kind, &server.url()))
}

/// An ordinary question.
pub(crate) fn question() -> ChatRequest {
    Lane::new(MODEL).request(vec![
        Message::system("Be short."),
        Message::user("What is wrong?"),
    ])
}

pub(crate) async fn ask(provider: &dyn Provider, request: &ChatRequest) -> Result<Reply, LlmError> {
    provider
        .chat(request, &mut |_| {}, &CancellationToken::new())
        .await
}

/// Asks a server that does this, with an ordinary question.
pub(crate) async fn ask_when(kind: ProviderKind, turn: Turn) -> Result<Reply, LlmError> {
    let server = ModelServer::start().await.does(turn);
    let answered = ask(&*provider_of(kind, &server), &question()).await;
    assert_eq!(server.unused_turns(), 0, "the turn was meant to be taken");
    answered
}

/// What was sent for a question that was changed like this.
pub(crate) async fn sent(kind: ProviderKind, change: impl FnOnce(&mut ChatRequest)) -> Value {
    let server = ModelServer::start().await;
    let mut request = question();
    change(&mut request);
    ask(&*provider_of(kind, &server), &request)
        .await
        .expect("an answer");
    server.generations().remove(0)
}

/// A tool and its one argument.
pub(crate) fn df() -> watchkeeper_llm::Tool {
    watchkeeper_llm::Tool {
        name: "df".to_owned(),
        description: "How full a file system is.".to_owned(),
        parameters: serde_json::json!({
            "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"],
        }),
    }
}
