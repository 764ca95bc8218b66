//! Making a browser known as a person's, and the front page, which says as whose it is known.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::{HeaderMap, header};
use serde::Deserialize;
use watchkeeper_watch::{LinkRefused, Watch, needs_code, with_code};

use super::guard::is_from_our_page;
use super::page::Page;
use super::refused::Refused;
use super::{Desk, browser, cookie, html};

/// Longest account of itself that is looked at.
const MAX_AGENT_BYTES: usize = 512;

/// As whose this browser is known.
pub(super) async fn front(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Result<Page, Page> {
    let site = desk.site()?;
    let watch: &Watch = &desk.serving.watch;
    let device = match cookie::shown(&headers, &site) {
        Some(secret) => watch.device_of(secret).await.map_err(Refused::from)?,
        None => None,
    };
    Ok(html::front(device.as_ref()))
}

/// What was typed beside an address that was sent.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    code: String,
}

/// What would be made known, and as whose; of an address that was sent, after its code.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    typed: Result<Query<Typed>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Page, Page> {
    let site = desk.site()?;
    let path = site.at(&format!("/d/{token}"));
    let secret = cookie::shown(&headers, &site);
    let watch = &desk.serving.watch;
    if needs_code(&token) {
        let Query(Typed { code }) = typed.unwrap_or_default();
        let Some(whole) = with_code(&token, &code) else {
            return Ok(html::code(&path, !code.is_empty()));
        };
        return match watch.enrolment(&whole, secret).await {
            Err(LinkRefused::NoSuchLink) => Ok(html::code(&path, true)),
            _ => Ok(Page::go_to(&site.at(&format!("/d/{whole}")))),
        };
    }
    let asked = watch
        .enrolment(&token, secret)
        .await
        .map_err(Refused::from)?;
    desk.operator(&asked.person.name, asked.person.uid).await?;
    Ok(html::enrolment(&path, &asked))
}

/// Makes it known.
pub(super) async fn add(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Page, Page> {
    let site = desk.site()?;
    if !is_from_our_page(&headers, site.origin()) {
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
    let shown_before = cookie::shown(&headers, &site);
    let added = watch
        .add_device(&token, shown_before, &browser::name(agent))
        .await;
    let (_, secret) = added.map_err(Refused::from)?;
    let life = watch.web().device_life;
    Ok(Page {
        cookie: Some(cookie::set(&secret, &site, life)),
        ..Page::go_to(&site.at("/"))
    })
}
