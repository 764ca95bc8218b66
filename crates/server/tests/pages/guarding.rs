//! What stands around every page: looking changes nothing, forms come from our own pages, nobody asks without end, and no
//! other site can frame, cache or script what is shown.

use std::collections::BTreeSet;

use http::Method;

use watchkeeper_watch::Web;

use crate::front::{Answer, Browser, Front, anna};

/// Every address that a page names, and where its forms go.
fn addresses(page: &Answer) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for attribute in ["href=\"", "action=\"", "src=\""] {
        for rest in page.text.split(attribute).skip(1) {
            found.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    found
}

/// Paths of every kind that there are.
async fn every_path(front: &Front) -> Vec<String> {
    let link = front.link(&anna()).await;
    let enrolment = front.enrolment(&anna()).await;
    let below = ["/ask", "/decide", "/run"].map(|rest| format!("{link}{rest}"));
    let mut paths = vec!["/".to_owned(), link, enrolment, "/nowhere".to_owned()];
    paths.extend(below);
    paths
}

pub(crate) async fn looking_changes_nothing(front: Front) {
    let paths = every_path(&front).await;
    let mut phone = front.browser_of(&anna()).await;
    let before = front.log_length().await;
    for round in 0..5 {
        phone.from = format!("198.51.100.{}", 10 + round);
        for path in &paths {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let page = phone.send(method.clone(), path, &[], "").await;
                assert!(!page.headers.contains_key("set-cookie"), "{method} {path}");
                assert!(page.status < 500, "{method} {path}: {}", page.status);
            }
        }
    }
    assert_eq!(front.log_length().await, before);
    assert_eq!(front.state().await, "held");
    assert_eq!(front.bridge.watch.devices().await.expect("a list").len(), 1);
    let done = phone.approve(&paths[1]).await;
    assert_eq!(
        done.status,
        303,
        "the link is as good as it was: {}",
        done.read()
    );
}

/// Opens what it is given and what it finds there, in every way that needs no thought.
async fn crawl(bot: &mut Browser, first: &str, round: usize) {
    let mut known = BTreeSet::from([first.to_owned()]);
    let mut next = vec![first.to_owned()];
    while let Some(path) = next.pop() {
        bot.from = format!("203.0.113.{}", (round + known.len()) % 250);
        let page = bot.get(&path).await;
        for found in addresses(&page) {
            assert!(found.starts_with('/'), "it leads elsewhere: {found}");
            if known.insert(found.clone()) {
                next.push(found);
            }
        }
        bot.send(Method::HEAD, &path, &[], "").await;
        bot.send(Method::POST, &path, &[], "").await;
        let sent = "decision=approve&form=&reason=";
        bot.send(Method::POST, &path, &[], sent).await;
        bot.send(Method::POST, &format!("{path}/decide"), &[], sent)
            .await;
    }
}

pub(crate) async fn a_bot_that_opens_every_address_twenty_times_never_approves(front: Front) {
    let link = front.link(&anna()).await;
    let enrolment = front.enrolment(&anna()).await;
    let phone = front.browser_of(&anna()).await;
    // One that previews in the cloud, and one that sits in the phone's own browser and has its cookie.
    for mut bot in [front.browser(), phone.clone()] {
        for round in 0..20 {
            crawl(&mut bot, &link, round * 7).await;
            crawl(&mut bot, &enrolment, round * 7 + 3).await;
        }
    }
    assert_eq!(front.state().await, "held");
    assert_eq!(
        front.bridge.log("action.approved").await,
        Vec::<String>::new()
    );
    assert_eq!(
        front.bridge.log("action.rejected").await,
        Vec::<String>::new()
    );
    assert_eq!(front.bridge.watch.devices().await.expect("a list").len(), 1);
}

pub(crate) async fn a_form_from_another_site_is_refused(front: Front) {
    let link = front.link(&anna()).await;
    let enrolment = front.enrolment(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    let origin = front.origin();
    let foreign: [&[(&str, &str)]; 6] = [
        &[],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("origin", &origin), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ];
    let decided = format!("decision=approve&form={form}");
    let forms = [
        (format!("{link}/ask"), "decision=approve"),
        (format!("{link}/decide"), decided.as_str()),
        (enrolment, ""),
    ];
    for headers in foreign {
        for (path, form) in &forms {
            let page = phone.send(Method::POST, path, headers, form).await;
            page.says(403, "This form did not come from here");
            assert!(!page.headers.contains_key("set-cookie"));
        }
    }
    assert_eq!(front.state().await, "held");
    let done = phone.decide(&link, "approve", &form).await;
    assert_eq!(
        done.status,
        303,
        "the form was not used up: {}",
        done.read()
    );
}

pub(crate) async fn below_a_path_that_a_proxy_takes_off_all_is_the_same(front: Front) {
    all_is_the_same_below_a_path(front, "/watch").await;
}

pub(crate) async fn below_a_path_that_a_proxy_leaves_on_all_is_the_same(front: Front) {
    all_is_the_same_below_a_path(front, "").await;
}

async fn all_is_the_same_below_a_path(front: Front, taken_off: &'static str) {
    front.bridge.watch.use_web(Web {
        public_url: Some(format!("{}/watch", front.origin())),
        ..Web::default()
    });
    let (enrolment, link) = (front.enrolment(&anna()).await, front.link(&anna()).await);
    assert!(link.starts_with("/watch/a/"), "{link}");
    let mut phone = front.browser();
    phone.taken_off = taken_off;
    let mut pages = vec![phone.get("/watch/").await, phone.get(&enrolment).await];
    let known = phone.post(&enrolment, "").await;
    assert_eq!(known.status, 303, "{}", known.read());
    assert_eq!(known.headers["location"], "/watch/");
    let cookie = known.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.contains("; Path=/watch; "), "{cookie}");
    let home = phone.get("/watch/").await;
    home.says(200, "This browser is known as anna");
    let asked = phone.ask(&link, "approve").await;
    let done = phone.decide(&link, "approve", &asked.form()).await;
    assert_eq!(done.status, 303, "{}", done.read());
    assert_eq!(done.headers["location"], format!("{link}/run"));
    let run = phone.get(&format!("{link}/run")).await;
    run.says(200, "Approved");
    let used = phone.get(&link).await;
    used.says(410, "This link was used already");
    pages.extend([home, asked, run, used]);
    for page in &pages {
        for address in addresses(page) {
            assert!(address.starts_with("/watch/"), "{address}: {}", page.text);
        }
    }
    phone
        .get("/watchtower")
        .await
        .says(404, "There is no such page");
}

