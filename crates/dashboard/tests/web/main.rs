//! The pages as a browser meets them: a real store in a temporary folder, a real listener, cookies, redirects that are looked
//! at and not followed. What is refused comes first.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod accounts;
mod browser;
mod claims;
mod forgotten;
mod frame;
mod guessing;
mod import;
mod keys;
mod operator;
mod owner_mail;
#[path = "../../../store/tests/common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres;
mod proxies;
mod routes;
mod settings;
mod signing_in;
#[path = "../../../mail/tests/smtp_server/mod.rs"]
#[expect(dead_code, reason = "each program that includes it uses a part of it")]
mod smtp_server;
mod tokens;
mod zones;
