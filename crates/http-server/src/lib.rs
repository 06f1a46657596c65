//! The HTTP server for every router of the process: the API, the pages for people, health checks and metrics.
//!
//! | module | job |
//! |---|---|
//! | `server`, `connections`, `watch` | the accept loop, its time-outs, and how many connections one network may have |
//! | `client` | the address of the client, also behind reverse proxies |
//! | `envelope` | a request id, a log line, metrics, and a body for errors without one |
//! | `host`, `line_endings`, `refusal` | malformed requests, including those that hyper answers by itself |
//! | `methods` | the routes of a table, and 405 with `Allow` for other methods |
//! | `read`, `lingering` | request bodies: their limits, and those dropped before their end |
//! | `gate` | how much memory large bodies may take, of each account and in all |
//!
//! It knows neither accounts nor the shape of an error's JSON: an account is any key, and [`ErrorBody`] writes the errors that no
//! router has answered. So routers stand on this crate and not on each other.
//!
//! Decided against: `axum::serve`, which has no time-outs, so that a client that sends half a head keeps its connection for ever; and
//! keeping this in `api`, where the pages would depend on the REST API for a socket.

mod client;
mod connections;
mod envelope;
mod error;
mod gate;
mod host;
mod line_endings;
mod lingering;
mod methods;
mod read;
mod refusal;
mod server;
mod settings;
mod watch;

pub use client::{Client, network_of};
pub use error::{Cause, ErrorBody, ServerError};
pub use gate::{Full, Gate, Permit};
pub use methods::{RouteFn, routes_by_path};
pub use read::{ReadError, read_body};
pub use server::{Stopping, serve};
pub use settings::Settings;
