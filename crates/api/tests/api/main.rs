//! The API as its clients meet it: a real store in a temporary folder, a real listener, real connections.

mod anything;
mod concurrency;
mod contract;
mod errors;
mod lists;
mod log;
mod records;
mod routes;
mod server;
mod slow;
mod tls;
