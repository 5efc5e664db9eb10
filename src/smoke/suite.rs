//! Runs the steps in their order and says what they mean together.

use super::probe_tokens::{self, NoTokens, Tokens};
use super::step::{Seen, Step};
use super::steps::ALL;
use super::{Auth, Call, Client};
use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::report::Outcome;
use crate::settings::profile::Gate;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long until a server that is waited for is asked again.
const AGAIN: Duration = Duration::from_millis(250);

/// What the suite is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectations {
    /// How long to wait until the server listens and is ready.
    pub(crate) wait: Duration,
    /// The version that must answer.
    pub(crate) version: Option<String>,
    /// The profile that must answer.
    pub(crate) profile: Option<String>,
    /// Whether answers must come from real providers.
    pub(crate) real: bool,
    /// The model to ask.
    pub(crate) model: Option<String>,
}

/// What the health document says of the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// The profile it runs.
    pub(crate) profile: Option<String>,
    /// Its mode.
    pub(crate) mode: Option<String>,
    /// Its version.
    pub(crate) version: Option<String>,
}

/// The steps' common ground.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The client.
    pub(crate) client: Client,
    /// What is expected.
    pub(crate) expectations: Expectations,
    /// When the suite was made: the wait counts from here, whichever step waits.
    began: Instant,
    identity: OnceCell<Identity>,
    models: OnceCell<Vec<String>>,
    chosen: OnceCell<String>,
    tokens: OnceCell<Result<Tokens, NoTokens>>,
    /// Whether a request with the key was seen to be answered.
    pub(super) control: OnceCell<bool>,
}

/// What came of one step.
#[derive(Clone)]
pub(crate) struct Taken {
    /// The step.
    pub(crate) step: &'static Step,
    /// What it says.
    pub(crate) seen: Seen,
}

impl Suite {
    /// A suite for the server of `client`.
    pub(crate) fn new(client: Client, expectations: Expectations) -> Self {
        Self {
            client,
            expectations,
            began: Instant::now(),
            identity: OnceCell::new(),
            models: OnceCell::new(),
            chosen: OnceCell::new(),
            tokens: OnceCell::new(),
            control: OnceCell::new(),
        }
    }

    /// Takes every step. `tell` hears of each one before it is taken.
    pub(crate) async fn run(&self, tell: impl Fn(&Step)) -> Vec<Taken> {
        let mut taken: Vec<Taken> = Vec::with_capacity(ALL.len());
        let mut aborted: Option<u8> = None;
        for step in ALL {
            let seen = match aborted {
                Some(number) => {
                    Seen::new(Outcome::Unknown, format!("not run: step {number:02} failed"))
                }
                None => {
                    tell(step);
                    (step.run)(self).await
                }
            };
            if step.aborts && seen.outcome == Outcome::Fail {
                aborted = aborted.or(Some(step.number));
            }
            taken.push(Taken { step, seen });
        }
        taken
    }

    /// Whether there is time left to wait for the server; if there is, a moment of it has passed.
    pub(super) async fn waits(&self) -> bool {
        let waits = self.began.elapsed() < self.expectations.wait;
        if waits {
            tokio::time::sleep(AGAIN).await;
        }
        waits
    }

    /// What the server says it is.
    pub(crate) async fn identity(&self) -> &Identity {
        self.identity
            .get_or_init(async || {
                let detail = Call::get("/api/health?detail=true").with_key();
                let Ok(answer) = self.client.send(&detail).await else {
                    return Identity::default();
                };
                let json = answer.json().unwrap_or_default();
                let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
                Identity { profile: text("profile"), mode: text("mode"), version: text("version") }
            })
            .await
    }

    /// The models that the server lists.
    pub(crate) async fn models(&self) -> &[String] {
        self.models
            .get_or_init(async || {
                let answer = self.client.send(&Call::get("/v1/models").with_key()).await;
                let json = answer.ok().and_then(|a| a.json()).unwrap_or_default();
                let data = json.get("data").and_then(|d| d.as_array()).cloned().unwrap_or_default();
                data.iter().filter_map(|m| m.get("id")?.as_str().map(str::to_owned)).collect()
            })
            .await
    }

    /// The model to ask.
    pub(crate) async fn model(&self) -> String {
        match &self.expectations.model {
            Some(model) => model.clone(),
            None => self.chosen.get_or_init(|| chat_model(&self.client)).await.clone(),
        }
    }

    /// Whether refusals mean anything: a request with the key was answered.
    ///
    /// # Errors
    /// It was not; the step is then unknown.
    pub(crate) fn controlled(&self) -> Result<(), Seen> {
        if self.control.get().copied().unwrap_or(false) {
            return Ok(());
        }
        let why = if self.client.has_key() {
            "no positive control: step 06 did not pass"
        } else {
            "no positive control: there is no service key (set `ULTRA_SERVICE_KEY`)"
        };
        Err(Seen::new(Outcome::Unknown, why))
    }

