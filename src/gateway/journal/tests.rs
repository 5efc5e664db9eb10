//! What a journal survives.

use super::*;
use crate::settings::groups::MigrateMode;
use crate::store::testing::{Flaky, usage_row};
use crate::store::{DatabaseOptions, Store, open};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

fn options(dir: &Path) -> JournalOptions {
    JournalOptions {
        dir: dir.join("journal"),
        max_bytes: 1 << 20,
        segment_bytes: 4 << 10,
        interval: Duration::from_millis(10),
    }
}

async fn store(dir: &Path) -> Arc<Flaky> {
    let options = DatabaseOptions {
        url: None,
        url_by_root: false,
        sqlite_path: dir.join("x.db"),
        pool_size: 1,
        timeout: Duration::from_secs(10),
        migrate: Some(MigrateMode::Auto),
        protected: false,
    };
    Arc::new(Flaky::new(open(&options).await.unwrap()))
}

/// Opens the journal, passes everything on, and closes it again.
async fn drain(dir: &Path, store: &Arc<Flaky>) -> JournalStatus {
    let journal = Journal::open(options(dir)).unwrap();
    let tasks = start(&journal, Arc::clone(store) as Arc<dyn Store>);
    tasks.stop(Duration::from_secs(30)).await;
    journal.status()
}

async fn count(store: &Arc<Flaky>) -> u64 {
    store.count_usage().await.unwrap()
}

async fn eventually(what: &str, mut probe: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !probe().await {
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn segments(journal: &Path) -> Vec<PathBuf> {
    let numbers = segment::list(journal).unwrap();
    numbers.into_iter().map(|n| segment::path(journal, n)).collect()
}

#[tokio::test]
async fn rows_reach_the_store_once_and_segments_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let journal = Journal::open(options(dir.path())).unwrap();
    let tasks = start(&journal, Arc::clone(&store) as Arc<dyn Store>);
    for n in 0..1_200 {
        journal.append(usage_row(n)).unwrap();
    }
    eventually("all rows", async || count(&store).await == 1_200).await;
    eventually("the cursor", async || journal.status().pending_bytes == 0).await;
    assert_eq!(segments(journal.dir()).len(), 1, "taken segments are deleted");
    let status = journal.status();
    assert_eq!((status.appended, status.stored, status.damaged), (1_200, 1_200, 0));
    tasks.stop(Duration::from_secs(10)).await;
    assert_eq!(store.recent_usage(1).await.unwrap(), [usage_row(1_199)]);
    drop(journal);
    // Nothing is passed on twice, and were it so, nothing would count twice.
    assert_eq!(drain(dir.path(), &store).await.stored, 0);
    std::fs::remove_file(dir.path().join("journal/0001/cursor")).unwrap();
    drain(dir.path(), &store).await;
    assert_eq!(count(&store).await, 1_200);
}

#[tokio::test]
async fn what_comes_while_the_store_works_waits_for_the_next_round() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let journal = Journal::open(JournalOptions { segment_bytes: 1 << 20, ..options(dir.path()) });
    let journal = journal.unwrap();
    for n in 0..1_200 {
        journal.append(usage_row(n)).unwrap();
    }
    let mut follower = reader::Follower::new(journal.dir().to_owned());
    let pending = journal.status().pending_bytes;
    for (due, stored) in [(1, 500), (pending / 2, 1_200), (pending, 1_200)] {
        follower.follow(&journal, true, due, &*store).await.unwrap();
        assert_eq!(count(&store).await, stored);
    }
    assert_eq!(journal.status().pending_bytes, 0);
}

#[tokio::test]
async fn rows_wait_for_a_store_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    store.away.store(true, Ordering::SeqCst);
    let journal = Journal::open(options(dir.path())).unwrap();
    let tasks = start(&journal, Arc::clone(&store) as Arc<dyn Store>);
    for n in 0..50 {
        journal.append(usage_row(n)).unwrap();
    }
    eventually("the error", async || journal.status().last_error.is_some()).await;
    assert!(journal.status().pending_bytes > 0 && journal.status().writable);
    store.away.store(false, Ordering::SeqCst);
    eventually("all rows", async || count(&store).await == 50).await;
    eventually("no error", async || journal.status().last_error.is_none()).await;

    // Away again at the end: stopping does not wait for it, and the next owner has the rows.
    store.away.store(true, Ordering::SeqCst);
    journal.append(usage_row(50)).unwrap();
    let begin = Instant::now();
    tasks.stop(Duration::from_secs(5)).await;
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    drop(journal);
    store.away.store(false, Ordering::SeqCst);
    assert_eq!(drain(dir.path(), &store).await.stored, 1);
    assert_eq!(count(&store).await, 51);
}

