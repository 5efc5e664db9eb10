//! The console on a real terminal: prompts, notes, progress.

use super::incoming::Incoming;
use super::visible::visible;
use super::{cursor, hidden, human, json};
use crate::base::Secret;
use crate::report::console::Progress;
use crate::report::{Console, Problem, Report, Unanswered};
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm, Input, Select};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// What the global flags say about talking.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TerminalOptions {
    /// How answers are written.
    pub(crate) format: Format,
    /// Whether notes are left out.
    pub(crate) quiet: bool,
    /// Whether colour is forbidden (`--no-color`, `NO_COLOR`).
    pub(crate) no_color: bool,
    /// Whether confirmations are given in advance.
    pub(crate) yes: bool,
    /// Whether questions are forbidden.
    pub(crate) no_input: bool,
}

/// The terminal that the process was started on.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    options: TerminalOptions,
}

/// The longest secret that is read from stdin: far above any key, far below memory.
const SECRET_LIMIT: usize = 1 << 20;

impl Terminal {
    /// A console that follows `options`.
    pub(crate) fn new(options: TerminalOptions) -> Self {
        Self { options }
    }

    /// Whether stdout may be coloured.
    pub(crate) fn colour_out(&self) -> bool {
        !self.options.no_color && io::stdout().is_terminal()
    }

    /// Whether stderr may be coloured.
    pub(crate) fn colour_err(&self) -> bool {
        !self.options.no_color && io::stderr().is_terminal()
    }

    /// How answers are written.
    pub(crate) fn format(&self) -> Format {
        self.options.format
    }

    fn theme(&self) -> Box<dyn Theme> {
        if self.colour_err() { Box::new(ColorfulTheme::default()) } else { Box::new(SimpleTheme) }
    }

    fn ask(&self) -> Result<(), Unanswered> {
        if self.interactive() { Ok(()) } else { Err(Unanswered::NobodyThere) }
    }
}

/// A prompt that ended without an answer was stopped by the operator.
fn stopped(_: dialoguer::Error) -> Unanswered {
    Unanswered::Interrupted
}

impl Console for Terminal {
    fn confirm(&self, question: &str) -> Result<bool, Unanswered> {
        if self.options.yes {
            return Ok(true);
        }
        self.ask()?;
        Confirm::with_theme(&*self.theme())
            .with_prompt(visible(question))
            .default(false)
            .interact_on(&cursor::term())
            .map_err(stopped)
    }

    fn confirm_by_typing(&self, question: &str, word: &str) -> Result<bool, Unanswered> {
        if self.options.yes {
            return Ok(true);
        }
        self.ask()?;
        let typed: String = Input::with_theme(&*self.theme())
            .with_prompt(visible(&format!("{question} (type `{word}` to go on)")))
            .allow_empty(true)
            .interact_text()
            .map_err(stopped)?;
        Ok(typed.trim() == word)
    }

    fn choose(&self, question: &str, options: &[String]) -> Result<usize, Unanswered> {
        self.ask()?;
        Select::with_theme(&*self.theme())
            .with_prompt(visible(question))
            .items(options.iter().map(|option| visible(option)))
            .default(0)
            .interact_on(&cursor::term())
            .map_err(stopped)
    }

    fn secret(&self, question: &str) -> Result<Secret, Unanswered> {
        if io::stdin().is_terminal() {
            self.ask()?;
            let mut prompt = String::new();
            // Into a string nothing fails.
            let _ = self.theme().format_password_prompt(&mut prompt, &visible(question));
            return hidden::line(&prompt);
        }
        let stdin = io::stdin();
        let mut piped = Incoming::default();
        while piped.read(&stdin).map_err(|_| Unanswered::NobodyThere)? > 0 {
            if piped.bytes().len() > SECRET_LIMIT {
                return Err(Unanswered::TooLong);
            }
        }
        if piped.bytes().is_empty() { Err(Unanswered::Nothing) } else { piped.into_secret() }
    }

    fn note(&self, text: &str) {
        // A program that reads JSON finds nothing else on stderr either.
        if !self.options.quiet && self.options.format == Format::Human {
            let _ = writeln!(io::stderr().lock(), "{}", visible(text));
        }
    }

    fn warn(&self, problem: &Problem) {
        let mut err = io::stderr().lock();
        let _ = match self.options.format {
            Format::Human => human::problem(&mut err, problem, self.colour_err()),
            Format::Json => json::warning(&mut err, problem),
        };
    }

    fn progress(&self, text: &str) -> Box<dyn Progress> {
        if self.options.quiet || self.options.no_input || !io::stderr().is_terminal() {
            return Box::new(Silent);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(visible(text).into_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Box::new(Spinner(bar))
    }

    fn event(&self, report: &Report) {
        let mut out = io::stdout().lock();
        let _ = match self.options.format {
            Format::Json => json::line(&mut out, report),
            Format::Human => human::blocks(&mut out, &report.view, self.colour_out()),
        };
        let _ = out.flush();
    }

    fn interactive(&self) -> bool {
        !self.options.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

struct Silent;

impl Progress for Silent {
    fn say(&self, _: &str) {}
}

struct Spinner(ProgressBar);

impl Progress for Spinner {
    fn say(&self, text: &str) {
        self.0.set_message(visible(text).into_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
