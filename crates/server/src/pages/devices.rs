//! Making a browser known as a person's, and the front page, which says as whose it is known.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::{HeaderMap, header};
use watchkeeper_watch::Watch;

use super::guard::is_from_our_page;
use super::page::Page;
use super::refused::Refused;
use super::{Desk, browser, cookie, html};

/// Longest account of itself that is looked at.
const MAX_AGENT_BYTES: usize = 512;

/// As whose this browser is known.
pub(super) async fn front(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Result<Page, Page> {
    let public_url = desk.public_url()?;
    let watch: &Watch = &desk.serving.watch;
    let device = match cookie::shown(&headers, &public_url) {
        Some(secret) => watch.device_of(secret).await.map_err(Refused::from)?,
        None => None,
    };
    Ok(html::front(device.as_ref()))
}

/// What would be made known, and as whose.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Page, Page> {
    let public_url = desk.public_url()?;
    let secret = cookie::shown(&headers, &public_url);
    let watch = &desk.serving.watch;
    let asked = watch
        .enrolment(&token, secret)
        .await
        .map_err(Refused::from)?;
    desk.operator(&asked.person.name, asked.person.uid).await?;
    Ok(html::enrolment(&token, &asked))
}

/// Makes it known.
pub(super) async fn add(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Page, Page> {
    let public_url = desk.public_url()?;
    if !is_from_our_page(&headers, &public_url) {
        return Err(Refused::OtherSite.into());
    }
    let watch = &desk.serving.watch;
    let asked = watch.enrolment(&token, None).await.map_err(Refused::from)?;
    desk.operator(&asked.person.name, asked.person.uid).await?;
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|value| value.to_str().ok())
        .filter(|agent| agent.len() <= MAX_AGENT_BYTES)
        .unwrap_or_default();
    let added = watch.add_device(&token, &browser::name(agent)).await;
    let (_, secret) = added.map_err(Refused::from)?;
    let life = watch.web().device_life;
    Ok(Page {
        cookie: Some(cookie::set(&secret, &public_url, life)),
        ..Page::go_to("/")
    })
}
