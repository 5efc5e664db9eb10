//! Who may call from a browser.

use super::public_url::is_local;
use super::view::View;
use super::{Rule, form};
use crate::report::Problem;
use crate::settings::origin::Layer;
use crate::settings::value::{List, Value as _};
use url::Url;

pub(super) const RULE: Rule = Rule {
    id: "cors-origins",
    doc: "A protected profile lists the origins that browsers may call from, each by name.",
    judge,
};

/// Whether browsers would write this origin so (RFC 6454 §6.2); one `/` at its end is dropped.
fn is_origin(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let Some((text, origin)) = view.text("ULTRA_CORS_ORIGINS") else { return };
    for listed in List::parse(text).unwrap_or_default().0 {
        if listed.contains('*') || is_origin(&listed) {
            continue;
        }
        problems.push(
            Problem::error(form::RULE.id, "`ULTRA_CORS_ORIGINS` has an entry that is no origin")
                .at(origin.place.clone())
                .why("an origin is a scheme, a host and a port, as browsers write it")
                .hint("ULTRA_CORS_ORIGINS=https://app.acme.io"),
        );
    }
    if !view.profile().protected {
        return;
    }
    let problem = |what: &str| {
        Problem::error(RULE.id, what).at(origin.place.clone()).hint(format!(
            "in {} under `vars:` write `ULTRA_CORS_ORIGINS: https://app.example.com` with your own origins, or `\"\"` for none",
            view.profile_file()
        ))
    };
    if origin.layer == Layer::Default {
        problems
            .push(problem("`ULTRA_CORS_ORIGINS` is not set").why(
                "a protected profile says which origins browsers may call from, even if none",
            ));
        return;
    }
    for origin in List::parse(text).unwrap_or_default().0 {
        if origin.contains('*') {
            problems.push(problem(
                "`ULTRA_CORS_ORIGINS` has `*`: any site could call with a visitor's credentials",
            ));
        } else if Url::parse(&origin).ok().and_then(|url| url.host_str().map(is_local))
            == Some(true)
        {
            problems.push(problem("`ULTRA_CORS_ORIGINS` has an origin on this machine"));
        } else if is_origin(&origin) && !origin.starts_with("https://") {
            problems.push(problem("`ULTRA_CORS_ORIGINS` has an origin that is not `https`"));
        }
    }
}
