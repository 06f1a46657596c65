//! A nameserver of a test, run on a configuration as it was printed; ended when the value is dropped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to come up.
const START: Duration = Duration::from_secs(30);

/// A running nameserver. When the test panics, its log is printed.
#[derive(Debug)]
pub(crate) struct Daemon {
    log: PathBuf,
    process: Child,
}

impl Daemon {
    /// `named -g -c FILE`, up and running.
    pub(crate) fn named(config: &Path) -> Daemon {
        let mut command = Command::new("named");
        command.args(["-g", "-n", "1", "-c"]).arg(config);
        Daemon::start(command, config, " running\n")
    }

    /// `knotd -c FILE`, up and running.
    pub(crate) fn knotd(config: &Path) -> Daemon {
        let mut command = Command::new("knotd");
        command.arg("-c").arg(config);
        Daemon::start(command, config, "server started in the foreground")
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn start(mut command: Command, config: &Path, is_up: &str) -> Daemon {
        let log = config.with_extension("log");
        let file = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut daemon = Daemon { log, process };
        let deadline = Instant::now() + START;
        while !daemon.log().contains(is_up) {
            let ended = daemon.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}");
            assert!(Instant::now() < deadline, "it did not come up");
            std::thread::sleep(Duration::from_millis(10));
        }
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}