#[test]
fn a_journal_cut_at_any_byte_loses_only_what_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    for n in 0..3 {
        journal.append(usage_row(n)).unwrap();
    }
    let path = segments(journal.dir()).remove(0);
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n + 1).collect();
    assert_eq!(ends.len(), 3);
    // What follows the cut: a segment of the next owner, as `Journal::open` begins it.
    let next = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(next.path())).unwrap();
    journal.append(usage_row(9)).unwrap();
    let next = std::fs::read(segments(journal.dir()).remove(0)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(segment::path(dir.path(), 2), next).unwrap();
    for cut in 0..=whole.len() {
        std::fs::write(segment::path(dir.path(), 1), &whole[..cut]).unwrap();
        let mut rows = Vec::new();
        let mut damaged = 0;
        let mut cursor = segment::Cursor::default();
        loop {
            let batch =
                reader::read(dir.path(), cursor, segment::Cursor { segment: 2, offset: u64::MAX })
                    .unwrap();
            if batch.next == cursor {
                break;
            }
            rows.extend(batch.rows);
            damaged += batch.damaged;
            cursor = batch.next;
        }
        let kept = u32::try_from(ends.iter().filter(|end| **end <= cut).count()).unwrap();
        let expected: Vec<UsageRow> = (0..kept).chain([9]).map(usage_row).collect();
        assert_eq!(rows, expected, "cut at {cut}");
        let torn = cut != 0 && !ends.contains(&cut);
        assert_eq!(damaged, u64::from(torn), "cut at {cut}");
    }
}

#[tokio::test]
async fn damage_in_the_middle_costs_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let journal = Journal::open(options(dir.path())).unwrap();
    for n in 0..5 {
        journal.append(usage_row(n)).unwrap();
    }
    let path = segments(journal.dir()).remove(0);
    drop(journal);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x01;
    std::fs::write(&path, bytes).unwrap();
    let status = drain(dir.path(), &store).await;
    assert_eq!((status.stored, status.damaged), (4, 1));
    assert_eq!(count(&store).await, 4);
}

#[tokio::test]
async fn segments_of_idle_owners_do_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    for _ in 0..5 {
        drain(dir.path(), &store).await;
        assert_eq!(segments(&dir.path().join("journal/0001")).len(), 1);
    }
    // Rows that wait are kept, whoever comes by.
    store.away.store(true, Ordering::SeqCst);
    Journal::open(options(dir.path())).unwrap().append(usage_row(1)).unwrap();
    for _ in 0..3 {
        drop(Journal::open(options(dir.path())).unwrap());
    }
    store.away.store(false, Ordering::SeqCst);
    assert_eq!(drain(dir.path(), &store).await.stored, 1);
}

#[test]
fn a_full_journal_refuses_and_takes_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = JournalOptions { max_bytes: 2_000, ..options(dir.path()) };
    let journal = Journal::open(bounds.clone()).unwrap();
    let mut kept = 0;
    let error = loop {
        match journal.append(usage_row(kept)) {
            Ok(()) => kept += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(error, JournalError::Full { .. }), "{error}");
    assert!(kept > 1 && !journal.status().writable);
    drop(journal);
    // The bound counts what an earlier owner left.
    let journal = Journal::open(bounds.clone()).unwrap();
    assert!(matches!(journal.append(usage_row(1)), Err(JournalError::Full { .. })));
    drop(journal);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = store(dir.path()).await;
        assert_eq!(drain(dir.path(), &store).await.stored, u64::from(kept));
    });
    let journal = Journal::open(bounds).unwrap();
    journal.append(usage_row(1)).unwrap();
    assert!(journal.status().writable);
}

#[test]
fn a_directory_that_is_gone_is_an_error_and_not_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let own = journal.dir().to_owned();
    let moved = dir.path().join("moved");
    std::fs::rename(&own, &moved).unwrap();
    // The open segment is still written; the next one cannot be made.
    let mut kept = 0;
    let error = loop {
        match journal.append(usage_row(kept)) {
            Ok(()) => kept += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(error, JournalError::Unusable { .. }), "{error}");
    std::fs::rename(&moved, &own).unwrap();
    journal.append(usage_row(kept)).unwrap();
    let lines: usize = segments(&own)
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap().lines().count())
        .sum();
    assert_eq!(lines, usize::try_from(kept).unwrap() + 1);
    assert!(
        Journal::open(JournalOptions { dir: "/proc/journal".into(), ..options(&own) }).is_err()
    );
}

