//! Forms with files: `multipart/form-data` (RFC 7578) as browsers send it, from a complete body in memory.
//!
//! Decided against: a crate for it. They read streams, with an asynchronous reader and a table of character sets. Here the body
//! is limited, it has few parts, and anything other than what browsers send is refused.

/// The most parts that a form may have.
const MOST: usize = 64;

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    /// Whether it is a file input; it is empty if the user chose no file.
    pub(super) is_file: bool,
    pub(super) content: &'a [u8],
}

/// The fields of a body of this content type. `None` where it is not such a form, or cut off.
pub(super) fn read<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line before it.
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let (head, after) = split(rest.strip_prefix(b"\r\n")?, b"\r\n\r\n")?;
        let (content, after) = split(after, delimiter.as_bytes())?;
        if parts.len() == MOST {
            return None;
        }
        parts.push(part(head, content)?);
        rest = after;
    }
}

fn part<'a>(head: &[u8], content: &'a [u8]) -> Option<Part<'a>> {
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value.trim())
    })?;
    let parameters = disposition.strip_prefix("form-data")?;
    let is_file = parameter(parameters, "filename").is_some();
    Some(Part { name: parameter(parameters, "name")?, is_file, content })
}

/// The value of a parameter among `; name=value; name="value"`. In quotes a backslash stands before what it keeps; browsers write
/// a quote as `%22`, and no field of ours has one.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text.trim_start_matches([';', ' ', '\t']);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, end) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = end.trim_start_matches([';', ' ', '\t']);
    }
    None
}

/// A quoted value, and what follows its last quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// What stands before and after the first `mark`.
fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=----WebKitFormBoundaryx";

    fn body(parts: &[&str]) -> String {
        let parts: String = parts.iter().map(|part| format!("------WebKitFormBoundaryx\r\n{part}\r\n")).collect();
        format!("{parts}------WebKitFormBoundaryx--\r\n")
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        let good = body(&["Content-Disposition: form-data; name=\"a\"\r\n\r\n1"]);
        assert!(read(KIND, good.as_bytes()).is_some());
        for kind in
            ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x", "text/plain; a=b"]
        {
            assert_eq!(read(kind, good.as_bytes()), None, "{kind}");
        }
        for end in 0..good.len() - 4 {
            assert_eq!(read(KIND, &good.as_bytes()[..end]), None, "cut off at {end}");
        }
        for part in [
            "Content-Disposition: form-data\r\n\r\n1",
            "Content-Disposition: form-data; name=\"a\r\n\r\n1",
            "Content-Disposition: attachment; name=\"a\"\r\n\r\n1",
            "Content-Type: text/plain\r\n\r\n1",
            "1",
        ] {
            assert_eq!(read(KIND, body(&[part]).as_bytes()), None, "{part:?}");
        }
        let many = vec!["Content-Disposition: form-data; name=\"a\"\r\n\r\n1"; MOST + 1];
        assert_eq!(read(KIND, body(&many).as_bytes()), None);
        assert!(read(KIND, body(&many[1..]).as_bytes()).is_some());
    }

    #[test]
    fn fields_and_files_are_read_as_they_were_sent() {
        let text = body(&[
            "Content-Disposition: form-data; name=\"csrf\"\r\n\r\n0123",
            "content-disposition: form-data; name=file; filename=\"a; name=\\\"b\\\".zone\"\r\nContent-Type: text/dns\r\n\r\n@ A 192.0.2.1\r\n--\r\n",
            "Content-Disposition: form-data; name=\"none\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        ]);
        let part = |name: &str, is_file, content: &'static str| Part {
            name: name.to_owned(),
            is_file,
            content: content.as_bytes(),
        };
        assert_eq!(
            read(KIND, text.as_bytes()).unwrap(),
            [part("csrf", false, "0123"), part("file", true, "@ A 192.0.2.1\r\n--\r\n"), part("none", true, "")]
        );
        assert_eq!(read(KIND, b"------WebKitFormBoundaryx--\r\n").unwrap(), []);
    }
}
