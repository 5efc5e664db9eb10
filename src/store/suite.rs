//! One suite for both stores.
