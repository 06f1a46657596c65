//! The API as its clients meet it: a real store in a temporary folder, a real listener, real connections.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod anything;
mod browsers;
mod changes;
mod concurrency;
mod connections;
mod contract;
mod description;
mod errors;
mod history;
mod keys;
mod lists;
mod log;
mod long_answers;
mod model;
mod nameservers;
#[path = "../../../store/tests/common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres;
mod proof;
mod proxies;
mod record_types;
mod records;
mod routes;
mod server;
mod settings;
mod slow;
mod tags;
mod tls;
mod update_keys;
mod values;
mod zone_files;
