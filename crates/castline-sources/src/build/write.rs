//! The tar of one layer: a folder walked in the order of its names, by open folders, following nothing.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::CStr,
    fs::File,
    io::Read as _,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use castline_core::{
    Compression, Limits, Progress, Rootfs, Time, Watch,
    decode::Decompress,
    tar::{self, Entry, Kind, Parser, Visitor, normalize},
};
use rustix::{
    fs::{CWD, Dir, FileType, Mode, OFlags, openat, readlinkat},
    io::Errno,
};

use super::{
    header::{END, Header, fits_device, padding},
    layer::{From, LayerSource, WHITEOUT, of_time},
    pack::Sink,
};
use crate::{
    Error, Result,
    scan::{attributes, stat::Stat},
};

/// How deep folders may be: each on the way is open while what is in it is read.
const DEPTH: usize = 256;

/// What the layers below have, as far as it matters for those above: which folders are there.
pub(super) struct Below {
    base: Option<Rootfs>,
    made: BTreeSet<Vec<u8>>,
}

impl Below {
    pub(super) const fn of(base: Option<Rootfs>) -> Self {
        Self { base, made: BTreeSet::new() }
    }

    fn has(&self, path: &[u8]) -> bool {
        let base = self.base.as_ref().and_then(|base| base.get(path));
        base.is_some_and(|node| !node.implicit) || self.made.contains(path)
    }
}

/// What a layer turned out to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) entries: u64,
}

/// Writes the tar of `layer` into `sink`.
pub(super) fn write(
    layer: &LayerSource,
    created: Time,
    below: &mut Below,
    sink: &mut Sink<'_>,
    watch: &Watch<'_>,
) -> Result<Counts> {
    let mut writer = Writer {
        layer,
        created,
        below,
        sink,
        watch,
        seen: HashMap::new(),
        counts: Counts::default(),
        bytes: 0,
        xattrs: attributes::Reader::new(1 << 20),
    };
    match &layer.from {
        From::Tar(path) => writer.tar(path)?,
        From::File(path) => {
            let place = layer.place()?;
            writer.parents(&place)?;
            writer.lone_file(path, &place)?;
            writer.put(&END)?;
        }
        From::Directory(path) => {
            let place = layer.place()?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let fd =
                openat(CWD, path, flags, Mode::empty()).map_err(|errno| Error::io(path)(errno.into()))?;
            writer.parents(&place)?;
            writer.made_folder(&place, 0o755)?;
            writer.folder(&fd, path, &place, b"", 0)?;
            writer.put(&END)?;
        }
    }
    Ok(writer.counts)
}

struct Writer<'w, 's> {
    layer: &'w LayerSource,
    created: Time,
    below: &'w mut Below,
    sink: &'w mut Sink<'s>,
    watch: &'w Watch<'w>,
    /// The first name of each file that has several.
    seen: HashMap<(u64, u64), Vec<u8>>,
    counts: Counts,
    bytes: u64,
    xattrs: attributes::Reader,
}

