//! The HTTP server for every router of the process: the API, the dashboard, health checks and metrics.
//!
//! | module | purpose |
//! |---|---|
//! | `server`, `connections`, `watch` | the accept loop, its time-outs, and how many connections one network can have |
//! | `client` | the address of the client, also behind reverse proxies |
//! | `envelope` | a request id, a log line, metrics, and a body for errors without one |
//! | `host`, `line_endings`, `refusal` | malformed requests, including those that hyper refuses by itself |
//! | `methods` | the routes of a table, and 405 with `Allow` for other methods |
//! | `read`, `lingering` | request bodies: their limits, and bodies that are not read to the end |
//! | `gate` | the memory of large bodies, per account and in total |
//! | `limits` | rate limits, and what all routers count together |
//!
//! It does not know accounts or the JSON of errors: an account is any key, and [`ErrorBody`] writes the errors that no handler
//! produced. So routers depend on this crate and not on each other.
//!
//! Decided against: `axum::serve`, which has no time-outs, so that a client that sends half a head keeps its connection forever;
//! and keeping this code in `api`, which would make the dashboard depend on the REST API.

mod client;
mod connections;
mod envelope;
mod error;
mod gate;
mod host;
mod limits;
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
pub use limits::{Limiter, Limits, TooMany};
pub use methods::{RouteFn, routes_by_path};
pub use read::{ReadError, read_body};
pub use server::{Stopping, serve};
pub use settings::Settings;
