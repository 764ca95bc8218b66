//! Browsers that are known as people's, and links on which they decide. Pages are served elsewhere; here is only who asks
//! for what leads to them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, DeviceNumber, Person};
use watchkeeper_watch::view::{DeviceLine, EnrolmentMade, LinkMade};

use super::Shared;
use crate::caller::{Caller, account};
use crate::extract::{Body, Piece};
use crate::problem::{Kind, Problem};

/// As whose a browser is to be known.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceBody {
    /// The account; absent: who asks.
    #[serde(default)]
    pub person: Option<String>,
    /// What it is to be called; absent: what it calls itself.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether the address is sent to that person's channels, and half of it returned as a code that is typed there.
    #[serde(default)]
    pub send: bool,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<Vec<DeviceLine>>, Problem> {
    Ok(Json(shared.serving.watch.devices().await?))
}

/// What is returned makes whoever opens it that person there: it is given to that person, or to root.
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<DeviceBody>,
) -> Result<Json<EnrolmentMade>, Problem> {
    let person = match &body.person {
        Some(name) if *name != caller.person.name => of_another(&caller.person, name).await?,
        Some(_) | None => caller.person.clone(),
    };
    let watch = &shared.serving.watch;
    let (label, asked_by) = (body.label.as_deref(), caller.person);
    Ok(Json(if body.send {
        watch.send_enrolment(person, label, asked_by).await?
    } else {
        watch.ask_for_device(person, label, asked_by).await?
    }))
}

async fn of_another(caller: &Person, name: &str) -> Result<Person, Problem> {
    if caller.uid != 0 {
        let title = format!(
            "{} may not have a browser made known as {name}'s",
            caller.name
        );
        return Err(Problem::new(Kind::Forbidden, title)
            .advise("ask that person to do it for themselves, or do it as root"));
    }
    account(name).await?.ok_or_else(|| {
        Problem::new(Kind::Invalid, format!("there is no account {name} here"))
            .advise("name an account of the machine that watches: getent passwd")
    })
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<DeviceNumber>,
) -> Result<Json<DeviceLine>, Problem> {
    let watch = &shared.serving.watch;
    Ok(Json(watch.remove_device(number, caller.person).await?))
}

/// A link counts on a browser of who asks for it, and on no other.
pub(super) async fn link(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
) -> Result<Json<LinkMade>, Problem> {
    let watch = &shared.serving.watch;
    Ok(Json(watch.own_link(number, &caller.person).await?))
}
