//! Several servers on one PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{Server, describe, run, zonewright};
use crate::postgres;

/// Servers with data directories of their own and one key.
pub(crate) struct Nodes {
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Nodes {
    pub(crate) fn new() -> Nodes {
        Nodes { url: postgres::empty_database(), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn start(&self, name: &str) -> Server {
        let data = self.folder.path().join(name);
        fs::create_dir_all(&data).unwrap();
        let key = self.folder.path().join("secret.key");
        if key.exists() {
            fs::copy(&key, data.join("secret.key")).unwrap();
        }
        let server = Server::start_in_with(&data, &[("ZONEWRIGHT_DATABASE", &self.url)], &[]);
        if !key.exists() {
            fs::copy(data.join("secret.key"), &key).unwrap();
        }
        server
    }

    pub(crate) fn command(&self, data: &Path, arguments: &[&str]) -> Command {
        let mut command = zonewright(data, arguments);
        command.env("ZONEWRIGHT_DATABASE", &self.url);
        command
    }

    pub(crate) fn token(&self, server: &Server) -> String {
        let arguments = [
            "token",
            "create",
            "--account",
            "admin@localhost",
            "--name",
            "t",
            "--permission",
            "dns:*",
            "--expires",
            "1d",
        ];
        let made = run(&mut self.command(server.data(), &arguments));
        assert!(made.status.success(), "{}", describe(&made));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }
}
