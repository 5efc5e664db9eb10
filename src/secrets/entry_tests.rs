//! The states that the versions of a key go through.

use super::*;

fn numbers(entry: &Entry) -> Vec<(u32, State)> {
    entry.versions.iter().map(|v| (v.number, v.state)).collect()
}

#[test]
fn one_version_is_current_and_numbers_are_not_used_again() {
    let mut entry = Entry::default();
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(entry.add(Secret::new("one"), State::Current, now, None), 1);
    assert_eq!(entry.add(Secret::new("two"), State::Pending, now, None), 2);
    entry.discard(2);
    entry.discard(1);
    assert_eq!(numbers(&entry), [(1, State::Current)]);
    assert_eq!(entry.add(Secret::new("three"), State::Pending, now, None), 3);
    assert!(entry.promote(3) && !entry.promote(9));
    assert_eq!(numbers(&entry), [(1, State::Old), (3, State::Current)]);
    assert_eq!(entry.previous().unwrap().number, 1);
}

#[test]
fn the_oldest_versions_go_and_the_current_stays() {
    let mut entry = Entry::default();
    for n in 0..30 {
        entry.add(Secret::new(n.to_string()), State::Current, Timestamp::UNIX_EPOCH, None);
    }
    assert_eq!(entry.versions.len(), KEPT + 1);
    assert_eq!(entry.current().unwrap().number, 30);
    assert_eq!(entry.previous().unwrap().number, 29);
}

#[test]
fn what_its_issuer_can_still_end_is_not_forgotten() {
    let mut entry = Entry::default();
    for n in 0..30 {
        entry.add(Secret::new(n.to_string()), State::Current, Timestamp::UNIX_EPOCH, None);
        if n == 3 {
            let remote = Remote { issuer: "i".into(), project: None, account: None, key: None };
            entry.version_mut(4).unwrap().remote = Some(remote);
        }
    }
    assert_eq!(entry.versions.len(), KEPT + 2);
    assert_eq!(entry.versions[0].number, 4);
}

#[test]
fn the_next_value_may_go_where_the_one_before_may() {
    let mut entry = Entry::default();
    let now = Timestamp::UNIX_EPOCH;
    entry.add(Secret::new("one"), State::Current, now, Some("a".into()));
    entry.version_mut(1).unwrap().allowed = vec!["b".into()];
    for (bound, allowed) in [("a", vec!["b"]), ("c", vec!["a", "b"]), ("b", vec!["a"])] {
        let number = entry.add(Secret::new("two"), State::Pending, now, Some(bound.into()));
        entry.may_go_as(1, number);
        assert_eq!(entry.version_mut(number).unwrap().allowed, allowed);
        entry.discard(number);
    }
    let number = entry.add(Secret::new("two"), State::Pending, now, None);
    entry.may_go_as(1, number);
    let new = entry.version_mut(number).unwrap();
    assert_eq!((new.bound.as_deref(), new.allowed.as_slice()), (Some("a"), &["b".into()][..]));
}

#[test]
fn a_ring_has_who_signs_who_will_and_who_did() {
    let mut entry = Entry::default();
    let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
    for value in ["bad", "idle", "old", "same"] {
        entry.add(Secret::new(value), State::Current, now, None);
    }
    for number in [1, 3] {
        entry.version_mut(number).unwrap().retire_at = Some(later);
    }
    entry.version_mut(1).unwrap().compromised_at = Some(now);
    entry.add(Secret::new("next"), State::Next, now, None);
    entry.add(Secret::new("pending"), State::Pending, now, None);
    entry.add(Secret::new("same"), State::Next, now, None);
    let ring: Vec<_> = entry.ring().into_iter().map(|k| (k.version, k.role)).collect();
    let verifies = |until| RingRole::Verifies { until };
    assert_eq!(ring, [(4, RingRole::Signs), (5, verifies(None)), (3, verifies(Some(later)))]);
    let text = serde_json::to_string(&entry).unwrap();
    let back: Entry = serde_json::from_str(&text).unwrap();
    assert_eq!(back.versions[2].retire_at, Some(later));
    assert!(!text.contains("remote") && !text.contains("disabled_at"), "{text}");
}

#[test]
fn what_is_disabled_or_compromised_does_not_stand_by_in_whatever_version() {
    let mut entry = Entry::default();
    let now = Timestamp::UNIX_EPOCH;
    for value in ["one", "two", "one", "three", "four"] {
        entry.add(Secret::new(value), State::Current, now, None);
    }
    let standby = |entry: &Entry| {
        let fingerprint = |value: &Secret| value.expose().to_owned();
        entry.facts(fingerprint).standby()
    };
    assert_eq!(standby(&entry), [1, 2, 3, 4]);
    entry.version_mut(4).unwrap().retire_at = Some(now);
    assert_eq!(standby(&entry), [1, 2, 3, 4], "a server may be living on it");
    entry.version_mut(2).unwrap().state = State::Disabled;
    assert_eq!(standby(&entry), [1, 3, 4]);
    entry.version_mut(3).unwrap().compromised_at = Some(now);
    assert_eq!(standby(&entry), [4]);
    assert!(entry.facts(|_| String::new()).standby().contains(&1), "nobody can tell");
}