impl Writer<'_, '_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.sink.write(bytes).map_err(Error::io(self.layer.path()))
    }

    fn header(&mut self, header: &Header<'_>) -> Result<()> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        self.counts.entries += 1;
        self.put(&header.to_bytes())
    }

    /// The folders above `place`.
    fn parents(&mut self, place: &[u8]) -> Result<()> {
        let ends = place.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let root = (!place.is_empty()).then_some(0);
        for end in root.into_iter().chain(ends) {
            self.made_folder(&place[..end], 0o755)?;
        }
        Ok(())
    }

    /// A folder that the layer needs, where there is none yet.
    fn made_folder(&mut self, place: &[u8], mode: u32) -> Result<()> {
        if self.below.has(place) {
            return Ok(());
        }
        let (uid, gid) = self.layer.owners(0, 0);
        let mtime = of_time(self.created);
        self.folder_header(place, &Header { mode, uid, gid, mtime, ..EMPTY })
    }

    fn folder_header(&mut self, place: &[u8], header: &Header<'_>) -> Result<()> {
        let mut path = if place.is_empty() { b".".to_vec() } else { place.to_vec() };
        path.push(b'/');
        self.below.made.insert(place.to_vec());
        self.header(&Header { path: &path, flag: b'5', ..*header })
    }

    /// All that is in an open folder. `inner` is its path in the source, by which patterns match.
    fn folder(&mut self, fd: &OwnedFd, path: &Path, place: &[u8], inner: &[u8], depth: usize) -> Result<()> {
        let io = |errno: Errno| Error::io(path)(errno.into());
        if depth > DEPTH {
            return Err(invalid(path, format!("it is deeper than {DEPTH} folders")));
        }
        let mut names = Vec::new();
        let mut listing = Dir::read_from(fd).map_err(io)?;
        while let Some(entry) = listing.read() {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(name.to_owned());
            }
        }
        drop(listing);
        names.sort_unstable();
        for name in names {
            let below = path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            let inner = joined(inner, name.to_bytes());
            if self.layer.exclude.iter().any(|glob| glob.matches(&inner)) {
                continue;
            }
            let place = joined(place, name.to_bytes());
            self.entry(fd.as_fd(), &name, &below, &place, &inner, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
        place: &[u8],
        inner: &[u8],
        depth: usize,
    ) -> Result<()> {
        let io = |errno: Errno| Error::io(path)(errno.into());
        if name.to_bytes().starts_with(WHITEOUT.as_bytes()) {
            return Err(invalid(
                path,
                "in a layer, a name that begins with `.wh.` deletes; exclude it, or rename it",
            ));
        }
        let stat = Stat::at(folder, name).map_err(io)?;
        let (uid, gid) = self.layer.owners(stat.uid, stat.gid);
        let mtime = self.layer.mtime(stat.mtime(), self.created);
        let mode = self.layer.mode(stat.mode(), stat.is_directory());
        let shared = stat.links > 1 && !stat.is_directory();
        if shared && let Some(first) = self.seen.get(&(stat.dev, stat.ino)).cloned() {
            return self.header(&Header {
                path: place,
                flag: b'1',
                mode,
                uid,
                gid,
                mtime,
                link: &first,
                ..EMPTY
            });
        }
        let known = Header { path: place, mode, uid, gid, mtime, ..EMPTY };
        match stat.file_type() {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let fd = openat(folder, name, flags, Mode::empty()).map_err(io)?;
                if Stat::of(&fd).map_err(io)?.identity() != stat.identity() {
                    return Err(changed(path));
                }
                let xattrs = self.xattrs(path, |reader| reader.of(fd.as_fd()))?;
                self.folder_header(place, &Header { xattrs: &xattrs, ..known })?;
                return self.folder(&fd, path, place, inner, depth + 1);
            }
            FileType::RegularFile => {
                let flags =
                    OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
                let fd = openat(folder, name, flags, Mode::empty()).map_err(io)?;
                self.file(fd, path, &stat, &known)?;
            }
            FileType::Symlink => {
                let target = readlinkat(folder, name, Vec::new()).map_err(io)?;
                let xattrs = self.xattrs(path, |reader| reader.at(folder, name.to_bytes()))?;
                self.header(&Header {
                    flag: b'2',
                    mode: 0o777,
                    link: target.to_bytes(),
                    xattrs: &xattrs,
                    ..known
                })?;
            }
            kind @ (FileType::CharacterDevice | FileType::BlockDevice | FileType::Fifo) => {
                let device = match stat.device() {
                    device if kind == FileType::Fifo || fits_device(device) => device,
                    _ => return Err(invalid(path, "no tar can hold its device number; exclude it")),
                };
                let (flag, device) = match kind {
                    FileType::CharacterDevice => (b'3', device),
                    FileType::BlockDevice => (b'4', device),
                    _ => (b'6', (0, 0)),
                };
                let xattrs = self.xattrs(path, |reader| reader.at(folder, name.to_bytes()))?;
                self.header(&Header { flag, device, xattrs: &xattrs, ..known })?;
            }
            _ => return Err(invalid(path, "no image can hold a socket; exclude it")),
        }
        if shared {
            self.seen.insert((stat.dev, stat.ino), place.to_vec());
        }
        Ok(())
    }

    /// A file that is named by itself; its path may lead through links.
    fn lone_file(&mut self, path: &Path, place: &[u8]) -> Result<()> {
        let io = |errno: Errno| Error::io(path)(errno.into());
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty()).map_err(io)?;
        let stat = Stat::of(&fd).map_err(io)?;
        if !stat.is_file() {
            return Err(invalid(path, "it is not a file"));
        }
        let (uid, gid) = self.layer.owners(stat.uid, stat.gid);
        let mtime = self.layer.mtime(stat.mtime(), self.created);
        let mode = self.layer.mode(stat.mode(), false);
        self.file(fd, path, &stat, &Header { path: place, mode, uid, gid, mtime, ..EMPTY })
    }

    /// A file's header and content. It has to stay as it is while it is read.
    fn file(&mut self, fd: OwnedFd, path: &Path, stat: &Stat, known: &Header<'_>) -> Result<()> {
        let io = || Error::io(path);
        if Stat::of(&fd).map_err(|errno| io()(errno.into()))? != *stat {
            return Err(changed(path));
        }
        let xattrs = self.xattrs(path, |reader| reader.of(fd.as_fd()))?;
        let size = stat.size;
        self.header(&Header { flag: b'0', size, xattrs: &xattrs, ..*known })?;
        let mut file = File::from(fd);
        let mut left = size;
        while left > 0 {
            if self.watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let read = match self.sink.fill(left, |buffer| file.read(buffer)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(io())? as u64,
            };
            if read == 0 {
                return Err(changed(path));
            }
            left -= read;
            self.bytes += read;
            self.watch.report(Progress::of_bytes(self.bytes, 0));
        }
        if Stat::of(&file).map_err(|errno| io()(errno.into()))? != *stat {
            return Err(changed(path));
        }
        self.put(&[0; 512][..padding(size)])
    }

    fn xattrs(
        &mut self,
        path: &Path,
        read: impl FnOnce(&mut attributes::Reader) -> Result<attributes::Attributes, attributes::Fault>,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        if self.layer.xattrs == super::Xattrs::None {
            return Ok(Vec::new());
        }
        let found = read(&mut self.xattrs).map_err(|fault| match fault {
            attributes::Fault::TooMany => invalid(path, "it has more than 1 MiB of extended attributes"),
            attributes::Fault::System(errno) => Error::io(path)(errno.into()),
        })?;
        let kept: Vec<_> = found.into_iter().filter(|(name, _)| self.layer.keeps(name)).collect();
        if let Some((name, _)) = kept.iter().find(|(_, value)| value.is_empty()) {
            // In a PAX record an empty value takes the record back.
            let name = String::from_utf8_lossy(name);
            return Err(invalid(
                path,
                format!("no tar can hold its empty attribute {name}; leave xattrs out"),
            ));
        }
        Ok(kept)
    }

    /// A tar as it is, decompressed, and read on the way: what is no tar becomes no layer.
    fn tar(&mut self, path: &Path) -> Result<()> {
        let io = || Error::io(path);
        let mut file = File::open(path).map_err(io())?;
        let mut head = Vec::new();
        file.by_ref().take(4).read_to_end(&mut head).map_err(io())?;
        let compression = Decompress::<File>::sniff(&head);
        let source = std::io::Cursor::new(head).chain(file);
        let mut source: Box<dyn std::io::Read> = match compression {
            Compression::None => Box::new(source),
            _ => Box::new(Decompress::new(source, compression, &Limits::default())),
        };
        let mut parser = Parser::new(tar::Limits::default());
        let mut folders = Folders::default();
        let mut buffer = vec![0; 256 << 10];
        loop {
            if self.watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let length = match source.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(io())?,
            };
            if length == 0 {
                break;
            }
            parser.feed(&buffer[..length], &mut folders).map_err(|fault| not_a_tar(path, &fault))?;
            self.put(&buffer[..length])?;
            self.bytes += length as u64;
            self.watch.report(Progress::of_bytes(self.bytes, 0));
        }
        let summary = parser.finish().map_err(|fault| not_a_tar(path, &fault))?;
        if summary.trailing_bytes {
            return Err(invalid(path, "bytes follow the end of the tar, which no reader sees"));
        }
        self.counts.entries = summary.entries;
        self.below.made.append(&mut folders.0);
        Ok(())
    }
}

#[derive(Default)]
struct Folders(BTreeSet<Vec<u8>>);

impl Visitor for Folders {
    fn entry(&mut self, entry: Entry) {
        if entry.kind == Kind::Directory {
            self.0.insert(normalize(&entry.path).path);
        }
    }
}

const EMPTY: Header<'static> = Header {
    path: b"",
    flag: b'0',
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: tar::Mtime { secs: 0, nanos: 0 },
    link: b"",
    device: (0, 0),
    xattrs: &[],
};

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

fn invalid(path: &Path, reason: impl Into<Box<str>>) -> Error {
    Error::InvalidFile { path: path.to_owned(), reason: reason.into() }
}

fn changed(path: &Path) -> Error {
    Error::SourceChanged { path: PathBuf::from(path) }
}

fn not_a_tar(path: &Path, fault: &tar::TarFault) -> Error {
    invalid(path, format!("it cannot be a layer: {fault}"))
}
