//! The progress of an import: a bar on a terminal, otherwise a line from time to time. It goes to standard error; standard output
//! has the report.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Counts files.
pub(super) struct Progress {
    all: usize,
    done: usize,
    refused: usize,
    terminal: bool,
    started: Instant,
    shown: Instant,
}

/// How often a bar moves at most.
const BAR: Duration = Duration::from_millis(100);
/// How often a line is written.
const LINE: Duration = Duration::from_secs(5);
/// The characters of the bar.
const WIDTH: usize = 30;

impl Progress {
    pub(super) fn new(all: usize) -> Progress {
        let (terminal, now) = (std::io::stderr().is_terminal(), Instant::now());
        Progress { all, done: 0, refused: 0, terminal, started: now, shown: now }
    }

    pub(super) fn step(&mut self, refused: bool) {
        self.done += 1;
        self.refused += usize::from(refused);
        if self.shown.elapsed() >= if self.terminal { BAR } else { LINE } {
            self.show();
        }
    }

    /// Leaves the cursor at the start of a line.
    pub(super) fn finish(&mut self) {
        if self.terminal {
            self.show();
            write("\n");
        }
    }

    fn show(&mut self) {
        self.shown = Instant::now();
        let text = text(self.done, self.all, self.refused, self.started.elapsed());
        if self.terminal {
            let full = (WIDTH * self.done).checked_div(self.all).unwrap_or(WIDTH);
            write(&format!("\r[{}{}] {text}\x1b[K", "=".repeat(full), " ".repeat(WIDTH - full)));
        } else {
            write(&format!("{text}\n"));
        }
    }
}

fn text(done: usize, all: usize, refused: usize, elapsed: Duration) -> String {
    let refused = if refused == 0 { String::new() } else { format!(", {refused} refused") };
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = (all - done.min(all)) as f64 / rate.max(0.001);
    format!("{done} of {all} files{refused}, {rate:.0}/s, {left:.0} s left")
}

/// A reader that is gone is no reason to stop.
fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_estimated_from_what_was_done() {
        assert_eq!(text(50, 200, 0, Duration::from_secs(10)), "50 of 200 files, 5/s, 30 s left");
        assert_eq!(text(200, 200, 3, Duration::from_secs(10)), "200 of 200 files, 3 refused, 20/s, 0 s left");
    }
}