    /// The token of that case, once the valid one was seen to be accepted.
    ///
    /// # Errors
    /// There is none, or the valid one is refused.
    pub(crate) async fn token(&self, case: &str) -> Result<Secret, Seen> {
        self.controlled()?;
        let tokens = self.tokens.get_or_init(async || {
            let tokens = probe_tokens::mint(&self.client).await?;
            let valid = tokens.get("valid")?.clone();
            let call = Call::get("/v1/models").auth(Auth::Token(valid));
            match self.client.send(&call).await {
                Ok(answer) if answer.ok() => Ok(tokens),
                Ok(answer) => Err(NoTokens::Because(format!(
                    "no positive control, a valid token is answered {}",
                    answer.summary()
                ))),
                Err(why) => Err(NoTokens::Because(why.to_string())),
            }
        });
        let unknown = |why: &NoTokens| {
            let outcome = match why {
                NoTokens::Unsigned => Outcome::Skip,
                NoTokens::Because(_) => Outcome::Unknown,
            };
            Seen::new(outcome, why.to_string())
        };
        match tokens.await {
            Ok(tokens) => tokens.get(case).cloned().map_err(|why| unknown(&why)),
            Err(why) => Err(unknown(why)),
        }
    }
}

/// A model that chat completions can be asked of: the first that the server offers for them, else
/// the first that it lists, as servers of others do.
pub(crate) async fn chat_model(client: &Client) -> String {
    let offered = client.send(&Call::get("/api/available-models").with_key()).await;
    let offered = offered.ok().and_then(|a| a.json()).unwrap_or_default();
    let models = offered.get("models").and_then(Value::as_array).cloned().unwrap_or_default();
    let chats = |model: &&Value| {
        let endpoints = model.get("endpoints").and_then(Value::as_array);
        let chat = |e: &Value| e.as_str().is_some_and(|e| e.ends_with("/chat/completions"));
        // Models of the mock may do anything but answer.
        let plain = |name: &str| !name.starts_with("mock-") || name == "mock-chat";
        model.get("available") == Some(&Value::Bool(true))
            && model.get("name").and_then(Value::as_str).is_some_and(plain)
            && endpoints.is_some_and(|all| all.iter().any(chat))
    };
    if let Some(name) = models.iter().find(chats).and_then(|m| m.get("name")?.as_str()) {
        return name.to_owned();
    }
    let listed = client.send(&Call::get("/v1/models").with_key()).await;
    let listed = listed.ok().and_then(|a| a.json()).unwrap_or_default();
    let first = listed.pointer("/data/0/id").and_then(Value::as_str);
    first.unwrap_or("mock").to_owned()
}

/// How the suite ends: a failed P0 step does not hold, unless the server could not even be
/// reached; what could not be judged is no success.
pub(crate) fn status(taken: &[Taken]) -> ExitStatus {
    let any = |outcome: Outcome| {
        taken.iter().any(|t| t.seen.outcome == outcome && t.step.gate == Gate::P0)
    };
    let reached = taken.first().is_none_or(|t| t.seen.outcome != Outcome::Fail);
    match (reached, any(Outcome::Fail), any(Outcome::Unknown)) {
        (false, ..) => ExitStatus::Unreachable,
        (_, true, _) => ExitStatus::DoesNotHold,
        (_, _, true) => ExitStatus::Unreachable,
        _ => ExitStatus::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_in_their_order_and_named_once() {
        for (at, step) in ALL.iter().enumerate() {
            assert_eq!(usize::from(step.number), at + 1, "{}", step.name);
            assert_eq!(ALL.iter().filter(|s| s.name == step.name).count(), 1);
        }
        assert!(ALL.len() >= 15);
    }

    #[test]
    fn unreachable_is_another_end_than_failed() {
        let taken = |outcomes: &[Outcome]| -> Vec<Taken> {
            let seen = outcomes.iter().map(|o| Seen::new(*o, ""));
            ALL.iter().zip(seen).map(|(step, seen)| Taken { step, seen }).collect()
        };
        use Outcome::{Fail, Pass, Unknown};
        assert_eq!(status(&taken(&[Fail, Unknown])), ExitStatus::Unreachable);
        assert_eq!(status(&taken(&[Pass, Fail, Unknown])), ExitStatus::DoesNotHold);
        assert_eq!(status(&taken(&[Pass, Unknown])), ExitStatus::Unreachable);
        assert_eq!(status(&taken(&[Pass, Pass])), ExitStatus::Holds);
    }
}
