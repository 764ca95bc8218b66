//! Where a link leads: the sheet, the question, the decision, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use watchkeeper_watch::{Bearer, LinkRefused, Operation, may};

use super::guard::is_from_our_page;
use super::html;
use super::page::Page;
use super::refused::Refused;
use super::site::Site;
use super::{Desk, cookie};
use crate::caller::Caller;

/// How long the system may take to say which account a name is: it may ask a directory over the network.
const NAMES_WITHIN: Duration = Duration::from_secs(10);

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Choice {
    /// To let it run.
    Approve,
    /// Not to.
    Reject,
}

/// The first tap.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    decision: Choice,
}

/// The second.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    decision: Choice,
    #[serde(default)]
    form: String,
    #[serde(default)]
    reason: String,
}

/// Who may see what a link leads to.
struct Admitted {
    bearer: Bearer,
    caller: Caller,
    site: Site,
    /// The link's path, as the browser has it.
    path: String,
}

impl Desk {
    /// Where browsers find these pages.
    pub(super) fn site(&self) -> Result<Site, Refused> {
        Site::of(self.serving.watch.web()).ok_or(Refused::NoPublicUrl)
    }

    /// Who shows this link, on a browser of theirs, with a role that lets them decide.
    async fn admit(&self, token: &str, headers: &HeaderMap) -> Result<Admitted, Refused> {
        let site = self.site()?;
        let secret = cookie::shown(headers, &site);
        let bearer = self.serving.watch.bearer(token, secret).await?;
        let caller = self
            .operator(&bearer.person().name, bearer.person().uid)
            .await?;
        Ok(Admitted {
            path: site.at(&format!("/a/{token}")),
            bearer,
            caller,
            site,
        })
    }

    /// The account of this name, as it is now, where it may decide.
    pub(super) async fn operator(&self, name: &str, uid: u32) -> Result<Caller, Refused> {
        let accounts = Arc::clone(&self.serving.accounts);
        let asked = name.to_owned();
        let found = tokio::task::spawn_blocking(move || accounts.find(&asked));
        let Ok(Ok(found)) = tokio::time::timeout(NAMES_WITHIN, found).await else {
            return Err(Refused::Broken);
        };
        let decides = |caller: &Caller| {
            caller.person.uid == uid && may(caller.role, Operation::Approve).is_ok()
        };
        found.filter(decides).ok_or_else(|| Refused::NoRole {
            person: name.to_owned(),
        })
    }
}

/// The sheet of what a link leads to.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Page, Page> {
    let admitted = desk.admit(&token, &headers).await?;
    let bearer = &admitted.bearer;
    match desk.serving.watch.open_link(bearer).await {
        Ok(shown) => {
            let reader = html::Reader {
                link: &admitted.path,
                person: &bearer.person().name,
                device: bearer.device_label(),
                until: bearer.expires_at(),
            };
            Ok(html::sheet(reader, &shown))
        }
        Err(refused) => Err(admitted.with_way_on(refused)),
    }
}

/// The first tap: nothing is decided by it.
pub(super) async fn ask(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Asked>, FormRejection>,
) -> Result<Page, Page> {
    let admitted = desk.admit(&token, &headers).await?;
    if !is_from_our_page(&headers, admitted.site.origin()) {
        return Err(Refused::OtherSite.into());
    }
    let Form(asked) = form.map_err(|error| unread(&error))?;
    match desk.serving.watch.ask_on_link(&admitted.bearer).await {
        Ok((shown, form)) => Ok(html::question(
            &admitted.path,
            &shown,
            asked.decision,
            &form,
            false,
        )),
        Err(refused) => Err(admitted.with_way_on(refused)),
    }
}

/// The second tap: the decision.
pub(super) async fn decide(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Decided>, FormRejection>,
) -> Result<Page, Page> {
    let admitted = desk.admit(&token, &headers).await?;
    if !is_from_our_page(&headers, admitted.site.origin()) {
        return Err(Refused::OtherSite.into());
    }
    let Form(decided) = form.map_err(|error| unread(&error))?;
    let (watch, bearer) = (&desk.serving.watch, &admitted.bearer);
    let person = &admitted.caller.person;
    let done = match decided.decision {
        Choice::Approve => watch.approve_on_link(bearer, person, &decided.form).await,
        Choice::Reject => {
            watch
                .reject_on_link(bearer, person, &decided.form, &decided.reason)
                .await
        }
    };
    match done {
        Ok(()) => Ok(Page::go_to(&format!("{}/run", admitted.path))),
        Err(LinkRefused::NoReason) => {
            let (shown, form) = watch.ask_on_link(bearer).await.map_err(Refused::from)?;
            let page = html::question(&admitted.path, &shown, decided.decision, &form, true);
            Err(Page {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                ..page
            })
        }
        Err(refused) => Err(admitted.with_way_on(refused)),
    }
}

/// What became of what was decided.
pub(super) async fn run(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Page, Page> {
    let admitted = desk.admit(&token, &headers).await?;
    match desk.serving.watch.after_link(&admitted.bearer).await {
        Ok(shown) => Ok(html::outcome(&shown)),
        // Nothing has become of it yet: there is something to decide.
        Err(LinkRefused::NoForm) => Ok(Page::go_to(&admitted.path)),
        Err(refused) => Err(admitted.with_way_on(refused)),
    }
}

fn unread(error: &FormRejection) -> Page {
    tracing::debug!(error = %error, "a form cannot be read");
    Refused::NoSuchForm.into()
}

impl Admitted {
    /// A refusal, with the way to what became of the action where there is something to see.
    fn with_way_on(&self, refused: LinkRefused) -> Page {
        use LinkRefused as R;
        let way = match &refused {
            R::Used { .. } | R::Over { .. } => {
                Some((format!("{}/run", self.path), "See what became of it"))
            }
            R::NoForm | R::MayNotApprove(_) => Some((self.path.clone(), "Look at it again")),
            _ => None,
        };
        let refused = match refused {
            R::Used {
                action,
                at,
                decision,
                by,
            } if by == self.bearer.device() => Refused::UsedHere {
                action,
                at,
                decision,
            },
            other => other.into(),
        };
        let mut page = Page::from(refused);
        if let Some((path, text)) = way {
            page.body = html::and_way(&page.body, &path, text);
        }
        page
    }
}
