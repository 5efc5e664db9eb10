//! A provider is somebody else.

use super::Rule;
use super::public_url::is_local;
use super::view::View;
use crate::report::Problem;
use crate::settings::secretish::name_for_message;
use url::Url;

pub(super) const RULE: Rule = Rule {
    id: "provider-is-self",
    doc: "No provider's base URL is the server's own address.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let addr = view.text("ULTRA_ADDR").map(|(text, _)| text);
    let port = view.text("ULTRA_PORT").and_then(|(text, _)| text.parse::<u16>().ok());
    let public = view.text("ULTRA_PUBLIC_URL").and_then(|(text, _)| Url::parse(text).ok());
    for (name, provider) in &view.profile().providers {
        let url = &provider.base_url;
        let host = url.host_str().unwrap_or_default();
        let listener = url.port_or_known_default() == port
            && port.is_some()
            && (is_local(host) || Some(host) == addr);
        let public = public.as_ref().is_some_and(|public| public.origin() == url.origin());
        if listener || public {
            problems.push(
                Problem::error(
                    RULE.id,
                    format!(
                        "the base URL of provider {} is this server's own address",
                        name_for_message(name)
                    ),
                )
                .at(provider.place.clone())
                .why("a request would be sent to the server that sends it")
                .hint("set it to the provider's address; clients use this server's"),
            );
        }
    }
}