pub(crate) async fn a_host_that_somebody_names_is_nothing(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let evil = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
    ];
    let page = phone.send(Method::GET, &link, &evil, "").await;
    page.says(200, "What runs");
    assert!(!page.text.contains("evil.example"), "{}", page.text);
    // A page at another name that leads here has another origin, and no cookie of ours.
    let form = phone.ask(&link, "approve").await.form();
    let origin = [
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "same-origin"),
    ];
    let body = format!("decision=approve&form={form}");
    let page = phone
        .send(Method::POST, &format!("{link}/decide"), &origin, &body)
        .await;
    page.says(403, "This form did not come from here");
    assert_eq!(front.state().await, "held");
}

pub(crate) async fn a_script_of_the_same_site_sends_no_forms(front: Front) {
    let link = front.link(&anna()).await;
    let phone = front.browser_of(&anna()).await;
    let origin = front.origin();
    for mode in ["cors", "same-origin", "no-cors"] {
        let headers = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", mode),
        ];
        let ask = format!("{link}/ask");
        let page = phone
            .send(Method::POST, &ask, &headers, "decision=approve")
            .await;
        page.says(403, "This form did not come from here");
    }
}

pub(crate) async fn who_asks_too_much_is_told_to_wait(front: Front) {
    let link = front.link(&anna()).await;
    let mut bot = front.browser();
    bot.from = "203.0.113.9".to_owned();
    let mut refused = None;
    for _ in 0..200 {
        let page = bot.get(&link).await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
    }
    let page = refused.expect("it has an end");
    page.says(429, "Too many requests");
    assert_eq!(page.headers["retry-after"], "30");
    let form = format!("decision=approve&form={}", "x".repeat(43));
    let page = bot.post(&format!("{link}/decide"), &form).await;
    page.says(429, "Too many requests");
    let phone = front.browser_of(&anna()).await;
    phone.get(&link).await.says(200, "What runs");
}

pub(crate) async fn every_answer_has_its_headers(front: Front) {
    let mut paths = every_path(&front).await;
    paths.push(format!("/a/{}", "x".repeat(43)));
    let phone = front.browser_of(&anna()).await;
    for browser in [front.browser(), phone] {
        for path in &paths {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let page = browser.send(method.clone(), path, &[], "").await;
                let what = format!("{method} {path}: {}", page.status);
                let has = |name: &str| {
                    let value = page.headers.get(name).and_then(|value| value.to_str().ok());
                    value
                        .unwrap_or_else(|| panic!("{what} lacks {name}"))
                        .to_owned()
                };
                assert_eq!(has("cache-control"), "no-store", "{what}");
                assert_eq!(has("x-frame-options"), "DENY", "{what}");
                assert_eq!(has("x-content-type-options"), "nosniff", "{what}");
                assert_eq!(has("referrer-policy"), "same-origin", "{what}");
                assert_eq!(has("cross-origin-opener-policy"), "same-origin", "{what}");
                assert_eq!(has("content-type"), "text/html; charset=utf-8", "{what}");
                let policy = has("content-security-policy");
                for part in [
                    "default-src 'none'",
                    "style-src 'sha256-",
                    "form-action 'self'",
                    "frame-ancestors 'none'",
                    "base-uri 'none'",
                ] {
                    assert!(policy.contains(part), "{what}: {policy}");
                }
                assert!(
                    !policy.contains("unsafe") && !policy.contains("script-src"),
                    "{policy}"
                );
                assert!(!page.text.contains("<script"), "{what}");
                assert!(!page.headers.contains_key("access-control-allow-origin"));
            }
        }
    }
}

pub(crate) async fn nothing_of_the_api_is_served(front: Front) {
    let phone = front.browser_of(&anna()).await;
    for route in &watchkeeper_server::ROUTES {
        let path = route
            .path
            .replace("{number}", "0")
            .replace("{host}", "web1");
        let page = phone.send(route.method.clone(), &path, &[], "{}").await;
        page.says(404, "There is no such page");
    }
}

pub(crate) async fn what_is_no_form_of_ours_is_refused(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let ask = format!("{link}/ask");
    for form in [
        "",
        "decision=maybe",
        "decision=approve&revision=2",
        "{}",
        "decision=%ff",
    ] {
        let page = phone.post(&ask, form).await;
        page.says(400, "This form cannot be read");
    }
    let large = format!("decision=reject&reason={}", "x".repeat(64 * 1024));
    let page = phone.post(&format!("{link}/decide"), &large).await;
    assert!([400, 413].contains(&page.status), "{}", page.status);
    let page = phone.send(Method::PUT, &link, &[], "").await;
    page.says(405, "Not that way");
    phone.get(&ask).await.says(405, "Not that way");
    assert_eq!(front.state().await, "held");
}
