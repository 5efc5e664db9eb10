//! What the mock has counted, so that it can be compared with usage rows: requests that left a
//! row, and the tokens of answers, input when an answer begins, output as it goes out.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So many models have an account of their own; the others share one.
const ACCOUNTS: usize = 512;

/// The name of the account that the others share.
const OTHERS: &str = "(others)";

/// Requests and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Account {
    /// Requests, however they ended.
    pub(crate) requests: u64,
    /// Tokens of conversations that were answered.
    pub(crate) input_tokens: u64,
    /// Tokens of answers.
    pub(crate) output_tokens: u64,
}

impl Account {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
    }
}

/// Everything since the server started.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Billed {
    /// All models together.
    pub(crate) total: Account,
    /// By the model's name at the mock.
    pub(crate) models: BTreeMap<String, Account>,
}

/// The accounts.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Billed>);

impl Ledger {
    /// Adds to the account of a model.
    pub(crate) fn bill(&self, model: &str, requests: u64, input_tokens: u64, output_tokens: u64) {
        let item = Account { requests, input_tokens, output_tokens };
        let mut billed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        billed.total.add(item);
        if let Some(account) = billed.models.get_mut(model) {
            account.add(item);
            return;
        }
        let name = if billed.models.len() < ACCOUNTS { model } else { OTHERS };
        billed.models.entry(name.to_owned()).or_default().add(item);
    }

    /// The accounts as they are now.
    pub(crate) fn billed(&self) -> Billed {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_the_total_and_accounts_are_bounded() {
        let ledger = Ledger::default();
        for n in 0..2000 {
            ledger.bill(&format!("m{n}"), 1, 2, 3);
        }
        let billed = ledger.billed();
        let total = Account { requests: 2000, input_tokens: 4000, output_tokens: 6000 };
        assert_eq!(billed.total, total);
        assert_eq!(billed.models.len(), ACCOUNTS + 1);
        let mut sum = Account::default();
        billed.models.values().for_each(|account| sum.add(*account));
        assert_eq!(sum, total);
    }
}
