//! The history of switches: one file a generation, a copy of its record, so that any number of
//! steps can be gone back. What no undo can need any more is kept up to [`KEPT`] generations.

use super::files::Staged;
use crate::base::file;
use crate::report::{Place, Problem};
use crate::settings::switch_record::{self, DotenvStep, SwitchKind, SwitchRecord};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The folder in the state directory.
const FOLDER: &str = "history";

/// Of the newest so many generations every entry is kept. Of older ones only switches that can still
/// be undone: an undo is exact over any number of steps.
pub(super) const KEPT: usize = 1000;

/// Where the entry of a generation stands.
pub(super) fn path(state_dir: &Path, generation: u64) -> PathBuf {
    state_dir.join(FOLDER).join(format!("{generation:08}.json"))
}

/// Makes the entry of `record` ready.
pub(super) fn stage(state_dir: &Path, record: &SwitchRecord) -> io::Result<Staged> {
    let path = path(state_dir, record.generation);
    file::private_folder(&state_dir.join(FOLDER))?;
    Staged::write(&path, &record.to_bytes()?, file::PRIVATE)
}

/// All entries, oldest first.
///
/// # Errors
/// An entry cannot be read or is damaged.
pub(crate) fn read(state_dir: &Path) -> Result<Vec<SwitchRecord>, Problem> {
    let folder = state_dir.join(FOLDER);
    let unreadable = |e: io::Error| {
        Problem::error("history", "cannot read the history").at(Place::file(&folder)).why(e)
    };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(e)),
    };
    let mut records = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|e| e == "json") {
            records.extend(switch_record::read_file(&path)?);
        }
    }
    records.sort_by_key(|r| r.generation);
    Ok(records)
}

/// The switches that can be undone, newest first: those that no undo has taken back.
pub(crate) fn undoable(records: &[SwitchRecord]) -> Vec<&SwitchRecord> {
    let undone: BTreeSet<u64> = records.iter().flat_map(|r| r.undoes.iter().copied()).collect();
    records
        .iter()
        .rev()
        .filter(|r| r.kind == SwitchKind::Switch && !undone.contains(&r.generation))
        .collect()
}

/// The entries that go when only the newest `kept` are kept whole, in the order in which they may
/// go: an undo outlives the switches that it undid, or they would count again.
pub(super) fn surplus(records: &[SwitchRecord], kept: usize) -> Vec<u64> {
    let old = records.len().checked_sub(kept).and_then(|n| records.get(..n)).unwrap_or_default();
    let undone: BTreeSet<u64> = records.iter().flat_map(|r| r.undoes.iter().copied()).collect();
    let of = |kind: SwitchKind| old.iter().filter(move |r| r.kind == kind);
    let mut gone: Vec<u64> =
        of(SwitchKind::Switch).map(|r| r.generation).filter(|g| undone.contains(g)).collect();
    let left: BTreeSet<u64> =
        records.iter().map(|r| r.generation).filter(|g| !gone.contains(g)).collect();
    let free = |r: &&SwitchRecord| !r.undoes.iter().any(|g| left.contains(g));
    gone.extend(of(SwitchKind::Undo).filter(free).map(|r| r.generation));
    gone
}

/// Removes entries. One that cannot be removed ends it: the next switch tries again.
pub(super) fn remove(state_dir: &Path, generations: &[u64]) {
    for generation in generations {
        if file::remove(&path(state_dir, *generation)).is_err() {
            return;
        }
    }
}

/// Why no undo leads to where things stood after a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoWay {
    /// There is no such generation.
    Unknown,
    /// The switch `undone`, which had a part in it, was undone by the generation `by`.
    Forth {
        /// The switch.
        undone: u64,
        /// The undo.
        by: u64,
    },
}

/// How many steps an undo takes to where things stood after `generation`; 0 is before the first.
///
/// # Errors
/// There is no way back to it.
pub(crate) fn steps_to(records: &[SwitchRecord], generation: u64) -> Result<usize, NoWay> {
    if generation > 0 && !records.iter().any(|r| r.generation == generation) {
        return Err(NoWay::Unknown);
    }
    for by in records.iter().filter(|r| r.generation > generation) {
        if let Some(undone) = by.undoes.iter().copied().find(|g| *g <= generation) {
            return Err(NoWay::Forth { undone, by: by.generation });
        }
    }
    Ok(undoable(records).iter().filter(|r| r.generation > generation).count())
}

/// What an undo of some switches does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Back {
    /// The profile before the oldest of them; `None` if nobody had decided.
    pub(crate) to: Option<String>,
    /// What becomes of `.env`.
    pub(crate) dotenv: DotenvStep,
    /// The bytes that `.env` has again; `None` if it goes away, or is not ours to write.
    pub(crate) env_after: Option<Vec<u8>>,
    /// The generations that are undone.
    pub(crate) undoes: Vec<u64>,
}

