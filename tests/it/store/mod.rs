//! `ultra auth` and `ultra db` beside real stores.

mod auth;
mod db;