#[tokio::test]
async fn journals_of_the_dead_are_replayed_and_those_of_the_living_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let alive = Journal::open(options(dir.path())).unwrap();
    let dead = Journal::open(options(dir.path())).unwrap();
    let also_dead = Journal::open(options(dir.path())).unwrap();
    for (journal, name) in [(&alive, "0001"), (&dead, "0002"), (&also_dead, "0003")] {
        assert!(journal.dir().ends_with(name), "{:?}", journal.dir());
    }
    alive.append(usage_row(1)).unwrap();
    for n in 10..20 {
        dead.append(usage_row(n)).unwrap();
        also_dead.append(usage_row(n + 10)).unwrap();
    }
    let left = also_dead.dir().to_owned();
    drop((dead, also_dead));
    assert_eq!(drain(dir.path(), &store).await.stored, 20);
    assert!(segments(&left).is_empty(), "nobody writes there, and all of it was taken");
    assert_eq!(count(&store).await, 20);
    drop(alive);
    assert_eq!(drain(dir.path(), &store).await.stored, 1);
    // A place that was emptied is a good place for new rows.
    let again: Vec<_> = (0..3).map(|_| Journal::open(options(dir.path())).unwrap()).collect();
    for (n, journal) in again.iter().enumerate() {
        journal.append(usage_row(u32::try_from(n).unwrap() + 100)).unwrap();
    }
    drop(again);
    assert_eq!(drain(dir.path(), &store).await.stored, 3);
}

#[tokio::test]
async fn a_row_that_is_never_taken_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let inner = store(dir.path()).await;
    let store = Arc::new(Flaky { rejects: Some("bad"), ..Flaky::new(inner) });
    let journal = Journal::open(options(dir.path())).unwrap();
    for n in 0..10 {
        let model = if n == 4 { "bad" } else { "good" };
        journal.append(UsageRow { model: model.into(), ..usage_row(n) }).unwrap();
    }
    drop(journal);
    let status = drain(dir.path(), &store).await;
    assert_eq!(status.rejected, 1);
    assert_eq!(count(&store).await, 9);
    let aside = std::fs::read_to_string(dir.path().join("journal/0001/rejected.log")).unwrap();
    let row = frame::decode(aside.trim_end().as_bytes()).unwrap();
    assert_eq!(row.id, usage_row(4).id);
}

#[tokio::test]
async fn a_rejected_row_is_set_aside_once_however_often_the_store_goes_away() {
    let dir = tempfile::tempdir().unwrap();
    let inner = store(dir.path()).await;
    let store = Flaky { rejects: Some("bad"), ..Flaky::new(inner) };
    let journal = Journal::open(JournalOptions { segment_bytes: 1 << 20, ..options(dir.path()) });
    let journal = journal.unwrap();
    for n in 0..10 {
        let model = if n == 2 || n == 6 { "bad" } else { "good" };
        journal.append(UsageRow { model: model.into(), ..usage_row(n) }).unwrap();
    }
    let mut follower = reader::Follower::new(journal.dir().to_owned());
    let pending = journal.status().pending_bytes;
    // All at once, then one by one: away behind the first of them, behind the second, and at once.
    for (taken, rejected) in [(5, 1), (9, 2), (0, 2)] {
        store.away.store(false, Ordering::SeqCst);
        store.leaves_after.store(taken, Ordering::SeqCst);
        let outcome = follower.follow(&journal, true, pending, &store).await;
        assert!(outcome.is_err());
        assert_eq!(journal.status().rejected, rejected);
    }
    store.away.store(false, Ordering::SeqCst);
    store.leaves_after.store(u32::MAX, Ordering::SeqCst);
    follower.follow(&journal, true, pending, &store).await.unwrap();
    let status = journal.status();
    assert_eq!((status.rejected, status.pending_bytes), (2, 0));
    assert_eq!(store.count_usage().await.unwrap(), 8);
    let aside = std::fs::read_to_string(dir.path().join("journal/0001/rejected.log")).unwrap();
    let ids: Vec<_> =
        aside.lines().map(|line| frame::decode(line.as_bytes()).unwrap().id).collect();
    assert_eq!(ids, [usage_row(2).id, usage_row(6).id]);
}

#[tokio::test]
async fn what_a_client_makes_long_is_shortened() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let journal = Journal::open(options(dir.path())).unwrap();
    let model = "\u{1f600}\0\n".repeat(1 << 20).into();
    journal.append(UsageRow { model, ..usage_row(1) }).unwrap();
    journal.append(usage_row(2)).unwrap();
    drop(journal);
    let status = drain(dir.path(), &store).await;
    assert_eq!((status.stored, status.damaged), (2, 0));
    assert_eq!(store.recent_usage(2).await.unwrap()[1].model.chars().count(), 256);
}

#[test]
fn threads_do_not_tear_each_others_rows() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(JournalOptions { max_bytes: 1 << 30, ..options(dir.path()) });
    let journal = journal.unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..200 {
                    journal.append(usage_row(thread * 1_000 + n)).unwrap();
                    if n % 50 == 0 {
                        journal.sync().unwrap();
                    }
                }
            });
        }
    });
    let mut ids: Vec<_> = segments(journal.dir())
        .iter()
        .flat_map(|path| {
            std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .map(|line| frame::decode(line.as_bytes()).unwrap().id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_600);
}
