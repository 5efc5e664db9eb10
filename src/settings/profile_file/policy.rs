//! `policy` of a profile file: each field overrides the one it extends.

use super::reader::Reader;
use crate::settings::profile::{Gate, Policy};
use crate::settings::yaml::Node;
use std::time::Duration;

/// What one file says of the policy.
#[derive(Default)]
pub(crate) struct PolicyPatch {
    require_postgres: Option<bool>,
    gates: Option<Vec<Gate>>,
    jwt: Option<Duration>,
    encryption: Option<Duration>,
    provider: Option<Duration>,
    service: Option<Duration>,
    requests_per_minute: Option<u64>,
}

impl PolicyPatch {
    /// Reads the section.
    pub(super) fn read(reader: &mut Reader<'_>, node: Node) -> Self {
        let mut patch = Self::default();
        let known = ["require_postgres", "gates", "key_max_age", "requests_per_minute"];
        for (field, node) in reader.fields(node, "`policy`", &known) {
            match field {
                "require_postgres" => {
                    patch.require_postgres = reader.boolean(&node, "`require_postgres`");
                }
                "gates" => {
                    let items = reader.list(node, "`gates`");
                    let gates = items.into_iter().filter_map(|i| reader.value(i, "a gate"));
                    patch.gates = Some(gates.collect());
                }
                "key_max_age" => patch.read_ages(reader, node),
                _ => {
                    patch.requests_per_minute =
                        reader.positive(&node, "`requests_per_minute` of `policy`");
                }
            }
        }
        patch
    }

    fn read_ages(&mut self, reader: &mut Reader<'_>, node: Node) {
        let known = ["jwt", "encryption", "provider", "service"];
        for (field, node) in reader.fields(node, "`key_max_age`", &known) {
            let age = reader.value(node, &format!("`{field}` in `key_max_age`"));
            match field {
                "jwt" => self.jwt = age,
                "encryption" => self.encryption = age,
                "provider" => self.provider = age,
                _ => self.service = age,
            }
        }
    }

    /// Overrides in `policy` what the file says.
    pub(super) fn apply(self, policy: &mut Policy) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut policy.require_postgres, self.require_postgres);
        set(&mut policy.gates, self.gates);
        set(&mut policy.key_max_age.jwt, self.jwt);
        set(&mut policy.key_max_age.encryption, self.encryption);
        set(&mut policy.key_max_age.provider, self.provider);
        set(&mut policy.key_max_age.service, self.service);
        if self.requests_per_minute.is_some() {
            policy.requests_per_minute = self.requests_per_minute;
        }
    }
}
