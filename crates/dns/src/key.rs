//! A byte string that sorts names in the canonical order of RFC 4034, section 6.1.
//!
//! The labels are in order from the root downwards, each ended by a zero octet. Inside a label, 0 becomes `01 01` and 1 becomes
//! `01 02`, so that a zero always ends a label. Comparing two keys octet by octet gives the canonical order, and "is below" is
//! "starts with": one encoding serves the nameserver's tree, the database's indexes and the rules.

/// Appends `label` to a key. Labels come from the root downwards.
pub fn push_label(key: &mut Vec<u8>, label: &[u8]) {
    for &octet in label {
        match octet {
            0 => key.extend([1, 1]),
            1 => key.extend([1, 2]),
            other => key.push(other),
        }
    }
    key.push(0);
}

/// The labels of a key, from the root downwards, still escaped.
pub fn raw_labels(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    key.split_inclusive(|&octet| octet == 0).map(|label| label.strip_suffix(&[0]).unwrap_or(label))
}

/// The octets of one escaped label.
pub fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut label = Vec::with_capacity(raw.len());
    let mut octets = raw.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            1 => label.push(octets.next().map_or(0, |&code| code.saturating_sub(1))),
            other => label.push(other),
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_comes_back_and_sorts_as_it_should() {
        let all: Vec<u8> = (0..=255).collect();
        let mut key = Vec::new();
        push_label(&mut key, &all);
        push_label(&mut key, b"b");
        let labels: Vec<_> = raw_labels(&key).map(unescape).collect();
        assert_eq!(labels, [all, b"b".to_vec()]);

        let mut previous = Vec::new();
        for octet in 0..=255u8 {
            let mut key = Vec::new();
            push_label(&mut key, &[octet]);
            assert!(previous < key, "octet {octet} sorts after the one before");
            previous = key;
        }
    }
}
