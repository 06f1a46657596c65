//! The present schema as one file, `crates/store/schema.sql`: what all migrations together come to, for reading.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;

use super::plans::postgres;

const HEAD: &str = "\
-- The present schema, for reading: what the migrations in src/sql/migrations together come to. Generated; do not edit.
-- After a new migration: WRITE_SCHEMA=1 cargo test --workspace --lib schema_file
--
-- Times are milliseconds since 1970 (UTC). Names and owners are sort keys (dns::Name::key, dns::OwnerName::key), UUIDs their
-- 16 octets. A number that stands for a state (kind, source, permissions) never changes its meaning.
";

/// Each table by name, followed by its indexes and triggers.
fn schema(connection: &Connection) -> String {
    let sql = "SELECT type, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
               ORDER BY tbl_name, type <> 'table', type, name";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get("type")?, row.get("sql")?))).unwrap();
    let mut text = HEAD.to_owned();
    for row in rows {
        let (kind, sql): (String, String) = row.unwrap();
        match kind.as_str() {
            "table" => write!(text, "\n{};\n", table(&sql)).unwrap(),
            _ => writeln!(text, "{sql};").unwrap(),
        }
    }
    text
}

/// SQLite keeps the text of a table as it was written, and writes later columns behind its last line: here each has a line.
fn table(sql: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in sql.lines() {
        let line = match line.strip_prefix(", ") {
            Some(rest) => {
                lines.last_mut().unwrap().push(',');
                format!("    {}", rest.replacen(") STRICT", "\n) STRICT", 1))
            }
            None => line.to_owned(),
        };
        if line.trim_start().starts_with("--") {
            lines.push(line);
        } else {
            lines.extend(split(&line).lines().map(str::to_owned));
        }
    }
    let is_column = |line: &str| line.starts_with("    ") && line[4..].starts_with(|c: char| c.is_ascii_lowercase());
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    let width = lines.iter().filter(|line| is_column(line)).map(|line| name(line).len()).max().unwrap_or_default();
    for line in lines.iter_mut().filter(|line| is_column(line)) {
        let (name, rest) = line.trim_start().split_once(' ').unwrap();
        *line = format!("    {name:width$} {}", rest.trim_start());
    }
    lines.join("\n")
}

/// Begins a line after each comma that is not in parentheses.
fn split(line: &str) -> String {
    let mut depth = 0;
    let mut text = String::new();
    for c in line.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        text.push(c);
        if c == ',' && depth == 0 {
            text.push_str("\n   ");
        }
    }
    text.trim_end().to_owned()
}

#[test]
fn the_schema_file_is_what_the_migrations_make() {
    let folder = tempfile::tempdir().unwrap();
    let (connection, _) =
        super::open::prepare(&folder.path().join("new.sqlite"), &folder.path().join("secret.key")).unwrap();
    let present = schema(connection.sqlite().unwrap());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql");
    if std::env::var_os("WRITE_SCHEMA").is_some() {
        std::fs::write(&file, &present).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stored == present,
        "schema.sql is not the present schema; write it anew with: WRITE_SCHEMA=1 cargo test --workspace --lib schema_file"
    );
}

/// A migration of one database belongs to one of the other: both have the same columns and indexes.
#[test]
fn both_databases_have_the_same_columns_and_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let file = super::open::prepare(&folder.path().join("new.sqlite"), &folder.path().join("a.key")).unwrap().0;
    let address = crate::Address::parse(&postgres::empty_database()).unwrap();
    let server = super::cluster::prepare(&address, &folder.path().join("b.key")).unwrap().0;
    let names = |connection: &super::db::Connection, sql: &str| -> BTreeSet<String> {
        connection.list(sql, [], super::db::value).unwrap().into_iter().collect()
    };
    let of_file = "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                   WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
                   UNION SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%'";
    let of_server = "SELECT (table_name || '.' || column_name)::text FROM information_schema.columns
                     WHERE table_schema = current_schema() AND table_name NOT IN ('schema_version', 'writers')
                     UNION SELECT i.indexname::text FROM pg_indexes i WHERE i.schemaname = current_schema() AND NOT EXISTS
                         (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)";
    let (of_file, of_server) = (names(&file, of_file), names(&server, of_server));
    assert_eq!(of_file.difference(&of_server).collect::<Vec<_>>(), Vec::<&String>::new(), "PostgreSQL lacks these");
    assert_eq!(of_server.difference(&of_file).collect::<Vec<_>>(), Vec::<&String>::new(), "SQLite lacks these");
}
