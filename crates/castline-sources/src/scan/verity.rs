use std::os::fd::OwnedFd;

use castline_core::Digest;
use composefs_ioctls::fsverity::fs_ioc_measure_verity;

use super::stat::Stat;

/// The kernel's number of SHA-256 (`FS_VERITY_HASH_ALG_SHA256`).
const SHA256: u8 = 1;

/// What tells the digest by which fs-verity knows an open file.
pub(super) type Measure = fn(&OwnedFd, &Stat) -> Option<Digest>;

/// The digest that the kernel guards the content by: it refuses to read what differs. `None` for a file that is not
/// guarded, and for one that is by another hash than SHA-256.
pub(super) fn measure(file: &OwnedFd, stat: &Stat) -> Option<Digest> {
    if !stat.has_verity() {
        return None;
    }
    fs_ioc_measure_verity(file, SHA256).ok().map(Digest::from_sha256)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use castline_core::{Watch, rootfs::NodeKind};

    use super::*;
    use crate::{ScanOptions, scan};

    #[test]
    fn a_guarded_file_is_not_read_if_its_digest_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in [("known", "one"), ("other", "three"), ("plain", "five5")] {
            fs::write(folder.path().join(name), content).expect("writes");
        }
        let [guarded, content] = [b"guarded", b"content"].map(|text| Digest::of(text));
        let known = BTreeMap::from([(guarded, content.clone())]);
        let mut options = ScanOptions::default().with_verity(&known);
        // The kernel says so of two files, one of them under a digest that nobody knows.
        options.measure = Some(|_, stat| match stat.size {
            3 => Some(Digest::of(b"guarded")),
            5 => Some(Digest::of(b"another")),
            _ => None,
        });
        let seen = scan(folder.path(), &options, &Watch::none()).expect("scans");
        let kind = |name: &str| seen.rootfs.get(name.as_bytes()).expect(name).kind.clone();
        assert_eq!(kind("known"), NodeKind::File { size: 3, digest: content });
        assert_eq!(kind("other"), NodeKind::File { size: 5, digest: Digest::of(b"three") });
        assert_eq!(seen.bytes, 10);
        // Without the kernel's word everything is read.
        options.measure = None;
        assert_eq!(scan(folder.path(), &options, &Watch::none()).expect("scans").bytes, 13);
    }
}
