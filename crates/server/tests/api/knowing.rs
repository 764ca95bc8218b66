//! What is known over the API: every route of it once, for the shapes of their answers.

use http::Method;
use serde_json::{Value, json};

use crate::house::{House, ben, send};

/// Every route of what is known with an answer of it.
pub(crate) async fn answers(house: &House) -> Vec<(&'static str, Value)> {
    let entry = json!({
        "title": "where backups go", "text": "to vault2, at 02:00", "host": "web1",
        "labels": ["backup"], "expires_at": "2099-01-01T00:00:00Z",
    });
    let mut seen = Vec::new();
    let added = house.post("/v1/knowledge", &entry).await.json().await;
    let path = format!("/v1/knowledge/{}", added["number"]);
    seen.push(("POST /v1/knowledge", added));
    let verified = house.post(&format!("{path}/verify"), &json!(null)).await;
    seen.push(("POST /v1/knowledge/{number}/verify", verified.json().await));
    for (what, path) in [
        ("GET /v1/knowledge", "/v1/knowledge"),
        ("GET /v1/knowledge/{number}", path.as_str()),
        ("GET /v1/knowledge/export", "/v1/knowledge/export"),
    ] {
        seen.push((what, house.get(path).await.json().await));
    }
    let lines = json!({ "lines": ["{\"title\":\"a\",\"text\":\"b\"}", "no line"] });
    let etc = house.bridge.dir.path().join("api.conf");
    std::fs::write(&etc, "listen 8080\n").expect("a file can be written");
    let etc = etc.to_string_lossy().into_owned();
    let files = json!({ "files": [{ "path": "web.nix", "text": "{ a = 1; }" }] });
    for (what, path, body) in [
        (
            "POST /v1/knowledge/search",
            "/v1/knowledge/search",
            json!({ "text": "backups" }),
        ),
        ("POST /v1/knowledge/import", "/v1/knowledge/import", lines),
        (
            "POST /v1/knowledge/move",
            "/v1/knowledge/move",
            json!({ "to": "embedded" }),
        ),
        (
            "POST /v1/configs",
            "/v1/configs",
            json!({ "host": "web1", "paths": [etc, "/etc/shadow"] }),
        ),
        (
            "POST /v1/configs/repository",
            "/v1/configs/repository",
            files,
        ),
        ("POST /v1/knowledge/seed", "/v1/knowledge/seed", json!(null)),
    ] {
        seen.push((what, house.post(path, &body).await.json().await));
    }
    let read = house
        .get(&format!("/v1/configs?host=web1&path={etc}"))
        .await;
    seen.push(("GET /v1/configs", read.json().await));
    let edit = json!({ "text": "to vault3", "never_expires": true });
    let edited = house.ask(&ben(), send(Method::PUT, &path, &edit)).await;
    seen.push(("PUT /v1/knowledge/{number}", edited.json().await));
    let gone = house.post(&format!("{path}/forget"), &json!(null)).await;
    seen.push(("POST /v1/knowledge/{number}/forget", gone.json().await));
    seen
}