/// The way back over the newest `steps` of `undoable`; `None` if there are not as many.
pub(crate) fn back(undoable: &[&SwitchRecord], steps: usize) -> Option<Back> {
    let taken = undoable.get(..steps)?;
    let oldest = taken.last()?;
    // Switches that left `.env` alone say nothing about it.
    let touched = taken.iter().rev().find(|r| r.dotenv != DotenvStep::Leave);
    // A file that was written by hand between two of them comes back, as step by step it would: the
    // bytes before it were its owner's to give up.
    let adopted = taken.iter().any(|r| r.dotenv == DotenvStep::Adopt);
    let (dotenv, env_after) = match touched {
        None => (DotenvStep::Leave, None),
        Some(_) if adopted => (DotenvStep::Restore, None),
        Some(r) => (DotenvStep::Write, r.env_before.clone()),
    };
    let undoes = taken.iter().map(|r| r.generation).collect();
    Some(Back { to: oldest.from.clone(), dotenv, env_after, undoes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch(generation: u64, from: Option<&str>, to: &str) -> SwitchRecord {
        SwitchRecord {
            generation,
            kind: SwitchKind::Switch,
            from: from.map(str::to_owned),
            to: Some(to.to_owned()),
            dotenv: DotenvStep::Write,
            env_before: (generation > 1).then(|| vec![u8::try_from(generation - 1).unwrap()]),
            env_after: Some(vec![u8::try_from(generation).unwrap()]),
            undoes: Vec::new(),
            at: None,
        }
    }

    fn three() -> Vec<SwitchRecord> {
        vec![
            switch(1, None, "dev"),
            switch(2, Some("dev"), "test"),
            switch(3, Some("test"), "prod"),
        ]
    }

    #[test]
    fn undo_goes_back_step_by_step_and_never_forth() {
        let mut records = three();
        let way = back(&undoable(&records), 1).unwrap();
        assert_eq!((way.to.as_deref(), way.env_after.as_deref()), (Some("test"), Some(&[2][..])));
        let mut undo = switch(4, Some("prod"), "test");
        undo.kind = SwitchKind::Undo;
        undo.undoes = way.undoes;
        records.push(undo);
        let way = back(&undoable(&records), 1).unwrap();
        assert_eq!((way.to.as_deref(), way.env_after.as_deref()), (Some("dev"), Some(&[1][..])));
        let way = back(&undoable(&records), 2).unwrap();
        assert_eq!((way.to, way.env_after), (None, None));
        assert_eq!(way.undoes, [2, 1]);
        assert_eq!(back(&undoable(&records), 3), None);
    }

    #[test]
    fn an_adopted_file_goes_back_and_one_left_alone_stays() {
        let mut records = three();
        records[0].dotenv = DotenvStep::Adopt;
        assert_eq!(back(&undoable(&records), 3).unwrap().dotenv, DotenvStep::Restore);
        assert_eq!(back(&undoable(&records), 2).unwrap().dotenv, DotenvStep::Write);
        let mut between = three();
        between[1].dotenv = DotenvStep::Adopt;
        assert_eq!(back(&undoable(&between), 3).unwrap().dotenv, DotenvStep::Restore);
        for record in &mut records {
            record.dotenv = DotenvStep::Leave;
        }
        assert_eq!(back(&undoable(&records), 3).unwrap().dotenv, DotenvStep::Leave);
    }

    fn undo(generation: u64, undoes: &[u64]) -> SwitchRecord {
        let kind = SwitchKind::Undo;
        SwitchRecord { kind, undoes: undoes.to_vec(), ..switch(generation, None, "dev") }
    }

    #[test]
    fn a_generation_is_gone_back_to_unless_it_was_undone() {
        let mut records = three();
        assert_eq!([0, 1, 2, 3].map(|g| steps_to(&records, g)), [Ok(3), Ok(2), Ok(1), Ok(0)]);
        assert_eq!(steps_to(&records, 4), Err(NoWay::Unknown));
        records.extend([undo(4, &[3, 2]), switch(5, Some("dev"), "test")]);
        assert_eq!([0, 1, 4, 5].map(|g| steps_to(&records, g)), [Ok(2), Ok(1), Ok(1), Ok(0)]);
        assert_eq!(steps_to(&records, 2), Err(NoWay::Forth { undone: 2, by: 4 }));
        assert_eq!(steps_to(&records, 3), Err(NoWay::Forth { undone: 3, by: 4 }));
    }

    #[test]
    fn what_no_undo_can_need_goes_and_nothing_else() {
        let mut records = three();
        records.extend([undo(4, &[3, 2]), switch(5, Some("dev"), "test"), undo(6, &[5])]);
        assert_eq!(surplus(&records, 6), [] as [u64; 0]);
        assert_eq!(surplus(&records, 7), [] as [u64; 0]);
        // The undo of generation 3 stays as long as the switch itself.
        assert_eq!(surplus(&records, 4), [2]);
        assert_eq!(surplus(&records, 3), [2, 3]);
        assert_eq!(surplus(&records, 2), [2, 3, 4]);
        assert_eq!(surplus(&records, 0), [2, 3, 5, 4, 6]);
        for kept in 0..7 {
            let gone = surplus(&records, kept);
            // Killed after any of them, what can be undone is the same.
            for n in 0..=gone.len() {
                let mut left = records.clone();
                left.retain(|r| !gone[..n].contains(&r.generation));
                assert_eq!(undoable(&left), undoable(&records));
            }
        }
    }

    #[test]
    fn entries_read_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), []);
        for record in three().iter().rev() {
            stage(dir.path(), record).unwrap().publish().unwrap();
        }
        assert_eq!(read(dir.path()).unwrap(), three());
    }
}
