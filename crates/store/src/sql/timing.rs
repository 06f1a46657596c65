//! How long operations of the store take: a debug line for each, inside the span of the request that waits for it, and a warning
//! for a slow one. The time includes the wait for a thread, and for a write the commit.
//!
//! An operation is named by the type of its closure, so that no caller has to pass a name.

use std::time::{Duration, Instant};

/// Reads of a few rows, and everything that the writer does.
pub(super) const SHORT: Duration = Duration::from_secs(1);
/// Reads of whole zones and long lists.
pub(super) const LONG: Duration = Duration::from_secs(10);

/// Waits for `work`, which the closure `F` does, and logs how long it took: as a warning from `slow` on.
pub(super) async fn timed<F, T>(slow: Option<Duration>, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let result = work.await;
    let elapsed = started.elapsed();
    let duration_ms = elapsed.as_secs_f64() * 1000.0;
    let operation = operation(std::any::type_name::<F>());
    if slow.is_some_and(|slow| elapsed >= slow) {
        tracing::warn!(operation, duration_ms, "a slow operation of the store");
    } else {
        tracing::debug!(operation, duration_ms, "an operation of the store");
    }
    result
}

/// The function in a closure's path: `zones` in `store::sql::<impl store::Store>::zones<T>::{{closure}}`.
fn operation(path: &'static str) -> &'static str {
    let mut path = path;
    while let Some(rest) = path.strip_suffix("::{{closure}}") {
        path = rest;
    }
    let mut depth = 0;
    let generic = path.bytes().rposition(|octet| {
        match octet {
            b'>' => depth += 1,
            b'<' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let path = if path.ends_with('>') { &path[..generic.unwrap_or(0)] } else { path };
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_the_function_around_its_closure() {
        for (path, expected) in [
            ("store::sql::accounts::all", "all"),
            ("store::sql::sessions::<impl store::People>::session::{{closure}}::{{closure}}", "session"),
            ("store::<impl store::Store>::visit<alloc::vec::Vec<u8>>::{{closure}}", "visit"),
        ] {
            assert_eq!(operation(path), expected);
        }
    }
}
