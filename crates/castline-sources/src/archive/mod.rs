//! Images in a tar: indexed once, read in place.

mod backing;
mod collector;
mod intake;
mod members;

use std::{fs::File, io, path::Path};

use castline_core::{
    Blob, BlobName, BlobSource, Finding, FindingCode, Format, Limits, OpenFault, Stored, Watch,
};

use crate::{Error, Result};
use backing::{Backing, Section, Unreadable};
use members::{Member, Members};

/// An OCI or docker archive: a tar, perhaps under gzip, zstd or xz as a whole.
///
/// A plain tar is read in place, nothing is unpacked. One that is compressed is decompressed once: into memory up
/// to 64 MiB, beyond into an unnamed temporary file.
#[derive(Debug)]
pub struct Archive {
    format: Format,
    backing: Backing,
    members: Members,
    findings: Vec<Finding>,
}

impl Archive {
    /// Opens the file `path` as an archive of the given format.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be opened or read. An archive that is cut or damaged opens, and says so
    /// in its findings.
    pub fn open(path: impl AsRef<Path>, format: Format, limits: &Limits) -> Result<Self> {
        Self::open_watched(path, format, limits, &Watch::none())
    }

    /// [`Archive::open`] under a watch: of a plain tar the headers are read, one that is compressed is decompressed.
    /// Progress is in bytes of the file.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`]; [`Error::Cancelled`] when the watch asks for a stop.
    pub fn open_watched(
        path: impl AsRef<Path>,
        format: Format,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io(path))?;
        if file.metadata().map_err(Error::io(path))?.is_dir() {
            let error =
                io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; for a layout write `oci:DIR`");
            return Err(Error::io(path)(error));
        }
        Self::of(Backing::of_file(file, limits, watch), path, format, limits, watch)
    }

    /// Reads an archive of the given format from a stream, e.g. standard input. The tar is kept in memory up to 64 MiB,
    /// beyond in an unnamed temporary file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when reading fails.
    pub fn from_reader(stream: impl io::Read, format: Format, limits: &Limits) -> Result<Self> {
        Self::from_reader_watched(stream, format, limits, &Watch::none())
    }

    /// [`Archive::from_reader`] under a watch. Progress is in bytes of the stream, and their total is not known. A
    /// reader that waits is not interrupted: a stop is looked at between reads.
    ///
    /// # Errors
    ///
    /// As [`Archive::from_reader`]; [`Error::Cancelled`] when the watch asks for a stop.
    pub fn from_reader_watched(
        stream: impl io::Read,
        format: Format,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        Self::of(Backing::of_stream(stream, limits, watch), Path::new("-"), format, limits, watch)
    }

    fn of(
        backing: Result<Backing, Unreadable>,
        path: &Path,
        format: Format,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let indexed = backing.and_then(|backing| {
            let (members, findings) = Members::index(&backing, limits, watch)?;
            Ok((backing, members, findings))
        });
        match indexed {
            Ok((backing, members, mut findings)) => {
                if format == Format::OciLayout && members.is_foreign() {
                    let message = "the archive holds neither an index.json nor a manifest.json";
                    findings.push(Finding::error(FindingCode::ArchiveIsNotAnImage, message));
                }
                Ok(Self { format, backing, members, findings })
            }
            Err(Unreadable::Io(source)) => Err(Error::io(path)(source)),
            Err(Unreadable::Cancelled) => Err(Error::Cancelled),
            Err(Unreadable::Finding(finding)) => Ok(Self {
                format,
                backing: Backing::empty(),
                members: Members::default(),
                findings: vec![*finding],
            }),
        }
    }

    pub(crate) fn open_blob(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        match self.members.find(&name.path())? {
            Member::File { offset, size } => {
                let section = Section::new(&self.backing, *offset, *size);
                Ok(Blob { size: Some(*size), reader: Box::new(section) })
            }
            Member::Other { kind } => Err(OpenFault::NotAFile { kind }),
            Member::Link { .. } => Err(OpenFault::Missing),
        }
    }
}

impl BlobSource for Archive {
    fn format(&self) -> Format {
        self.format
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        self.open_blob(name)
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        Ok(self.members.stored())
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}
