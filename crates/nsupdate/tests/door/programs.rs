//! nsupdate and knsupdate, as people use them.

use store::*;

use crate::common::Door;

#[tokio::test(flavor = "multi_thread")]
async fn nsupdate_finds_the_zone_and_changes_it() {
    let door = Door::with("old 60 TXT x\nold 60 A 192.0.2.1\ngone 60 A 192.0.2.2").await;
    let key = door.key().await;
    let before = door.serial().await;
    // No zone line: it asks for the SOA of the first name, signed.
    let lines = "update add x.y.z.example.test. 60 TXT \"a b\"
        update add new.example.test. 300 A 192.0.2.50
        update delete new.example.test. A 192.0.2.51
        update delete old.example.test. TXT
        update delete gone.example.test.";
    door.nsupdate(&key, &[], lines).await.unwrap();
    let expected = ["new 300 A 192.0.2.50", "old 60 A 192.0.2.1", "x.y.z 60 TXT \"a b\""];
    assert_eq!(door.content().await, expected);
    let version = door.version().await;
    assert_eq!((version.source, version.by.unwrap().name.as_str()), (Source::Rfc2136, "a key"));
    assert!(version.serial.0 > before);
    assert_eq!(version.counts, Counts { added: 2, removed: 2, changed: 0 }, "one version");
    // Over TCP, and again: nothing changes, and nothing is an error.
    door.nsupdate(&key, &["-v"], lines).await.unwrap();
    assert_eq!(door.serial().await, version.serial.0);
    assert_eq!(door.refusals(&key).await, []);
    // The SOA is ours, and so are the operator's nameservers.
    let ignored = "update add example.test. 60 SOA a. b. 1 2 3 4 5
        update add example.test. 60 NS ns1.example.net.
        update delete example.test. NS
        update delete example.test.";
    door.nsupdate(&key, &[], &format!("zone example.test.\n{ignored}")).await.unwrap();
    assert_eq!(door.serial().await, version.serial.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_algorithms_sign() {
    let door = Door::open().await;
    for (number, algorithm) in KeyAlgorithm::ALL.iter().enumerate() {
        let key = door.key_with(|new| new.algorithm = *algorithm).await;
        for (program, last) in [("nsupdate", 1), ("knsupdate", 2)] {
            let line = format!("update add a{number}.example.test. 60 A 192.0.2.{last}");
            match program {
                "nsupdate" => door.nsupdate(&key, &["-v"], &line).await.unwrap(),
                _ => door.knsupdate(&key, &line).await.unwrap(),
            }
        }
    }
    assert_eq!(door.content().await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn prerequisites_decide() {
    let door = Door::with("www 60 A 192.0.2.1").await;
    let key = door.key().await;
    let before = door.serial().await;
    for (line, rcode) in [
        ("prereq nxdomain www.example.test.", "YXDOMAIN"),
        ("prereq yxdomain new.example.test.", "NXDOMAIN"),
        ("prereq nxrrset www.example.test. A", "YXRRSET"),
        ("prereq yxrrset www.example.test. AAAA", "NXRRSET"),
        ("prereq yxrrset www.example.test. A 192.0.2.2", "NXRRSET"),
        ("prereq yxrrset www.example.test. A 192.0.2.1", ""),
        ("prereq nxdomain new.example.test.", ""),
        ("prereq yxrrset example.test. SOA", ""),
    ] {
        let step = "update add new.example.test. 60 A 192.0.2.9";
        // A message of prerequisites only is a question, which makes no version.
        let asked = door.nsupdate(&key, &[], &format!("zone example.test.\n{line}")).await;
        let failed = asked.as_ref().err().map_or("", |text| text.rsplit(' ').next().unwrap());
        assert_eq!(failed, rcode, "{line}: {asked:?}");
        assert_eq!(door.serial().await, before, "{line}");
        if !rcode.is_empty() {
            assert!(door.nsupdate(&key, &[], &format!("{line}\n{step}")).await.is_err());
            assert_eq!(door.serial().await, before, "{line}");
        }
    }
    let all = "prereq nxdomain new.example.test.\nupdate add new.example.test. 60 A 192.0.2.9";
    door.nsupdate(&key, &[], all).await.unwrap();
    assert_eq!(door.nsupdate(&key, &[], all).await.unwrap_err(), "update failed: YXDOMAIN");
    assert_eq!(door.refusals(&key).await, [], "what a prerequisite says is no refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_are_taken_whole() {
    let door = Door::open().await;
    let key = door.key().await;
    // 60,000 octets over TCP, and 10,000 over UDP.
    let text = "x".repeat(200);
    let lines = |from: usize, count: usize| {
        let line = |number| format!("update add n{number}.example.test. 60 TXT {text}\n");
        (from..from + count).map(line).collect::<String>()
    };
    door.nsupdate(&key, &["-v"], &lines(0, 260)).await.unwrap();
    door.knsupdate(&key, &lines(1000, 45)).await.unwrap();
    assert_eq!(door.content().await.len(), 305);
    // More records than the writer takes at once.
    let many = |action: &str| -> String {
        (0..1_500).map(|number| format!("update {action} m{number}.example.test. 60 A 192.0.2.1\n")).collect()
    };
    door.nsupdate(&key, &["-v"], &many("add")).await.unwrap();
    assert_eq!(door.content().await.len(), 1_805);
    let before = door.serial().await;
    door.nsupdate(&key, &["-v"], &many("add")).await.unwrap();
    assert_eq!(door.serial().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once_lose_nothing() {
    let door = Door::open().await;
    let key = door.key().await;
    let one = |client: usize| {
        let (door, key) = (&door, &key);
        async move {
            let lines: String = (0..20)
                .map(|number| format!("update add shared.example.test. 60 A 10.{client}.0.{number}\nsend\n"))
                .collect();
            door.nsupdate(key, &[], &lines).await.unwrap();
        }
    };
    tokio::join!(one(1), one(2), one(3), one(4));
    assert_eq!(door.content().await.len(), 80);
}
