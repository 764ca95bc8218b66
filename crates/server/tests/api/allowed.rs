//! Who may ask what: every route of the table, for every role, is allowed or refused as the policy says. The router is
//! built from the same table, so a route that is not here is not served.

use std::collections::BTreeSet;

use serde_json::json;
use watchkeeper_server::{ROUTES, Route};
use watchkeeper_watch::{Operation, Role, may};

use crate::house::{House, caller, send};

const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Daemon];

/// An address of this route under which something stands.
fn address(route: &Route) -> String {
    route
        .path
        .replace("{number}", "0")
        .replace("{host}", "web1")
}

#[tokio::test]
async fn every_route_allows_each_role_what_the_policy_does() {
    let house = House::with_daemon().await.with_held_action().await;
    // What is allowed gets as far as this body, in which nothing can be found that could be done.
    let body = json!({ "hosts": ["nowhere"] });
    for route in &ROUTES {
        for role in ROLES {
            let by = caller("somebody", 4_242, role);
            let request = send(route.method.clone(), &address(route), &body);
            let answer = house.ask(&by, request).await;
            let what = format!("{} {} as {role:?}", route.method, route.path);
            match may(role, route.operation) {
                Ok(()) => assert_ne!(answer.status, 403, "{what} is allowed"),
                Err(why) => {
                    let problem = answer.problem().await;
                    assert_eq!(problem["type"], "forbidden", "{what}: {problem}");
                    let title = problem["title"].as_str().unwrap_or_default();
                    assert!(title.contains(&why.to_string()), "{what}: {title}");
                    assert_ne!(problem["detail"], "", "{what}: it says who may");
                }
            }
        }
    }
    assert_eq!(house.bridge.state(0).await, "held", "nothing was decided");
}

#[tokio::test]
async fn who_may_not_learns_nothing_else() {
    let house = House::with_daemon().await;
    let viewer = caller("guest", 4_242, Role::Viewer);
    for route in ROUTES
        .iter()
        .filter(|route| route.operation != Operation::Look)
    {
        let path = route
            .path
            .replace("{number}", "4711")
            .replace("{host}", "nowhere");
        let request = send(route.method.clone(), &path, &json!("what nobody reads"));
        assert_eq!(house.ask(&viewer, request).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn who_asks_without_a_name_is_refused_everywhere() {
    use tower::ServiceExt as _;
    let house = House::with_daemon().await;
    for route in &ROUTES {
        let request = send(route.method.clone(), &address(route), &json!({}));
        let answered = house.router.clone().oneshot(request).await;
        let answer = answered.expect("an answer");
        assert_eq!(answer.status(), 403, "{} {}", route.method, route.path);
    }
}

#[test]
fn the_table_names_each_route_once_and_each_operation_somewhere() {
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.path, route.method.as_str()))
        .collect();
    assert_eq!(routes.len(), ROUTES.len());
    for operation in Operation::ALL {
        assert!(
            ROUTES.iter().any(|route| route.operation == operation),
            "{operation}"
        );
    }
}

/// What changes something is never a GET, and what only looks never changes anything.
#[test]
fn only_looking_and_asking_hosts_is_a_get() {
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        assert!(
            matches!(route.operation, Operation::Look | Operation::Check),
            "{}",
            route.path
        );
    }
}
