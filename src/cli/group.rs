//! Subcommands below a subcommand, declared only when it is called.

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

/// The commands of a group, as arguments of the command they stand below: clap puts off declaring
/// those, but not subcommands of subcommands.
#[derive(Debug)]
pub(crate) struct Group<C> {
    /// Which one of them.
    pub(crate) command: C,
}

impl<C: Subcommand> FromArgMatches for Group<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        C::from_arg_matches(matches).map(|command| Self { command })
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        C::from_arg_matches_mut(matches).map(|command| Self { command })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.command.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.command.update_from_arg_matches_mut(matches)
    }
}

impl<C: Subcommand> Args for Group<C> {
    fn augment_args(command: Command) -> Command {
        C::augment_subcommands(command).subcommand_required(true).arg_required_else_help(true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        C::augment_subcommands_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, auth, check, db, env, keys, models};
    use clap::{Command, CommandFactory as _, Subcommand};

    fn group<C: Subcommand>(name: &'static str) -> Command {
        C::augment_subcommands(Command::new(name))
    }

    /// The help of a group is written before its commands are declared in full: before and after,
    /// the same must be said of one.
    #[test]
    fn a_command_is_described_alike_before_and_after_it_is_declared() {
        let groups = [
            Cli::command(),
            group::<env::EnvCommand>("env"),
            group::<keys::KeysCommand>("keys"),
            group::<auth::AuthCommand>("auth"),
            group::<auth::ServiceKeyCommand>("service-key"),
            group::<auth::TokenCommand>("token"),
            group::<db::DbCommand>("db"),
            group::<check::CheckCommand>("check"),
            group::<models::ModelsCommand>("models"),
        ];
        for before in groups {
            let mut after = before.clone();
            after.build();
            for sub in before.get_subcommands() {
                let about = |sub: &Command| sub.get_about().map(ToString::to_string);
                let declared = after.find_subcommand(sub.get_name()).unwrap();
                let path = format!("{} {}", before.get_name(), sub.get_name());
                assert!(about(sub).is_some(), "{path} says nothing of itself");
                assert_eq!(about(sub), about(declared), "{path}");
            }
        }
    }
}
