//! The present schema as one file, `crates/store/schema.sql`: what all migrations together come to, for reading.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;

const HEAD: &str = "\
-- The present schema, for reading: what the migrations in src/sqlite/migrations together come to. Generated; do not edit.
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
