//! What is done every 100 ms: syncing, and finding out whether rows can be kept again.

use super::writer::{Journal, Writer, write_once};
use super::{JournalError, frame};
use crate::base::file::sync_dir;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Journal {
    /// While rows are refused, finds out whether they could be kept again: writes as much as the
    /// longest row would take, without a line feed, and takes it back. Nobody else could find out,
    /// for without a journal there is no traffic. A sync that failed is not for this to heal.
    pub(super) fn probe(&self) {
        if self.writable() {
            return;
        }
        let mut writer = self.writer();
        if writer.broken {
            return;
        }
        let outcome = self.probe_under_lock(&mut writer);
        if outcome.is_ok() {
            self.say(&mut writer, true);
        }
        drop(writer);
        match outcome {
            Ok(()) => {
                tracing::info!("usage rows can be kept again");
                self.note(None);
            }
            Err(e) => self.note(e.to_string()),
        }
    }

    fn probe_under_lock(&self, writer: &mut Writer) -> Result<(), JournalError> {
        let blanks = vec![b' '; frame::LONGEST_LINE];
        self.make_room(writer, blanks.len() as u64)?;
        let before = writer.size;
        let written = write_once(&writer.file, &blanks).map_err(|e| self.failed(&e))?;
        self.take_back(writer, before, written as u64);
        if written == blanks.len() { Ok(()) } else { Err(self.disk_full()) }
    }

    /// Syncs what was written since the last time. Blocks for as long as the disk does.
    ///
    /// # Errors
    /// The disk's error. Rows are refused from then on, until a sync of a fresh segment succeeds:
    /// after a failed sync the kernel may have dropped what it could not write.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        if !self.dirty.swap(false, Ordering::AcqRel) && !self.writer().broken {
            return Ok(());
        }
        let (files, was_broken) = {
            let mut writer = self.writer();
            let was_broken = writer.broken;
            if was_broken {
                // An empty one is fresh: a disk that stays away costs one file, not ten a second.
                if writer.size > 0 {
                    self.begin_segment(&mut writer).map_err(|e| self.failed(&e))?;
                }
                writer.unsynced.clear();
            }
            let mut files = std::mem::take(&mut writer.unsynced);
            files.push(Arc::clone(&writer.file));
            (files, was_broken)
        };
        let synced = files
            .iter()
            .try_for_each(|file| file.sync_data())
            .and_then(|()| if files.len() > 1 { sync_dir(&self.own.dir) } else { Ok(()) });
        match synced {
            Ok(()) => {
                if was_broken {
                    self.mark_broken(false);
                    self.note(None);
                }
                Ok(())
            }
            Err(e) => {
                self.mark_broken(true);
                let error = self.failed(&e);
                self.note(error.to_string());
                Err(error)
            }
        }
    }

    /// Says what a sync has shown, and that rows are kept or refused accordingly.
    pub(super) fn mark_broken(&self, broken: bool) {
        let mut writer = self.writer();
        writer.broken = broken;
        self.say(&mut writer, !broken);
    }

    /// What is done every 100 ms: probes if rows are refused, and syncs.
    ///
    /// # Errors
    /// As [`Journal::sync`].
    pub(super) fn tend(&self) -> Result<(), JournalError> {
        self.probe();
        self.sync()
    }
}
